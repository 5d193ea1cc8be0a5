"""{% icon "play" %}: one drawing of the sprite (frontend/src/icons.svg), as large as the text beside it."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webapp.catalog.templatetags.vite import load_manifest, once_a_build

register = template.Library()
SPRITE = "src/icons.svg"


@register.simple_tag
@once_a_build
def icon(name: str, label: str = "", *, extra: str = "") -> SafeString:
    """Decorative, so hidden from screen readers, unless `label` says in words what it means; `extra` adds classes."""
    address = f"{static(load_manifest()[SPRITE]['file'])}#{name}"
    classes = f"icon {extra}".strip()
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, address)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, address)
