from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from allauth.account import forms as account_forms
from allauth.core import context
from allauth.socialaccount import forms as social_forms
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from webapp.accounts.invitations import invitation_of_session
from webapp.accounts.models import ApiToken, Contrast, Theme, User
from webapp.accounts.names import clean_name
from webapp.accounts.signup import is_allowed_address

PLAIN_ZONES = {"UTC"}  # the only one outside a region that somebody may want


class DomainMixin:
    """Refuses an address that an account here may not have."""

    def clean_email(self) -> str:
        email: str = super().clean_email()  # type: ignore[misc]  # of allauth's form
        if not is_allowed_address(email, context.request):
            raise ValidationError(refusal(context.request))
        return email


def refusal(request: HttpRequest) -> str:
    if invitation_of_session(request) is not None:
        return gettext("The invitation is for another address.")
    domains = ", ".join(f"@{domain}" for domain in settings.SIGNUP_DOMAINS)
    return gettext("This site takes addresses of %(domains)s only.") % {"domains": domains}


class SignupForm(DomainMixin, account_forms.SignupForm):  # type: ignore[misc]  # allauth ships no types
    pass


class SocialSignupForm(DomainMixin, social_forms.SignupForm):  # type: ignore[misc]  # allauth ships no types
    pass


class AddEmailForm(DomainMixin, account_forms.AddEmailForm):  # type: ignore[misc]  # allauth ships no types
    pass


def zones() -> list[tuple[str, Any]]:
    """Time zones by region, as a select shows them; first the site's own."""
    regions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(available_timezones()):
        region, slash, place = name.partition("/")
        if slash and region not in ("Etc", "SystemV", "US", "posix", "right"):
            regions[region].append((name, place.replace("_", " ")))
    return [("", _("As the site")), *((zone, zone) for zone in sorted(PLAIN_ZONES)), *regions.items()]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones, required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        model = User
        fields = ["display_name", "theme", "contrast", "time_zone", "language"]
        labels = {"display_name": _("Name"), "theme": _("Theme"), "contrast": _("Contrast")}
        help_texts = {"display_name": _("Shown to you and to your instructors.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["display_name"].widget.attrs["autocomplete"] = "name"
        if len(settings.LANGUAGES) == 1:
            del self.fields["language"]
        else:
            choices = [("", _("As this browser asks")), *settings.LANGUAGES]
            self.fields["language"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def clean_display_name(self) -> str:
        return clean_name(self.cleaned_data["display_name"])


class AppearanceForm(forms.Form):
    theme = forms.ChoiceField(choices=Theme.choices, required=False)
    contrast = forms.ChoiceField(choices=Contrast.choices, required=False)


DAYS = [("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("a year")), ("", _("never"))]


class LastingMixin(forms.Form):
    """`expires_at`: when what the form makes ends; None for never."""

    days = forms.ChoiceField(label=_("Ends after"), choices=DAYS, initial="90", required=False)

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class TokenForm(LastingMixin):
    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("Where you use it, such as “laptop”."))
    scope = forms.ChoiceField(label=_("May"), choices=ApiToken.Scope.choices)
    field_order = ["name", "scope", "days"]

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


class InvitationForm(LastingMixin):
    email = forms.EmailField(
        label=_("E-mail"), required=False, help_text=_("The invitation then works for this address alone.")
    )
    field_order = ["email", "days"]


class DeletionForm(forms.Form):
    name = forms.CharField(label=_("Your user name"), max_length=150)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}

    @override
    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "name" in given and given["name"] != self.user.username:
            self.add_error("name", gettext("This is not your user name: nothing was deleted."))
        return given
