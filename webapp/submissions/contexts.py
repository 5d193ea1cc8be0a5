"""What the templates of exercises and runs are given. Built by selectors.py; templates do no arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from webapp.catalog.contexts import LessonCard


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorFile:
    """A form field `file:<name>` holds each editable file. `content` is what to show, `starter` what Reset restores."""

    name: str
    field: str  # "file:<name>"; "" for a read-only file
    language: str  # python, toml, yaml, json, markdown or text
    content: str
    starter: str
    readonly: bool
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TierInfo:
    """One button of the form: name="tier" value="<name>". `role` is try or submit."""

    name: str  # smoke, cpu or gpu
    role: str
    label: str  # "Try" or "Submit"
    seconds: int  # to expect
    cost_text: str  # what it costs, in a short sentence
    available: bool
    problem: str  # why it will wait for now, "" where a live worker serves it
    unavailable_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricView:
    """A metric drawn on a scale from 0 to 100 (`*_at`, left to right); None where there is nothing to draw."""

    name: str
    title: str
    means: str
    unit: str
    direction: str  # lower or higher (is better)
    value: float
    value_text: str  # with unit
    threshold: float | None
    threshold_text: str  # "at most 0.065"
    distinction: float | None
    distinction_text: str
    passed: bool | None  # None: shown, not graded
    is_distinction: bool
    ci95: tuple[float, float] | None
    ci95_text: str
    samples: int | None
    provenance_text: str  # who says so; "" in Reports from before it was kept
    value_at: float
    threshold_at: float | None
    distinction_at: float | None
    ci_low_at: float | None
    ci_high_at: float | None
    ci_width: float | None
    zone: tuple[float, float] | None  # from where, and how wide: what passes
    best_zone: tuple[float, float] | None
    low_text: str  # labels of the scale's ends
    high_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    name: str
    title: str
    means: str
    passed: bool
    feedback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HintView:
    """One hint, and the one that opening it makes available."""

    number: int
    count: int
    text: str
    next: HintView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """`position` counts from 1; `estimate_s` until the run starts, None before anything was measured."""

    position: int
    estimate_s: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationView:
    """A pass's second run. `state`: waiting, running, confirmed, differed, review, unmade or missing."""

    state: str
    text: str
    differences: tuple[str, ...]
    url: str  # of the second run; "" while there is none
    panel_url: str  # of the run itself, while its second one is open: it changes with that
    ws_url: str  # of the second run while it is open
    again_url: str  # POST: make it (again); "" where that cannot be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A line of the history."""

    id: str
    url: str
    tier: str
    tier_text: str  # "Try" or "Submit"; "Second run" of a confirmation
    status: str  # queued, running, done or cancelled
    status_text: str
    verdict: str  # "" until finished
    verdict_text: str
    score_percent: int | None
    distinction: bool  # only where the second run had it too
    created_at: datetime
    duration_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """A decision, as it was made."""

    title: str
    learner_name: str
    run_url: str
    decision: str  # accepted or failed
    decision_text: str
    reason: str
    reviewer_name: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run for the panel (submissions/_run_panel.html, as `run`) and for the page (submissions/run.html)."""

    row: RunRow
    kind: str  # submission or cell
    title: str
    exercise_url: str
    learner_name: str
    is_mine: bool
    is_finished: bool
    can_cancel: bool
    spoken_text: str  # the verdict in a sentence, for who does not see it
    message: str  # why a run waits, or what a verdict other than passed and failed means
    tries: int
    place: QueuePlace | None  # while it waits
    confirmation: ConfirmationView | None  # of a pass that is, was or can be run a second time
    confirms_url: str  # of the run that this one confirms
    regrade_reason: str  # of a run that graded an old submission again
    regrades: tuple[RunRow, ...]  # finished runs that graded this one's submission again, newest first
    review: ReviewRow | None  # an instructor's decision
    metrics: tuple[MetricView, ...]
    checks: tuple[CheckView, ...]
    hint: HintView | None  # the first; each holds the next
    usage_text: str
    url: str
    panel_url: str
    log_url: str
    cancel_url: str
    again_url: str  # POST: the same files once more, after a run that said nothing of them; "" where it cannot be asked
    files_url: str
    ws_url: str  # path; add ?after=<number of the last line seen>


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """A metric that is better than is physically possible."""

    title: str
    value_text: str
    ceiling_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A run that waits for an instructor's decision."""

    id: str
    title: str
    tier_text: str
    learner_name: str
    finished_at: datetime
    message: str
    alarms: tuple[AlarmView, ...]
    files: tuple[EditorFile, ...]
    run_url: str
    decide_url: str  # POST: decision (accepted or failed), reason; "" for one's own run
    reason: str  # of a form that was not taken
    errors: dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """`waiting` counts all that wait; `items` are the oldest of them."""

    waiting: int
    items: tuple[ReviewItem, ...]
    decided: tuple[ReviewRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A submission that was graded again, and came out differently."""

    title: str
    exercise_url: str
    tier_text: str
    before_text: str  # "Not passed yet, 40 %"; "" where no run said anything
    after_text: str
    text: str  # what follows; "" where the two texts say it
    run_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegradeNotice:
    """An order to grade again, as the learner is told of it (submissions/_notices.html)."""

    reason: str
    rows: tuple[NoticeRow, ...]
    unchanged: int  # how many came out as before
    seen_url: str  # POST, with `next`: put it away


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a learner may still use at an exercise (submissions/_allowance.html, as `allowance`)."""

    attempts_text: str  # "2 of 5 attempts left (Autumn 2026)"; "" where they are unlimited
    gpu_text: str  # "12 of 30 GPU minutes left today"; "" where they are unlimited, or where there is no GPU tier
    can_replace: bool  # an own run waits, whose place a newer submission may take: field replace=1
    url: str  # GET: the fragment anew


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftState:
    """Where the editor's text comes from, and how to keep it. `version` 0: no draft is kept."""

    version: int
    url: str  # POST version and file:<name>: keep it
    source: str  # draft, sent (the newest submission), starter, chosen (by ?from=) or form (one that was refused)
    saved_at: datetime | None
    sent_url: str  # the last sent version in the editor instead; "" where the draft is not shown, or nothing was sent
    draft_url: str  # the draft in the editor instead; "" where it is shown, or there is none
    has_changed: bool  # the exercise is another one now than the shown text was written for
    starter_url: str  # the shown draft or submission beside the starter of now


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseContext:
    id: str
    title: str
    summary: str
    minutes: int
    difficulty: int
    points: int
    prompt_html: str
    has_math: bool
    has_mermaid: bool
    lesson: LessonCard
    url: str
    files: tuple[EditorFile, ...]
    tiers: tuple[TierInfo, ...]
    submit_url: str
    allowance: Allowance | None  # None for visitors
    notices: tuple[RegradeNotice, ...]  # of this exercise
    history_url: str  # GET: submissions/_history.html alone
    history: tuple[RunRow, ...]
    runs_url: str  # the page of all runs, with charts
    latest: RunView | None  # the newest run, to show its panel (and its live log while it is not finished)
    solution: tuple[EditorFile, ...] | None  # only after a pass (teachers always)
    solution_url: str  # the newest submission beside it; "" where there is nothing to compare
    state: str  # new, tried or passed
    errors: dict[str, list[str]]  # field → messages, of a form that was not accepted: "files", "tier", "files.<name>"
    draft: DraftState | None  # None for visitors
    storage_key: str  # for the browser's own copy of the draft: one per learner and exercise
    visitor_key: str  # what was written here before signing in; "" for visitors


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPageContext:
    run: RunView
    files: tuple[EditorFile, ...]
    log_lines: int
    changes_url: str  # what the submission changed against the one before; "" for a cell
    regrade_url: str  # POST reason: grade the submission again; "" for who may not
