"""The palette's commands that the catalog knows: home, lessons, exercises, and what an account offers."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from webapp.catalog.context import site
from webapp.catalog.course import course
from webapp.catalog.search.palette import PaletteCommand


def site_commands(request: HttpRequest) -> Iterator[PaletteCommand]:
    yield PaletteCommand(
        id="home", title=_("Home"), group="page", url=reverse("home"), icon="home", words=_("map path")
    )
    yield from account_commands(request)
    yield from course_commands()


def account_commands(request: HttpRequest) -> Iterator[PaletteCommand]:
    if request.user.is_authenticated:
        profile, out = reverse("profile"), reverse("account_logout")
        yield PaletteCommand(
            id="profile", title=_("Profile"), group="page", url=profile, icon="user", words=_("account")
        )
        yield PaletteCommand(id="logout", title=_("Sign out"), group="setting", url=out, method="post", icon="log-out")
        return
    login, signup = reverse("account_login"), reverse("account_signup")
    yield PaletteCommand(id="login", title=_("Sign in"), group="page", url=login, icon="log-in")
    if site(request)["signup_open"]:
        yield PaletteCommand(id="signup", title=_("Create account"), group="page", url=signup, icon="user")


def course_commands() -> Iterator[PaletteCommand]:
    for lesson in course().lessons:
        if lesson.body:
            url = reverse("lesson", args=[lesson.slug])
            number = lesson.slug[:2] if lesson.slug[:2].isdigit() else ""
            yield PaletteCommand(id=f"lesson:{lesson.slug}", title=lesson.title, note=number, group="lesson", url=url)
        for exercise in lesson.exercises:
            yield PaletteCommand(
                id=f"exercise:{exercise.manifest.id}",
                title=exercise.manifest.title,
                note=lesson.title,
                group="exercise",
                url=reverse("exercise", args=[exercise.lesson, exercise.slug]),
            )
