from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template

MANIFEST = {
    "src/lesson.ts": {
        "file": "assets/lesson-abc12345.js",
        "name": "lesson",
        "isEntry": True,
        "imports": ["_shared.js", "_deep.js"],
        "css": ["assets/lesson-1.css"],
    },
    "src/base.ts": {
        "file": "assets/base-abc12345.js",
        "name": "base",
        "isEntry": True,
        "assets": ["assets/inter-1.woff2", "assets/icons-1.svg"],
    },
    "_shared.js": {"file": "assets/shared-1.js", "imports": ["_deep.js"], "css": ["assets/shared-1.css"]},
    "_deep.js": {"file": "assets/deep-1.js", "imports": ["_shared.js"]},
}


def render(text: str) -> str:
    return Template("{% load vite %}" + text).render(Context())


@pytest.fixture
def manifest(tmp_path: Path, settings: Any) -> Path:
    settings.VITE_MANIFEST = tmp_path / "built.json"
    settings.VITE_MANIFEST.write_text(json.dumps(MANIFEST))
    return tmp_path / "built.json"


def test_it_names_an_entry_and_all_it_needs(manifest: Path) -> None:
    html = render("{% vite 'lesson' %}")
    assert html.count("<script") == 1
    assert '<script type="module" src="/static/assets/lesson-abc12345.js">' in html
    assert html.count("modulepreload") == 2
    assert html.index("shared-1.css") < html.index("lesson-1.css")
    assert render("{% vite_url 'lesson' %}") == "/static/assets/lesson-abc12345.js"


def test_it_asks_for_the_fonts_in_the_head(manifest: Path) -> None:
    assert render("{% vite_fonts %}") == (
        '<link rel="preload" as="font" type="font/woff2" href="/static/assets/inter-1.woff2" crossorigin>'
    )


def test_it_says_what_to_do_without_a_build(manifest: Path) -> None:
    manifest.unlink()
    with pytest.raises(ImproperlyConfigured, match="make setup"):
        render("{% vite 'lesson' %}")


def test_it_refuses_an_unknown_entry(manifest: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="no entry 'none'"):
        render("{% vite 'none' %}")
