"""What this app holds of a person. It goes with the user's row."""

from __future__ import annotations

from webapp.accounts.models import User
from webapp.accounts.personal import Files, Keeper, listing
from webapp.catalog.models import QuizAnswer, Reading


def export(user: User) -> Files:
    readings, answers = Reading.objects.filter(user=user), QuizAnswer.objects.filter(user=user)
    yield from listing("reading", readings, "lesson", "sections", "place", "updated_at")
    yield from listing("quizzes", answers, "lesson", "quiz", "answer", "correct", "was_correct", "tries", "answered_at")


KEEPER = Keeper(name="lessons", models=("catalog.Reading", "catalog.QuizAnswer"), export=export)
