"""A person's data: take it along, or have it deleted."""

from __future__ import annotations

from typing import cast

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.deletion import LastAdministratorError, user_delete
from webapp.accounts.export import response
from webapp.accounts.forms import DeletionForm
from webapp.accounts.models import User
from webapp.accounts.personal import StillBusyError

EXPORT_EVERY_S = 30  # an archive reads everything that there is of somebody


@login_required
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/data.html")


@login_required
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    user = cast("User", request.user)
    if not cache.add(f"export:{user.pk}", 1, EXPORT_EVERY_S):
        messages.warning(request, _("An archive was made just now. Wait half a minute for the next one."))
        return redirect("data")
    return response(user)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth ships no types
def delete(request: HttpRequest) -> HttpResponse:
    """Context: form (DeletionForm). Asks for the password (or second factor) first, unless that was just given."""
    user = cast("User", request.user)
    form = DeletionForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            user_delete(user=User.objects.get(pk=user.pk))
        except LastAdministratorError:
            form.add_error(None, _("You are the only administrator. Make somebody else one first."))
        except StillBusyError:
            form.add_error(None, _("Something of yours is still running and is being stopped. Try again in a minute."))
        else:
            logout(request)
            messages.success(request, _("Your account and all that was yours is deleted."))
            return redirect("home")
    return render(request, "accounts/delete.html", {"form": form}, status=422 if form.errors else 200)
