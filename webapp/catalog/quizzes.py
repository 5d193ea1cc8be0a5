"""Grades a quiz on the server: the answer never reaches the page."""

from __future__ import annotations

import math

from django.core.exceptions import ValidationError

from lessons.schema import Quiz
from webapp.catalog.contexts import QuizResult
from webapp.catalog.markdown import render_inline


def quiz_grade(quiz: Quiz, answer: str) -> QuizResult:
    """Raises ValidationError (field answer) for something that is no answer to this quiz."""
    given = choice(quiz, answer) if quiz.kind == "choice" else number(answer)
    correct = abs(given - quiz.answer) <= quiz.tolerance + 1e-12 * abs(quiz.answer)
    return QuizResult(correct=correct, explanation_html=render_inline(quiz.explanation), answer=answer)


def choice(quiz: Quiz, answer: str) -> float:
    known = {str(index): float(index) for index in range(len(quiz.options))}
    if answer not in known:
        raise ValidationError({"answer": ["Choose one of the options."]})
    return known[answer]


def number(answer: str) -> float:
    """Both 0.05 and 0,05 are read."""
    try:
        value = float(answer.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or len(answer) > 40:
        raise ValidationError({"answer": ["Write a number, such as 0.05."]})
    return value
