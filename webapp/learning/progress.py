"""How far a person is in a lesson: plain counts, and one formula that makes a share of them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

# What a lesson's parts weigh. A part that a lesson lacks leaves its weight to the others.
READING, QUIZZES, EXERCISES = 20, 20, 60

STATES = {
    "planned": gettext_lazy("In preparation"),
    "new": gettext_lazy("Not started"),
    "reading": gettext_lazy("Reading"),
    "going": gettext_lazy("In progress"),
    "passed": gettext_lazy("All passed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonProgress:
    """`points` are those of the exercises, which weigh by them: so the project, which has the most, counts most."""

    sections: Count = Count()
    quizzes: Count = Count()
    exercises: Count = Count()
    points: Count = Count()
    tried: int = 0  # exercises, passed ones included
    planned: bool = False

    @property
    def percent(self) -> int:
        return share([(READING, self.sections), (QUIZZES, self.quizzes), (EXERCISES, self.points)])

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.planned:
            return "planned"
        if (self.exercises.total and self.exercises.done == self.exercises.total) or self.percent == 100:
            return "passed"
        if self.tried:
            return "going"
        return "reading" if self.sections.done or self.quizzes.done else "new"

    @property
    def state_text(self) -> str:
        if self.state == "passed" and not self.exercises.total:
            return _("Done")
        return str(STATES[self.state])

    @property
    def counts(self) -> tuple[str, ...]:
        """ "7 of 8 sections", "9 of 11 quizzes", "1 of 7 exercises": what the share is made of."""
        sections = ngettext("%(done)d of %(total)d section", "%(done)d of %(total)d sections", self.sections.total)
        quizzes = ngettext("%(done)d of %(total)d quiz", "%(done)d of %(total)d quizzes", self.quizzes.total)
        exercises = ngettext("%(done)d of %(total)d exercise", "%(done)d of %(total)d exercises", self.exercises.total)
        told = ((sections, self.sections), (quizzes, self.quizzes), (exercises, self.exercises))
        return tuple(text % {"done": count.done, "total": count.total} for text, count in told if count.total)

    @property
    def note(self) -> str:
        """The few words below a lesson of the map."""
        if self.state == "going" and self.exercises.total:
            values = {"done": self.exercises.done, "total": self.exercises.total}
            return _("%(done)d of %(total)d passed") % values
        if self.state == "reading" and self.sections.done:
            return _("%(done)d of %(total)d read") % {"done": self.sections.done, "total": self.sections.total}
        return self.state_text


def share(parts: Iterable[tuple[int, Count]]) -> int:
    """Percent. 100 only when all is done, and at least 1 as soon as anything is."""
    present = [(weight, count) for weight, count in parts if count.total]
    whole = sum(weight for weight, _count in present)
    if not whole:
        return 0
    done = sum(weight * count.done / count.total for weight, count in present) / whole
    if all(count.done >= count.total for _weight, count in present):
        return 100
    return min(99, max(round(100 * done), 1 if done else 0))


def together(parts: Iterable[LessonProgress]) -> LessonProgress:
    """Of several lessons; those in preparation count for nothing."""
    lessons = [one for one in parts if not one.planned]
    return LessonProgress(
        sections=total_of(one.sections for one in lessons),
        quizzes=total_of(one.quizzes for one in lessons),
        exercises=total_of(one.exercises for one in lessons),
        points=total_of(one.points for one in lessons),
        tried=sum(one.tried for one in lessons),
    )


def total_of(counts: Iterable[Count]) -> Count:
    listed = list(counts)
    return Count(done=sum(one.done for one in listed), total=sum(one.total for one in listed))
