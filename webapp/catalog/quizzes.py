"""Grades quizzes on the server, where the answers stay, and keeps what people answered."""

from __future__ import annotations

import math
from collections.abc import Mapping

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.schema import Quiz
from webapp.accounts.models import User
from webapp.catalog.contexts import QuizResult
from webapp.catalog.markdown import render_inline
from webapp.catalog.models import QuizAnswer

Results = Mapping[str, QuizResult]


def quiz_grade(quiz: Quiz, answer: str) -> QuizResult:
    """Raises ValidationError (field answer) for something that is no answer to this quiz."""
    given = choice(quiz, answer) if quiz.kind == "choice" else number(answer)
    correct = abs(given - quiz.answer) <= quiz.tolerance + 1e-12 * abs(quiz.answer)
    explanation = render_inline(quiz.explanation)
    return QuizResult(correct=correct, explanation_html=explanation, answer=answer, was_correct=correct)


def choice(quiz: Quiz, answer: str) -> float:
    known = {str(index): float(index) for index in range(len(quiz.options))}
    if answer not in known:
        raise ValidationError({"answer": [_("Choose one of the options.")]})
    return known[answer]


def number(answer: str) -> float:
    """Both 0.05 and 0,05 are read."""
    try:
        value = float(answer.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or len(answer) > 40:
        raise ValidationError({"answer": [_("Write a number, such as 0.05.")]})
    return value


def quiz_answer_keep(*, user: User, lesson: str, quiz: str, result: QuizResult) -> None:
    """Remember the last answer and count the try. Two answers at once are both counted; the later one stays."""
    if answer_update(user, lesson, quiz, result):
        return
    try:
        with transaction.atomic():
            QuizAnswer.objects.create(
                user=user,
                lesson=lesson,
                quiz=quiz,
                answer=result.answer,
                correct=result.correct,
                was_correct=result.correct,
            )
    except IntegrityError:  # another request made the row meanwhile
        answer_update(user, lesson, quiz, result)


def answer_update(user: User, lesson: str, quiz: str, result: QuizResult) -> bool:
    ever = Value(value=True) if result.correct else F("was_correct")
    rows = QuizAnswer.objects.filter(user=user, lesson=lesson, quiz=quiz)
    changed = rows.update(
        answer=result.answer,
        correct=result.correct,
        was_correct=ever,
        tries=F("tries") + 1,
        answered_at=timezone.now(),
    )
    return changed > 0


def quiz_results(user: User | AnonymousUser, lesson: str, quizzes: Mapping[str, Quiz]) -> dict[str, QuizResult]:
    """Each quiz's last answer, graded by the quiz as it is now; an answer that no longer fits it is passed over."""
    if not isinstance(user, User) or not quizzes:
        return {}
    found = {}
    for row in QuizAnswer.objects.filter(user=user, lesson=lesson, quiz__in=quizzes):
        try:
            result = quiz_grade(quizzes[row.quiz], row.answer)
        except ValidationError:
            continue
        found[row.quiz] = QuizResult(
            correct=result.correct,
            explanation_html=result.explanation_html,
            answer=row.answer,
            was_correct=row.was_correct or result.correct,
            tries=row.tries,
        )
    return found


def quiz_tally(results: Results, total: int) -> str:
    """ "9 of 11 quizzes right": those that were right once."""
    right = sum(result.was_correct for result in results.values())
    text = ngettext("%(right)d of %(total)d quiz right", "%(right)d of %(total)d quizzes right", total)
    return text % {"right": right, "total": total} if total else ""
