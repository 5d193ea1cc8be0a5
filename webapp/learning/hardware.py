"""The hardware page: what this site offers now, beside what the course recommends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext, gettext_lazy, ngettext

from webapp.accounts.models import User
from webapp.catalog.course import course
from webapp.config.paths import state_dir
from webapp.learning.hardware_facts import Facts, facts
from webapp.submissions.models import Worker
from webapp.submissions.tiers import ORDER, available_tiers
from webapp.submissions.workers import Offer, live_workers, machine_offer, offer_of, queue_problem

GIB = 1024**3
NEARLY = 0.93  # a machine sold with 16 GB has a little less for programs
SHOWN = 1.5  # how far beyond the better size a drawing goes
TIERS = {
    "smoke": gettext_lazy("Try: a quick look on small sizes, on a CPU"),
    "cpu": gettext_lazy("Submit: graded on secret seeds, on a CPU"),
    "gpu": gettext_lazy("Submit to GPU: graded on secret seeds, on a GPU"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One size: what is offered against the least and the better one. Positions are percent of the drawing's width."""

    title: str
    unit: str
    offered: int
    least: int
    better: int
    state: str  # better, enough, less or none
    text: str
    bar: str
    least_at: str
    better_at: str
    beyond: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    name: str
    text: str
    state: str  # live, waiting or absent
    state_text: str
    exercises: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRow:
    """One machine that runs code now."""

    name: str
    queues: str
    cores: int
    memory: int
    gpus: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwarePage:
    """`machines`, `facts` and `disk` are for those who are signed in; `known`: whether a worker said what it has."""

    scales: tuple[Scale, ...]
    tiers: tuple[TierRow, ...]
    machines: tuple[MachineRow, ...]
    facts: Facts | None
    known: bool
    signed_in: bool
    cpu_text: str


def hardware_page(user: User | AnonymousUser) -> HardwarePage:
    workers, signed_in = live_workers(), isinstance(user, User)
    tiers = [exercise.manifest.tiers for lesson in course().lessons for exercise in lesson.exercises]
    return HardwarePage(
        scales=tuple(scales(workers)) if signed_in else (),
        tiers=tuple(tier_row(name, workers, sum(name in offered for offered in tiers)) for name in ORDER),
        machines=machine_rows(workers) if signed_in else (),
        facts=facts() if signed_in else None,
        known=bool(workers),
        signed_in=signed_in,
        cpu_text=cpu_text(len(tiers), sum("smoke" not in offered and "cpu" not in offered for offered in tiers)),
    )


def scales(workers: Sequence[Worker]) -> Iterator[Scale]:
    """Of the largest machine that runs code now; of this one where no worker is up."""
    offers = [offer_of(worker) for worker in workers] or [machine_offer()]
    disk = shutil.disk_usage(state_dir()).total / GIB
    yield scale(gettext("Memory"), "GB", max(offer.memory_mb for offer in offers) / 1024, least=16, better=32)
    yield scale(gettext("Memory of a GPU"), "GB", max(offer.vram_mb for offer in offers) / 1024, least=8, better=24)
    yield scale(gettext("Disk"), "GB", disk, least=50, better=100)
    yield scale(gettext("GPUs"), "", gpu_count(workers, offers), least=1, better=2)


def gpu_count(workers: Sequence[Worker], offers: Sequence[Offer]) -> int:
    """A machine with several workers counts once."""
    if not workers:
        return len(offers[0].gpus)
    hosts: dict[str, int] = {}
    for worker in workers:
        hosts[worker.host] = max(hosts.get(worker.host, 0), len(worker.gpus))
    return sum(hosts.values())


def scale(title: str, unit: str, offered: float, *, least: int, better: int) -> Scale:
    grades = {"better": better * NEARLY, "enough": least * NEARLY, "less": 0.5}
    state = next((name for name, bar in grades.items() if offered >= bar), "none")
    widest = better * SHOWN
    return Scale(
        title=title,
        unit=unit,
        offered=round(offered),
        least=least,
        better=better,
        state=state,
        text={
            "better": gettext("as much as is better"),
            "enough": gettext("enough"),
            "less": gettext("less than recommended"),
            "none": gettext("the CPU tiers need none"),
        }[state],
        bar=percent(min(offered, widest) / widest),
        least_at=percent(least / widest),
        better_at=percent(better / widest),
        beyond=offered > widest,
    )


def percent(share: float) -> str:
    """For an attribute of a drawing: the same in every language."""
    return f"{100 * share:.2f}%"


def tier_row(name: str, workers: Sequence[Worker], exercises: int) -> TierRow:
    live = not queue_problem(name, workers)
    state = "live" if live else "waiting" if name in available_tiers(workers) else "absent"
    return TierRow(
        name=name,
        text=str(TIERS[name]),
        state=state,
        state_text={
            "live": gettext("runs now"),
            "waiting": gettext("waits for a worker"),
            "absent": gettext("not offered here"),
        }[state],
        exercises=exercises,
    )


def machine_rows(workers: Sequence[Worker]) -> tuple[MachineRow, ...]:
    return tuple(
        MachineRow(
            name=worker.name,
            queues=", ".join(worker.queues),
            cores=worker.cores,
            memory=round(worker.memory_mb / 1024),
            gpus=tuple(gpu_text(gpu) for gpu in worker.gpus),
            problem=worker.problem,
        )
        for worker in sorted(workers, key=lambda worker: worker.name)
    )


def gpu_text(gpu: dict[str, object]) -> str:
    memory = round(int(str(gpu["memory_mb"])) / 1024)
    return gettext("%(name)s, %(memory)d GB") % {"name": gpu["name"], "memory": memory}


def cpu_text(exercises: int, gpu_only: int) -> str:
    """What of the published exercises runs without a GPU."""
    if gpu_only:
        return ngettext(
            "%(count)d published exercise needs a GPU; the others run on a CPU alone.",
            "%(count)d published exercises need a GPU; the others run on a CPU alone.",
            gpu_only,
        ) % {"count": gpu_only}
    return ngettext(
        "The %(count)d exercise that is published runs on a CPU alone.",
        "All %(count)d exercises that are published run on a CPU alone.",
        exercises,
    ) % {"count": exercises}
