"""Study plans, their calendar, and the hardware page. Each view: parse, one service or selector, respond."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.models import User
from webapp.learning import plans
from webapp.learning.hardware import hardware_page
from webapp.learning.ics import plan_calendar
from webapp.learning.models import PlanFeed, PlanKind, StudyPlan
from webapp.learning.plans_context import plan_cards, plan_draft, plan_page
from webapp.learning.plans_forms import PlanForm, as_planned, usual
from webapp.submissions.access import learner_required, signed_in

FEED_AGE_S = 900


@require_safe
@never_cache
def plan(request: HttpRequest) -> HttpResponse:
    """Context: cards (tuple of PlanCard) and, with a plan, page (PlanPage) and the calendar's addresses."""
    found = plans.plan_of(request.user)
    if found is None:
        return render(request, "learning/plan_choose.html", {"cards": plan_cards()})
    page = plan_page(found)
    feed_url = request.build_absolute_uri(page.feed_path)
    webcal_url = f"webcal:{feed_url.partition(':')[2]}"
    context = {"page": page, "feed_url": feed_url, "webcal_url": webcal_url, "cards": plan_cards()}
    return render(request, "learning/plan.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def plan_new(request: HttpRequest) -> HttpResponseBase:
    """The form of one kind of plan, with a draft of its days. Posting it with `action=save` keeps the plan."""
    kind = (request.POST or request.GET).get("kind", "")
    if kind not in PlanKind.values:
        return redirect("plan")
    form = plan_form(request, kind)
    saving = request.method == "POST" and request.POST.get("action") == "save"
    if saving and form.is_valid():
        if not isinstance(request.user, User):
            return redirect_to_login(f"{reverse('plan-new')}?{choices(request.POST)}")
        plans.plan_save(user=request.user, **form.fields_of_plan())
        messages.success(request, gettext("Your plan is kept."))
        return redirect("plan")
    return draft_page(request, form, refused=saving)


def plan_form(request: HttpRequest, kind: str) -> PlanForm:
    """With what was chosen; else the plan in use, if it is of this kind; else what is usual."""
    given = request.POST or request.GET
    if "start" in given:
        return PlanForm(kind, given)
    current = plans.plan_of(request.user)
    if current is not None and current.kind == kind:
        return PlanForm(kind, as_planned(current))
    return PlanForm(kind, usual(kind), fresh=True)


def choices(data: QueryDict) -> str:
    """As an address can carry them to the sign-in and back."""
    kept = [(key, value) for key in data if key in ("kind", *PlanForm.base_fields) for value in data.getlist(key)]
    return urlencode(kept)


def draft_page(request: HttpRequest, form: PlanForm, *, refused: bool) -> HttpResponse:
    draft = plan_draft(request.user, form.fields_of_plan()) if form.is_valid() else None
    context = {
        "form": form,
        "kind": form.kind,
        "title": str(PlanKind(form.kind).label),
        "draft": draft,
        "current": plans.plan_of(request.user),
    }
    return render(request, "learning/plan_new.html", context, status=422 if refused else 200)


def own_plan(request: HttpRequest) -> StudyPlan:
    found = plans.plan_of(signed_in(request))
    if found is None:
        raise Http404("You have no study plan.")
    return found


@require_POST
@learner_required
def plan_step(request: HttpRequest) -> HttpResponse:
    """Fields: key; action (tick, untick or move); day, to move to."""
    key, action = request.POST.get("key", ""), request.POST.get("action", "")
    try:
        step_change(own_plan(request), key, action, request.POST.get("day", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("plan")
    return redirect(f"{reverse('plan')}#{plans.anchor(key)}")


def step_change(plan: StudyPlan, key: str, action: str, day: str) -> None:
    if action in ("tick", "untick"):
        plans.step_tick(plan=plan, key=key, done=action == "tick")
    elif action == "move":
        plans.step_move(plan=plan, key=key, day=day_of(day))
    else:
        raise ValidationError(gettext("This button is unknown. Load the page again."))


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValidationError(gettext("This is no date. Write it as 2027-01-31.")) from error


@require_POST
@learner_required
def plan_replan(request: HttpRequest) -> HttpResponse:
    found = own_plan(request)
    plans.plan_replan(plan=found, today=plans.plan_today(found))
    messages.success(
        request, gettext("The open steps have new days from today on, in the same order and at the same pace.")
    )
    return redirect("plan")


@require_POST
@learner_required
def plan_stop(request: HttpRequest) -> HttpResponse:
    plans.plan_stop(plan=own_plan(request))
    messages.success(request, gettext("The plan has ended. What you have done stays in your progress."))
    return redirect("plan")


@require_POST
@learner_required
def feed_renew(request: HttpRequest) -> HttpResponse:
    plans.feed_renew(user=signed_in(request))
    messages.success(request, gettext("The calendar has a new address. The old one shows nothing any more."))
    return redirect(f"{reverse('plan')}#calendar")


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """For calendar programs, which have no session: the address is the secret."""
    owner = PlanFeed.objects.filter(token=token, user__is_active=True).first()
    found = StudyPlan.objects.filter(user=owner.user_id).select_related("user").first() if owner else None
    if found is None:
        raise Http404("There is no such calendar.")
    response = calendar_response(request, found)
    response.headers["Cache-Control"] = f"private, max-age={FEED_AGE_S}"
    etag = quote_etag(sha256(response.content).hexdigest())
    response.headers["ETag"] = etag
    answer = get_conditional_response(request, etag=etag, response=response)
    assert answer is not None
    return answer


@require_safe
@never_cache
@learner_required
def plan_download(request: HttpRequest) -> HttpResponse:
    response = calendar_response(request, own_plan(request))
    response.headers["Content-Disposition"] = 'attachment; filename="rank-zero-plan.ics"'
    return response


def calendar_response(request: HttpRequest, found: StudyPlan) -> HttpResponse:
    address = request.build_absolute_uri("/").rstrip("/")
    content = plan_calendar(found, address=address)
    return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers={"X-Robots-Tag": "noindex"})


@require_safe
def hardware(request: HttpRequest) -> HttpResponse:
    """Context: page (HardwarePage). Anyone may read; what the machines are is for those who are signed in."""
    return render(request, "learning/hardware.html", {"page": hardware_page(request.user)})
