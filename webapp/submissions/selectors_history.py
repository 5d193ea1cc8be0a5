"""Reads for the pages of a learner's runs over time, and of two versions beside each other."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lessons.loader import Exercise
from webapp.accounts.models import User
from webapp.submissions.access import submission_or_404
from webapp.submissions.charts import Measured, metric_charts
from webapp.submissions.contexts_history import Choice, ComparePage, HistoryRow, MetricChart, RunsPage
from webapp.submissions.diffs import file_diffs
from webapp.submissions.drafts import draft_find
from webapp.submissions.editing import fitting, texts_of
from webapp.submissions.models import Draft, Run, Status, Submission, Verdict
from webapp.submissions.runviews import TIER_TEXTS, run_row
from webapp.submissions.selectors import exercise_find, has_passed, runs_of

PAGE = 25
CHARTED = 40  # newest runs in a chart
CHOICES = 60  # newest submissions to choose from


def runs_page(lesson: str, slug: str, *, user: User, tier: str, number: str) -> RunsPage | None:
    exercise = exercise_find(lesson, slug)
    if exercise is None:
        return None
    runs = runs_of(exercise, user)
    tiers = [name for name in TIER_TEXTS if name in exercise.manifest.tiers]
    shown = tier if tier in tiers else ""
    page = Paginator(runs.filter(tier=shown) if shown else runs, PAGE).get_page(number)
    compare = reverse("exercise-compare", args=[lesson, slug])
    charted, charts = charts_of(exercise, user, [shown] if shown else list(reversed(tiers)))
    return RunsPage(
        title=exercise.manifest.title,
        exercise_url=reverse("exercise", args=[lesson, slug]),
        compare_url=compare,
        filters=tuple(
            Choice(value=name, text=str(text), url=f"?tier={name}" if name else "?", is_current=name == shown)
            for name, text in [("", _("All")), *((name, TIER_TEXTS[name]) for name in tiers)]
        ),
        rows=tuple(HistoryRow(row=run_row(run), changes_url=f"{compare}?new={run.submission_id}") for run in page),
        total=page.paginator.count,
        number=page.number,
        pages=page.paginator.num_pages,
        newer_url=page_url(shown, page.number - 1) if page.has_previous() else "",
        older_url=page_url(shown, page.number + 1) if page.has_next() else "",
        chart_tier_text=str(TIER_TEXTS[charted]) if charts else "",
        charts=charts,
    )


def page_url(tier: str, number: int) -> str:
    return "?" + urlencode(({"tier": tier} if tier else {}) | {"page": number})


def charts_of(exercise: Exercise, user: User, tiers: list[str]) -> tuple[str, tuple[MetricChart, ...]]:
    """Of the first of these tiers that has numbers: each has marks of its own. Always one read."""
    mine = Run.objects.filter(learner=user, submission__exercise=exercise.manifest.id, tier__in=tiers)
    first_runs = mine.filter(status=Status.DONE, confirms=None, regrade=None, report__isnull=False)
    rows = first_runs.order_by("-created_at").values_list("tier", "pk", "created_at", "report__metrics")
    newest = list(rows[: CHARTED * len(tiers)])
    for tier in tiers:
        runs = [
            Measured(url=reverse("run", args=[pk]), created_at=created_at, metrics=metrics or ())
            for name, pk, created_at, metrics in reversed(newest)
            if name == tier
        ]
        charts = metric_charts(runs[-CHARTED:], exercise.manifest, tier)
        if charts:
            return tier, charts
    return "", ()


def compare_page(lesson: str, slug: str, *, user: User, old: str, new: str) -> ComparePage | None:
    """`old` and `new` name a version: starter, solution, draft, or the id of a submission; "" is the natural one.

    Raises Http404 for a version that there is not, or that the reader may not see.
    """
    exercise = exercise_find(lesson, slug)
    if exercise is None:
        return None
    versions = Versions(exercise, user, owner_of(exercise, user, old, new))
    new = new or versions.natural_new()
    old = old or versions.natural_old(new)
    before, after = versions.texts(old), versions.texts(new)
    files = file_diffs(before, after)
    url = reverse("exercise", args=[lesson, slug])
    takes_over = new not in ("starter", "solution", "draft") and versions.owner == user
    return ComparePage(
        title=exercise.manifest.title,
        learner_name="" if versions.owner == user else versions.owner.get_full_name(),
        exercise_url=url,
        runs_url=reverse("exercise-runs", args=[lesson, slug]),
        old=versions.choices(old),
        new=versions.choices(new),
        old_text=versions.name(old),
        new_text=versions.name(new),
        files=files,
        has_changes=any(file.rows for file in files),
        use_url=f"{url}?from={new}" if takes_over else "",
    )


def owner_of(exercise: Exercise, user: User, *versions: str) -> User:
    """Whose work this is: a teacher may look at a learner's. Raises Http404 where two people's would be mixed."""
    owners = {user_of(exercise, user, version) for version in versions if is_id(version)}
    if len(owners) > 1:
        raise Http404("There are no such versions.")
    return owners.pop() if owners else user


def user_of(exercise: Exercise, user: User, version: str) -> User:
    found = submission_or_404(UUID(version), user)
    if found.exercise_id != exercise.manifest.id:
        raise Http404("There is no such version of this exercise.")
    return found.learner


def is_id(version: str) -> bool:
    try:
        return str(UUID(version)) == version
    except ValueError:
        return False


class Versions:
    """All that can be compared of one learner's work at an exercise, read once."""

    def __init__(self, exercise: Exercise, user: User, owner: User) -> None:
        self.exercise, self.owner = exercise, owner
        self._submissions = {str(one.pk): one for one in submissions_of(exercise, owner)[:CHOICES]}
        self._draft: Draft | None = draft_find(owner, exercise) if owner == user else None
        self._may_see = has_passed(user, exercise) or user.is_teacher

    def natural_new(self) -> str:
        return next(iter(self._submissions), "draft" if self._draft else "starter")

    def natural_old(self, new: str) -> str:
        """The submission before; for a draft the newest one, beside our solution the learner's newest."""
        ids = list(self._submissions)
        if new in ("draft", "solution"):
            return ids[0] if ids else "starter"
        following = ids[ids.index(new) + 1 :] if new in ids else []
        return following[0] if following else "starter"

    def texts(self, version: str) -> dict[str, str]:
        editable = self.exercise.manifest.files.editable
        if version == "starter":
            return {name: self.exercise.starter[name] for name in editable}
        if version == "solution" and self._may_see:
            return dict(self.exercise.solution)
        if version == "draft" and self._draft:
            texts = fitting(self.exercise, self._draft.texts)
            return {name: texts[name] for name in editable}
        return texts_of(self._submission(version))

    def _submission(self, version: str) -> Submission:
        """One of the newest, or an older one by its id."""
        if not is_id(version):
            raise Http404("There is no such version.")
        older = Submission.objects.filter(pk=version, learner=self.owner, exercise=self.exercise.manifest.id)
        found = self._submissions.get(version) or older.first()
        if found is None:
            raise Http404("There is no such version.")
        return found

    def name(self, version: str) -> str:
        names = {"starter": _("The starter"), "solution": _("Our solution"), "draft": _("Your draft")}
        return names.get(version) or submission_text(self._submission(version))

    def choices(self, current: str) -> tuple[Choice, ...]:
        values = ["starter", *(["draft"] if self._draft else []), *self._submissions]
        values += ["solution"] if self._may_see else []
        values += [] if current in values else [current]  # older than those that are listed
        return tuple(Choice(value=v, text=self.name(v), url="", is_current=v == current) for v in values)


def submissions_of(exercise: Exercise, owner: User) -> QuerySet[Submission]:
    """Newest first, with the runs that said something of them."""
    runs = Run.objects.filter(confirms=None).only("submission", "tier", "verdict", "status", "created_at")
    mine = Submission.objects.filter(learner=owner, exercise=exercise.manifest.id)
    return mine.prefetch_related(Prefetch("runs", queryset=runs))


def submission_text(submission: Submission) -> str:
    when = date_format(timezone.localtime(submission.created_at), "j M Y, H:i")
    run = next(iter(submission.runs.all()), None)
    if run is None:
        return when
    said = Verdict(run.verdict).label if run.verdict else Status(run.status).label
    return f"{when} · {TIER_TEXTS[run.tier]} · {said}"
