"""`manage.py cohorts list|create|enrol|remove|cap|quota`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from typing_extensions import override

from webapp.accounts.models import User
from webapp.cohorts import selectors, services
from webapp.cohorts.selectors import UnknownNameError, cohort_named, exercise_named


class Command(BaseCommand):
    help = "Classes: who is in them, how many attempts an exercise has, how many GPU minutes a learner has a day."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list").add_argument("--json", action="store_true")
        create = actions.add_parser("create", help="a new class")
        create.add_argument("name")
        create.add_argument("--slug", default="", help="its short name in commands (default: made of the name)")
        for action in ("enrol", "remove"):
            people = actions.add_parser(action)
            people.add_argument("cohort", help="its slug")
            people.add_argument("people", nargs="+", metavar="person", help="user names or e-mail addresses")
        cap = actions.add_parser("cap", help="attempts of each learner at an exercise")
        cap.add_argument("cohort", help="its slug")
        cap.add_argument("exercise", help="<lesson>/<exercise>")
        cap.add_argument("attempts", help="a number, or none for no cap")
        quota = actions.add_parser("quota", help="GPU minutes of each learner a day")
        quota.add_argument("cohort", help="its slug")
        quota.add_argument("minutes", help="a number; 0 for no limit, none for what the site's setting says")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"do_{options['action']}")(options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except UnknownNameError as error:
            raise CommandError(str(error)) from error

    def do_list(self, options: dict[str, Any]) -> None:
        table = selectors.cohort_table()
        if options["json"]:
            self.stdout.write(json.dumps(table, indent=2))
            return
        for row in table:
            minutes = row["gpu_minutes_per_day"]
            gpu = "" if minutes is None else f", GPU minutes a day: {minutes or 'no limit'}"
            self.stdout.write(f"{row['slug']}: {row['name']}, {row['learners']} learners{gpu}")
            for exercise, attempts in row["caps"].items():
                self.stdout.write(f"  {exercise}: {attempts} attempts")
        if not table:
            self.stdout.write('No cohort yet: manage.py cohorts create "Autumn 2026"')

    def do_create(self, options: dict[str, Any]) -> None:
        cohort = services.cohort_create(name=options["name"], slug=options["slug"])
        self.stdout.write(f"{cohort.slug}: {cohort.name}")

    def do_enrol(self, options: dict[str, Any]) -> None:
        cohort = cohort_named(options["cohort"])
        new = sum([services.enrol(cohort=cohort, user=user) for user in self.people(options)])
        self.stdout.write(f"{new} enrolled in {cohort.slug}, {len(options['people']) - new} were in it already")

    def do_remove(self, options: dict[str, Any]) -> None:
        cohort = cohort_named(options["cohort"])
        gone = sum([services.remove(cohort=cohort, user=user) for user in self.people(options)])
        self.stdout.write(f"{gone} removed from {cohort.slug}, {len(options['people']) - gone} were not in it")

    def do_cap(self, options: dict[str, Any]) -> None:
        cohort, exercise = cohort_named(options["cohort"]), exercise_named(options["exercise"])
        attempts = number(options["attempts"])
        services.attempts_cap(cohort=cohort, exercise=exercise, attempts=attempts)
        self.stdout.write(f"{cohort.slug}, {exercise.key}: {attempts or 'unlimited'} attempts")

    def do_quota(self, options: dict[str, Any]) -> None:
        cohort, minutes = cohort_named(options["cohort"]), number(options["minutes"])
        services.gpu_minutes_set(cohort=cohort, minutes=minutes)
        said = "as the site's setting says" if minutes is None else minutes or "no limit"
        self.stdout.write(f"{cohort.slug}: GPU minutes a day: {said}")

    def people(self, options: dict[str, Any]) -> list[User]:
        """All of them, or an error that names every unknown one."""
        found = {name: person(name) for name in dict.fromkeys(options["people"])}
        unknown = [name for name, user in found.items() if user is None]
        if unknown:
            raise CommandError(f"Nobody here is called {', '.join(map(repr, unknown))}. Nothing was changed.")
        return [user for user in found.values() if user is not None]


def person(name: str) -> User | None:
    return User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name)).first()


def number(text: str) -> int | None:
    """Raises CommandError for what is neither a whole number nor "none"."""
    if text == "none":
        return None
    if not (text.isascii() and text.isdigit()):
        raise CommandError(f"{text!r} is not a whole number (or none).")
    return int(text)
