"""{% vite 'lesson' %}: the tags for one of Vite's entries, with the hashed names from its manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
Manifest = dict[str, dict[str, Any]]
T = TypeVar("T", bound=str)


@lru_cache(maxsize=4)
def read_manifest(path: Path, changed_ns: int) -> Manifest:
    manifest: Manifest = json.loads(path.read_text())
    return manifest


def manifest_state() -> tuple[Path, int]:
    path = Path(settings.VITE_MANIFEST)
    try:
        return path, path.stat().st_mtime_ns
    except FileNotFoundError:
        raise ImproperlyConfigured(f"The front end is not built: {path} is missing. Run `make setup`.") from None


def load_manifest() -> Manifest:
    return read_manifest(*manifest_state())


def once_a_build(make: Callable[..., T]) -> Callable[..., T]:
    """A page has dozens of these tags, and each is the same until the front end is built again."""

    @lru_cache(maxsize=512)
    def made(_path: Path, _changed_ns: int, *words: str, **named: str) -> T:
        return make(*words, **named)

    @wraps(make)
    def tag(*words: str, **named: str) -> T:
        return made(*manifest_state(), *words, **named)

    return tag


def find_entry(manifest: Manifest, name: str) -> str:
    """The key of the entry whose name is `name` (src/<name>.ts)."""
    for key, chunk in manifest.items():
        if chunk.get("isEntry") and (chunk.get("name") == name or Path(key).stem == name):
            return key
    raise ImproperlyConfigured(f"The front end has no entry {name!r}; it has {sorted(manifest)}")


def chunks(manifest: Manifest, key: str, seen: set[str]) -> Iterator[dict[str, Any]]:
    """A chunk and all that it imports statically, each once, dependencies first."""
    if key in seen:
        return
    seen.add(key)
    for other in manifest[key].get("imports", []):
        yield from chunks(manifest, other, seen)
    yield manifest[key]


@register.simple_tag
@once_a_build
def vite(name: str) -> SafeString:
    manifest = load_manifest()
    wanted = list(chunks(manifest, find_entry(manifest, name), set()))
    css = dict.fromkeys(file for chunk in wanted for file in chunk.get("css", []))
    styles = format_html_join("\n", '<link rel="stylesheet" href="{}">', ((static(file),) for file in css))
    entry = wanted[-1]["file"]
    if entry.endswith(".css"):
        return format_html('{}<link rel="stylesheet" href="{}">', styles, static(entry))
    preloads = format_html_join(
        "\n", '<link rel="modulepreload" href="{}">', ((static(chunk["file"]),) for chunk in wanted[:-1])
    )
    return format_html('{}\n{}\n<script type="module" src="{}"></script>', styles, preloads, static(entry))


@register.simple_tag
@once_a_build
def vite_url(name: str) -> str:
    """The address of an entry's file alone, for a blocking script."""
    manifest = load_manifest()
    return static(manifest[find_entry(manifest, name)]["file"])


@register.simple_tag
@once_a_build
def vite_fonts() -> SafeString:
    """Fetch the fonts at once: the style sheet that names them comes later, and a late font is not used."""
    manifest = load_manifest()
    files = [file for file in manifest[find_entry(manifest, "base")].get("assets", []) if file.endswith(".woff2")]
    link = '<link rel="preload" as="font" type="font/woff2" href="{}" crossorigin>'
    return format_html_join("\n", link, ((static(file),) for file in files))
