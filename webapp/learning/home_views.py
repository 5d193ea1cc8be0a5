"""Home and progress."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.models import User
from webapp.learning.home import home_context
from webapp.learning.progress_selectors import progress_context


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Context: page (HomeContext)."""
    template = "learning/home.html" if request.user.is_authenticated else "learning/welcome.html"
    return render(request, template, {"page": home_context(request.user)})


@require_safe
@login_required
def progress(request: HttpRequest) -> HttpResponse:
    """Context: page (ProgressContext)."""
    assert isinstance(request.user, User)
    return render(request, "learning/progress.html", {"page": progress_context(request.user)})
