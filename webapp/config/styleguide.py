"""The living style page: every token, icon and component in every state, for those who write pages."""

from __future__ import annotations

import re

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from webapp.config.paths import ROOT

SPACES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8")
SIZES = ("xs", "sm", "md", "lg", "xl", "2xl", "3xl")
BADGES = (
    ("", _("Not started")),
    ("tried", _("Not passed yet")),
    ("passed", _("Passed")),
    ("gold", _("Distinction")),
    ("failed", _("Failed")),
    ("under_review", _("Under review")),
    ("infra_error", _("Our fault")),
    ("queued", _("Waiting")),
    ("running", _("Running")),
)
CALLOUTS = ("note", "tip", "warning", "danger", "example")


class ExampleForm(forms.Form):
    """A field of each kind; sent empty, so that each shows its fault."""

    use_required_attribute = False
    name = forms.CharField(label=_("Name"), help_text=_("As others shall see it."))
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    kind = forms.ChoiceField(label=_("Kind"), choices=[("a", _("First")), ("b", _("Second"))])
    agreed = forms.BooleanField(label=_("I have read it"))


def icon_names() -> list[str]:
    """As the sprite has them."""
    sprite = ROOT / "webapp" / "frontend" / "src" / "icons.svg"
    return re.findall(r'<symbol id="([a-z0-9-]+)"', sprite.read_text())


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Context: icons, sizes, spaces, badges, callouts, empty_form, faulty_form. To others the page does not exist."""
    if not getattr(request.user, "is_teacher", False):
        raise Http404
    context = {
        "icons": icon_names(),
        "sizes": SIZES,
        "spaces": SPACES,
        "badges": BADGES,
        "callouts": CALLOUTS,
        "empty_form": ExampleForm(auto_id="empty_%s"),
        "faulty_form": ExampleForm({"kind": "c"}, auto_id="faulty_%s"),
    }
    return render(request, "styleguide/page.html", context)
