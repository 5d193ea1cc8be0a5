"""Who may see what: the one place that decides. Others' work is answered like something that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse

from webapp.accounts.models import User
from webapp.catalog.http import wants_json
from webapp.submissions.models import Run, Submission

P = ParamSpec("P")


def may_read(user: User, owner_id: int) -> bool:
    return user.is_active and (user.pk == owner_id or user.is_teacher)


def signed_in(request: HttpRequest) -> User:
    """The user of a view under `learner_required`."""
    assert isinstance(request.user, User)
    return request.user


def learner_required(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Sends visitors to the sign-in page, scripts to a 401 that names it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if isinstance(request.user, User):
            return view(request, *args, **kwargs)
        if wants_json(request):
            body = {"errors": {"": ["Sign in first."]}, "sign_in": reverse("account_login")}
            return JsonResponse(body, status=401)
        return redirect_to_login(page_behind(request))

    return guarded  # type: ignore[return-value]  # wraps() keeps the name of the first parameter, which no caller uses


def teacher_required(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """As `learner_required`; to a learner the page does not exist."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not signed_in(request).is_teacher:
            raise Http404("There is no such page.")
        return view(request, *args, **kwargs)

    return learner_required(guarded)  # type: ignore[arg-type]  # as above


def page_behind(request: HttpRequest) -> str:
    """Where to go after signing in: the page itself, or the page whose form was sent (one level above its address)."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    return request.path.rstrip("/").rpartition("/")[0] + "/"


def run_or_404(run: UUID, user: User) -> Run:
    found = Run.objects.select_related("learner", "submission__exercise").filter(pk=run).first()
    if found is None or not may_read(user, found.learner_id):
        raise Http404("There is no such run.")
    return found


def submission_or_404(submission: UUID, user: User) -> Submission:
    found = Submission.objects.select_related("learner", "exercise").filter(pk=submission).first()
    if found is None or not may_read(user, found.learner_id):
        raise Http404("There is no such submission.")
    return found
