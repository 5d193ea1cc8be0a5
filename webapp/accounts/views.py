"""A person's own settings."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts.forms import AppearanceForm, ProfileForm
from webapp.accounts.models import User
from webapp.accounts.services import user_prefer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Context: form (ProfileForm)."""
    user = cast("User", request.user)
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        user_prefer(user=user, **form.cleaned_data)
        messages.success(request, _("Your profile was saved."))
        return redirect("profile")
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """The choice in the menu of every page, sent by a script: theme, contrast or both."""
    form = AppearanceForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)
    chosen = {name: value for name, value in form.cleaned_data.items() if value}
    user_prefer(user=cast("User", request.user), **chosen)
    return HttpResponse(status=204)
