"""Submissions and their runs. State moves only through services.py and queue.py, by compare-and-set."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from webapp.catalog.models import Exercise
from webapp.cohorts.models import Cohort


class Tier(models.TextChoices):
    SMOKE = "smoke", _("Try")
    CPU = "cpu", _("CPU")
    GPU = "gpu", _("GPU")


class Verdict(models.TextChoices):
    PASSED = "passed", _("Passed")
    FAILED = "failed", _("Not passed yet")
    TIMED_OUT = "timed_out", _("Out of time")
    OUT_OF_MEMORY = "out_of_memory", _("Out of memory")
    CRASHED = "crashed", _("Crashed")
    REJECTED = "rejected", _("Rejected")
    UNDER_REVIEW = "under_review", _("Under review")
    CANCELLED = "cancelled", _("Cancelled")
    INFRA_ERROR = "infra_error", _("Our fault")


class Status(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Finished")
    CANCELLED = "cancelled", _("Cancelled")


TERMINAL = (Status.DONE, Status.CANCELLED)
UNMADE = (Verdict.INFRA_ERROR, Verdict.CANCELLED)  # ended without saying anything of the program


class Submission(models.Model):
    """One learner's files for one exercise at one time; never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="submissions")
    exercise = models.ForeignKey(Exercise, on_delete=models.PROTECT, related_name="submissions")
    content_hash = models.CharField(max_length=64)  # the version of the exercise that it was written for
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["learner", "exercise", "-created_at"], name="submission_history")]

    @override
    def __str__(self) -> str:
        return f"{self.exercise_id} by {self.learner_id} at {self.created_at:%Y-%m-%d %H:%M}"


class SubmissionFile(models.Model):
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    content = models.TextField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["submission", "name"], name="submission_file_once")]

    @override
    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """What a learner wrote for an exercise and did not send: one each. Changed by drafts.py alone."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    exercise = models.ForeignKey(Exercise, on_delete=models.CASCADE, related_name="drafts")
    version = models.PositiveIntegerField(default=1)  # grows with every change: a page that knows an older one must ask
    texts = models.JSONField(default=dict)  # of editable files, by name
    content_hash = models.CharField(max_length=64)  # the version of the exercise that it was last written for
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "exercise"], name="draft_once")]

    @override
    def __str__(self) -> str:
        return f"draft {self.version} of {self.exercise_id} by {self.learner_id}"


class Regrade(models.Model):
    """An instructor's or operator's order to grade again, after a judge was mended. Old runs stay as they are."""

    reason = models.CharField(max_length=500)  # shown to the learners
    submission = models.ForeignKey(Submission, null=True, blank=True, on_delete=models.CASCADE, related_name="regrades")
    exercise = models.ForeignKey(Exercise, null=True, blank=True, on_delete=models.PROTECT, related_name="regrades")
    cohort = models.ForeignKey(Cohort, null=True, blank=True, on_delete=models.SET_NULL, related_name="regrades")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    @override
    def __str__(self) -> str:
        return f"regrade {self.pk}: {self.reason}"


class Worker(models.Model):
    """What a running worker process offers; it writes `seen_at` with every heartbeat."""

    name = models.CharField(max_length=120, unique=True)
    host = models.CharField(max_length=120)
    queues = models.JSONField(default=list)
    concurrency = models.PositiveSmallIntegerField(default=1)
    cores = models.PositiveSmallIntegerField()
    memory_mb = models.PositiveIntegerField()
    gpus = models.JSONField(default=list, blank=True)  # [{"id": "GPU-…", "name": …, "memory_mb": …}]
    problem = models.CharField(max_length=2000, blank=True)  # why it takes nothing at the moment; "" when all is well
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["seen_at"], name="worker_seen")]

    @override
    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One execution of a submission, or of a lesson's runnable cell, on one tier."""

    class Kind(models.TextChoices):
        SUBMISSION = "submission", _("Submission")
        CELL = "cell", _("Cell")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="runs")
    submission = models.ForeignKey(Submission, null=True, on_delete=models.CASCADE, related_name="runs")
    # Set in a second run, which repeats a passed one with another seed in cold boxes.
    confirms = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="confirmations")
    # Set in a run that an order to grade again made; it is no attempt of the learner's.
    regrade = models.ForeignKey(Regrade, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    notice_seen_at = models.DateTimeField(null=True, blank=True)  # when the learner put away what a regrade changed
    cell_lesson = models.CharField(max_length=80, blank=True)
    cell_index = models.PositiveSmallIntegerField(default=0)
    cell_sources = models.JSONField(default=list, blank=True)  # the session's cells, the last is the one to show

    tier = models.CharField(max_length=16, choices=Tier.choices)
    queue = models.CharField(max_length=16, choices=Tier.choices)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    verdict = models.CharField(max_length=16, choices=Verdict.choices, blank=True)
    message = models.CharField(max_length=2000, blank=True)  # for the learner
    rank = models.PositiveSmallIntegerField(default=0)  # 1: waits behind every run of rank 0 (second runs, regrades)
    turn = models.PositiveBigIntegerField(default=0)  # the smallest is served next: see fairness.py
    cores = models.PositiveSmallIntegerField(default=1)  # what it needs of a worker, as are the next two
    memory_mb = models.PositiveIntegerField(default=0)
    vram_mb = models.PositiveIntegerField(default=0)
    seed = models.BigIntegerField()  # secret until the run is over; 63 random bits

    token = models.PositiveIntegerField(default=0)  # fencing: grows with every claim, results need the current one
    worker = models.CharField(max_length=120, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    report = models.JSONField(null=True, blank=True)
    score = models.FloatField(null=True, blank=True)
    log_z = models.BinaryField(default=b"", editable=False)  # see livelog.pack

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["queue", "status", "rank", "turn", "queued_at"], name="run_waiting"),
            models.Index(fields=["queue", "-claimed_at"], name="run_claimed"),
            models.Index(fields=["learner", "queue", "-turn"], name="run_turns"),
            models.Index(fields=["status", "lease_expires_at"], name="run_leases"),
            models.Index(fields=["learner", "-created_at"], name="run_by_learner"),
            models.Index(fields=["verdict", "finished_at"], name="run_by_verdict"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="submission") & Q(submission__isnull=False) & Q(cell_lesson=""))
                | (Q(kind="cell") & Q(submission__isnull=True) & ~Q(cell_lesson="")),
                name="run_has_one_subject",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("queued", "running"), verdict="", finished_at__isnull=True)
                | (Q(status__in=("done", "cancelled"), finished_at__isnull=False) & ~Q(verdict="")),
                name="run_verdict_when_finished",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | (Q(lease_expires_at__isnull=False) & ~Q(worker="")),
                name="run_running_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(confirms__isnull=True) | (Q(kind="submission") & ~Q(tier="smoke")),
                name="run_confirms_a_submission",
            ),
            models.UniqueConstraint(fields=["confirms"], condition=~Q(verdict__in=UNMADE), name="run_confirmed_by_one"),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="run_tier_known"),
            models.CheckConstraint(condition=Q(queue__in=Tier.values), name="run_queue_known"),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=1), name="run_score_is_a_share"
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_confirmation(self) -> bool:
        return self.confirms_id is not None

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL


class Review(models.Model):
    """What an instructor decided about a run that was too good to be true. Written once and kept."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        FAILED = "failed", _("Not accepted")

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="review")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="reviews")
    reviewer_name = models.CharField(max_length=150)  # stays when the account goes
    decision = models.CharField(max_length=16, choices=Decision.choices)
    reason = models.CharField(max_length=2000)
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-decided_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=("accepted", "failed")) & ~Q(reason=""), name="review_decides_with_a_reason"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.run_id} {self.decision} by {self.reviewer_name}"
