"""Invitations: the teachers' page of them, and the door that one opens."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.forms import InvitationForm
from webapp.accounts.invitations import invitation_create, invitation_list, invitation_revoke, invitation_take
from webapp.accounts.models import Invitation, User


def teacher(request: HttpRequest) -> User:
    user = cast("User", request.user)
    if not user.is_teacher:
        raise PermissionDenied
    return user


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest) -> HttpResponse:
    """Context: form, invitations, mode, link (of a new one, in the answer to its form and nowhere else)."""
    user = teacher(request)
    form, link = InvitationForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        email, expires_at = form.cleaned_data["email"], form.expires_at
        secret = invitation_create(made_by=user, email=email, expires_at=expires_at)[1]
        link = request.build_absolute_uri(reverse("invitation", args=[secret]))
        form = InvitationForm()
    context = {"form": form, "invitations": invitation_list(), "link": link, "mode": settings.SIGNUP}
    return render(request, "accounts/invitations.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    teacher(request)
    invitation_revoke(invitation=get_object_or_404(Invitation, pk=pk))
    messages.success(request, _("The invitation was revoked."))
    return redirect("invitations")


@never_cache
@require_safe
def accept(request: HttpRequest, secret: str) -> HttpResponse:
    """What somebody opens who was invited. The secret goes into the session, out of the address."""
    if request.user.is_authenticated:
        messages.info(request, _("You have an account already: the invitation can go to somebody else."))
        return redirect("home")
    if settings.SIGNUP == "closed" or invitation_take(request.session, secret) is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    return redirect("account_signup")
