"""API tokens: a person's page of them, and the one endpoint that there is so far."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.forms import TokenForm
from webapp.accounts.models import User
from webapp.accounts.tokens import token_create, token_revoke, tokens_of, user_of_token


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Context: form, tokens, secret (a new token, in the answer to the form that made it and nowhere else), now."""
    user = cast("User", request.user)
    form, secret = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            values = {"name": form.cleaned_data["name"], "scope": form.cleaned_data["scope"]}
            secret = token_create(user=user, expires_at=form.expires_at, **values)[1]
            form = TokenForm()
        except ValidationError as error:
            form.add_error(None, error)
    context = {"form": form, "tokens": tokens_of(user), "secret": secret, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    if token_revoke(user=cast("User", request.user), pk=pk):
        messages.success(request, _("The token was revoked. Programs that use it are refused from now on."))
    return redirect("tokens")


@csrf_exempt  # no cookie signs anybody in here
@never_cache
@require_safe
def me(request: HttpRequest) -> JsonResponse:
    """Whose token this is: name, role and scope. 401 for a token that is not good (any more)."""
    token = user_of_token(request)
    if token is None:
        said = {"error": "Send a valid token: Authorization: Bearer rz_…"}
        return JsonResponse(said, status=401, headers={"WWW-Authenticate": "Bearer"})
    return JsonResponse({"name": token.user.username, "role": token.user.role, "scope": token.scope})
