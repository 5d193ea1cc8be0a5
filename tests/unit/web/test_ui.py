from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import Context, Template, TemplateSyntaxError

WEBAPP = Path(__file__).resolve().parents[3] / "webapp"
SPRITE = (WEBAPP / "frontend" / "src" / "icons.svg").read_text()
USED = re.compile(r"""{% icon "([a-z-]+)|\bicon\("([a-z-]+)"\)""")


def render(text: str, **context: object) -> str:
    return Template("{% load ui %}" + text).render(Context(context))


def test_an_icon_says_nothing_unless_it_has_a_label() -> None:
    assert render('{% icon "play" %}') == (
        '<svg class="icon" aria-hidden="true"><use href="/static/assets/icons-aaaaaaaa.svg#play"/></svg>'
    )
    labelled = render('{% icon "lock" label=words extra="large" %}', words='Locked "now"')
    assert 'class="icon large" role="img" aria-label="Locked &quot;now&quot;"' in labelled


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    ids = re.findall(r'<symbol id="([a-z-]+)"', SPRITE)
    sources = [*(WEBAPP / "templates").rglob("*.html"), *(WEBAPP / "frontend" / "src").rglob("*.ts")]
    used = {name for path in sources for pair in USED.findall(path.read_text()) for name in pair if name}
    assert len(ids) == len(set(ids))
    assert used <= set(ids)


def test_a_name_is_required() -> None:
    with pytest.raises(TemplateSyntaxError):
        render("{% icon %}")
