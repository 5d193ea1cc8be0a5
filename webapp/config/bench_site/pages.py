"""What is asked for."""

from __future__ import annotations

BARE = "bare view"
_EXERCISE = "/lessons/09_ab_testing/peek_safely/"
# Name → address.
PAGES = {
    BARE: "/bare",
    "home": "/",
    "lesson": "/lessons/09_ab_testing/",
    "exercise": _EXERCISE,
    "history": f"{_EXERCISE}history/",
}
