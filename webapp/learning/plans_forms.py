"""The choices of a study plan, checked."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from lessons.loader import Lesson
from webapp.catalog.course import course
from webapp.learning.models import PlanKind, StudyPlan
from webapp.learning.plans_steps import lesson_numbers

WEEKDAYS = [
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
]
USUAL_DAYS = {"part_time": [1, 3, 5], "full_time": [0, 1, 2, 3, 4], "intensive": [0, 1, 2, 3, 4, 5, 6]}
ELECTIVES = range(7, 11)  # numbers of the lessons that the ready-made plans leave to choose from
ELECTIVE_COUNT = {"part_time": 1, "intensive": 2}
FARTHEST = timedelta(days=3 * 365)


@cache
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


class PlanForm(forms.Form):
    """For one kind of plan: fields that it leaves no choice about are not there.

    `fresh`: nobody has chosen anything yet, so the page may put the browser's time zone in.
    """

    start = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days to study on"), choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    lessons = forms.MultipleChoiceField(label=_("Lessons"), widget=forms.CheckboxSelectMultiple)
    end = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Give a last day, or hours a week."),
    )
    hours_a_week = forms.IntegerField(label=_("Hours a week"), required=False, min_value=1, max_value=80)
    time_of_day = forms.TimeField(
        label=_("Time of day"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("For the calendar. Without it, entries are all-day."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=64, help_text=_("Such as Europe/Berlin or America/New_York.")
    )

    def __init__(self, kind: str, *args: Any, fresh: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for name in absent(kind):
            del self.fields[name]
        if fresh:
            self.fields["time_zone"].widget.attrs["data-fresh"] = True
        if "lessons" in self.fields:
            field = self.fields["lessons"]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = [(lesson.slug, choice_text(lesson)) for lesson in choosable(kind)]
            field.label = lessons_label(kind)

    def clean_start(self) -> date:
        start: date = self.cleaned_data["start"]
        if abs(start - timezone.localdate()) > FARTHEST:
            raise forms.ValidationError(gettext("Choose a first day within three years from today."))
        return start

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"])
        if name not in time_zones():
            raise forms.ValidationError(gettext("This is no time zone. Write it as in Europe/Berlin, or UTC."))
        return name

    def clean_lessons(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["lessons"]
        wanted = ELECTIVE_COUNT.get(self.kind)
        if self.kind == PlanKind.INTENSIVE and len(chosen) != wanted:
            raise forms.ValidationError(gettext("Choose two lessons for the third day."))
        order = [lesson.slug for lesson in course().lessons]
        return sorted(chosen, key=order.index)

    @override
    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        start, end = data.get("start"), data.get("end")
        if self.kind == PlanKind.CUSTOM and "end" not in self.errors and "hours_a_week" not in self.errors:
            if (end is None) == (data.get("hours_a_week") is None):
                self.add_error("end", gettext("Give either a last day or hours a week."))
            elif start and end and not start <= end <= start + FARTHEST:
                self.add_error("end", gettext("Choose a last day after the first one, within three years."))
        return data

    def fields_of_plan(self) -> dict[str, Any]:
        """For plan_save; what this kind has no field for is empty."""
        empty: dict[str, Any] = {"lessons": [], "end": None, "hours_a_week": None, "time_of_day": None}
        return {"kind": self.kind, **empty, **self.cleaned_data}


def absent(kind: str) -> tuple[str, ...]:
    if kind == PlanKind.CUSTOM:
        return ()
    return ("end", "hours_a_week", *(("lessons",) if kind == PlanKind.FULL_TIME else ()))


def choosable(kind: str) -> list[Lesson]:
    if kind == PlanKind.CUSTOM:
        return list(course().lessons)
    numbers = lesson_numbers()
    wanted = {numbers[number] for number in ELECTIVES if number in numbers}
    return [lesson for lesson in course().lessons if lesson.slug in wanted]


def choice_text(lesson: Lesson) -> str:
    name = f"{int(lesson.slug[:2])}. {lesson.title}" if lesson.slug[:2].isdigit() else lesson.title
    if not lesson.body:
        return gettext("%(lesson)s (in preparation)") % {"lesson": name}
    hours = round(lesson.hours or 0)
    return ngettext("%(lesson)s, %(hours)d hour", "%(lesson)s, %(hours)d hours", hours) % {
        "lesson": name,
        "hours": hours,
    }


def lessons_label(kind: str) -> str:
    return {
        PlanKind.PART_TIME: gettext("Lessons of week 8"),
        PlanKind.INTENSIVE: gettext("Lessons of day 3 (two)"),
    }.get(PlanKind(kind), gettext("Lessons"))


def usual(kind: str) -> dict[str, Any]:
    """What the form begins with: lessons that are out before those in preparation."""
    lessons = sorted(choosable(kind), key=lambda lesson: not lesson.body)
    count = ELECTIVE_COUNT.get(kind) or sum(bool(lesson.body) for lesson in lessons)
    return {
        "start": timezone.localdate(),
        "weekdays": USUAL_DAYS.get(kind, [1, 3, 5]),
        "lessons": [lesson.slug for lesson in lessons[:count]],
        "hours_a_week": 6 if kind == PlanKind.CUSTOM else None,
        "time_zone": settings.TIME_ZONE,
    }


def as_planned(plan: StudyPlan) -> dict[str, Any]:
    """The form's beginning for a plan that is changed."""
    names = ("start", "weekdays", "lessons", "end", "hours_a_week", "time_of_day", "time_zone")
    return {name: getattr(plan, name) for name in names}
