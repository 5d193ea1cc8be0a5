"""What the command palette offers besides search. Apps above register theirs, as with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteCommand:
    """Opens `url`; with method "post" it sends a form there, with the page's CSRF token and nothing else."""

    id: str  # unique and lasting: the browser remembers what was used
    title: str | Promise
    group: Literal["action", "page", "lesson", "exercise", "setting"]
    url: str
    method: Literal["get", "post"] = "get"
    note: str | Promise = ""  # shown small beside the title
    icon: str = ""  # of the sprite
    words: str | Promise = ""  # more words that find it


Provider = Callable[[HttpRequest], Iterable[PaletteCommand]]
_providers: list[Provider] = []


def register(provider: Provider) -> Provider:
    """The provider offers only what the person who asks may do."""
    if provider not in _providers:
        _providers.append(provider)
    return provider


def palette_json(request: HttpRequest) -> dict[str, Any]:
    offered = [command for provider in _providers for command in provider(request)]
    return {"commands": [texts(command) for command in offered]}


def texts(command: PaletteCommand) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(command).items()}
