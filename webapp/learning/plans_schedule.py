"""Which day each step of a study plan falls on. Pure: dates in, dates out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

DAY = timedelta(days=1)
LEAST_MINUTES_A_DAY = 15

# The seed course's plans: which lessons (by number) fall into which days, counted from the start.
# "ELECTIVE" stands for what the learner chose.
ELECTIVE = (0,)
Block = tuple[tuple[int, ...], int, int]
PART_TIME: tuple[Block, ...] = (
    ((1,), 0, 14),
    *(((number,), 7 * number, 7 * number + 7) for number in range(2, 7)),
    (ELECTIVE, 49, 56),
)
FULL_TIME: tuple[Block, ...] = (((1, 2, 3, 4, 5), 0, 7), ((6, 7, 8, 9, 10), 7, 14))
INTENSIVE: tuple[tuple[int, ...], ...] = ((1, 2, 3), (4, 5, 6), ELECTIVE)  # one study day each


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What has to be placed: a step's key, and how long it takes."""

    key: str
    lesson: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """When to begin a step, and by when to have done it."""

    begin: date
    due: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The choices that dates follow from. `chosen`: lessons (slugs); a custom plan has either `end` or `hours`."""

    kind: str
    start: date
    weekdays: frozenset[int]
    chosen: tuple[str, ...]
    end: date | None = None
    hours: int | None = None


Placed = dict[str, Days]


def study_days(first: date, weekdays: frozenset[int]) -> Iterator[date]:
    """The days to study on, from `first` on, without end."""
    assert weekdays
    day = first
    while True:
        if day.weekday() in weekdays:
            yield day
        day += DAY


def days_between(first: date, last: date, weekdays: frozenset[int]) -> list[date]:
    """The days to study on from `first` to `last`, both included; at least one, so that each step has a day."""
    count = (last - first).days + 1
    days = [day for offset in range(count) if (day := first + offset * DAY).weekday() in weekdays]
    return days or list(islice(study_days(first, weekdays), 1))


def spread(tasks: Sequence[Task], days: Sequence[date]) -> Placed:
    """In order, the same number of minutes on each of `days`."""
    total = sum(task.minutes for task in tasks)
    return pour(tasks, iter(days), total / len(days)) if tasks else {}


def pour(tasks: Sequence[Task], days: Iterator[date], minutes_a_day: float) -> Placed:
    """In order, as much a day as fits; a long step goes on over several. Past the last day, all falls on it."""
    seen: list[date] = []
    placed: Placed = {}
    used = 0.0
    for task in tasks:
        begin = math.floor(used / minutes_a_day + 1e-9)
        used += task.minutes
        due = max(begin, math.ceil(used / minutes_a_day - 1e-9) - 1)
        seen.extend(islice(days, max(0, due + 1 - len(seen))))
        last = len(seen) - 1
        placed[task.key] = Days(begin=seen[min(begin, last)], due=seen[min(due, last)])
    return placed


def layout(frame: Frame, tasks: Sequence[Task], numbers: Mapping[int, str]) -> Placed:
    """The days of every task that the plan has a place for. `numbers`: lesson number → slug."""
    placed: Placed = {}
    for lessons, days in blocks(frame, numbers):
        placed |= spread([task for task in tasks if task.lesson in lessons], days)
    if frame.kind == "custom":
        wanted = [task for task in tasks if task.lesson in frame.chosen]
        return custom(frame, wanted)
    return placed


def custom(frame: Frame, tasks: Sequence[Task]) -> Placed:
    if frame.end is not None:
        return spread(tasks, days_between(frame.start, frame.end, frame.weekdays))
    a_day = (frame.hours or 1) * 60 / len(frame.weekdays)
    return pour(tasks, study_days(frame.start, frame.weekdays), a_day)


def blocks(frame: Frame, numbers: Mapping[int, str]) -> Iterator[tuple[tuple[str, ...], list[date]]]:
    """Lessons (slugs) and the days that belong to them, of the plans with fixed weeks or days."""
    if frame.kind == "intensive":
        days = islice(study_days(frame.start, frame.weekdays), len(INTENSIVE))
        for wanted, day in zip(INTENSIVE, days, strict=True):
            yield slugs(wanted, frame, numbers), [day]
        return
    for wanted, first, after in {"part_time": PART_TIME, "full_time": FULL_TIME}.get(frame.kind, ()):
        last = frame.start + (after - 1) * DAY
        yield slugs(wanted, frame, numbers), days_between(frame.start + first * DAY, last, frame.weekdays)


def slugs(wanted: tuple[int, ...], frame: Frame, numbers: Mapping[int, str]) -> tuple[str, ...]:
    if wanted == ELECTIVE:
        return frame.chosen
    return tuple(numbers[number] for number in wanted if number in numbers)


def minutes_a_day(tasks: Sequence[Task], placed: Placed, weekdays: frozenset[int]) -> float:
    """The pace of a plan: what its study days hold on average."""
    mine = [task for task in tasks if task.key in placed]
    if not mine:
        return LEAST_MINUTES_A_DAY
    first = min(placed[task.key].begin for task in mine)
    last = max(placed[task.key].due for task in mine)
    total = sum(task.minutes for task in mine)
    return max(LEAST_MINUTES_A_DAY, total / len(days_between(first, last, weekdays)))


def heaviest_day(tasks: Sequence[Task], placed: Placed, weekdays: frozenset[int]) -> tuple[date | None, float]:
    """The day with the most minutes, and how many; a step over several days counts evenly on each."""
    load: dict[date, float] = {}
    for task in tasks:
        days = placed.get(task.key)
        if days is None:
            continue
        over = days_between(days.begin, days.due, weekdays)
        for day in over:
            load[day] = load.get(day, 0.0) + task.minutes / len(over)
    worst = max(load, key=lambda day: (load[day], -day.toordinal()), default=None)
    return worst, load[worst] if worst is not None else 0.0
