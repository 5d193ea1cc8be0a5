"""Lessons and quizzes. Each view: parse, one selector, respond."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from webapp.catalog import selectors
from webapp.catalog.http import json_errors, wants_json
from webapp.catalog.quizzes import quiz_grade


@require_safe
def lesson(request: HttpRequest, lesson: str) -> HttpResponse:
    """Context: page (LessonContext)."""
    return lesson_page(request, lesson)


def lesson_page(request: HttpRequest, slug: str, *, results: selectors.Results | None = None) -> HttpResponse:
    page = selectors.lesson_context(slug, request=request, results=results or {})
    if page is None:
        raise Http404("There is no such lesson.")
    return render(request, "catalog/lesson.html", {"page": page})


@require_POST
def quiz_answer(request: HttpRequest, lesson: str, quiz: str) -> HttpResponseBase:
    source = selectors.quiz_source(lesson, quiz)
    if source is None:
        raise Http404("There is no such quiz.")
    try:
        result = quiz_grade(source, request.POST.get("answer", ""))
    except ValidationError as error:
        if wants_json(request):
            return json_errors(error)
        return lesson_page(request, lesson)
    if wants_json(request):
        return JsonResponse({"correct": result.correct, "explanation": result.explanation_html})
    return lesson_page(request, lesson, results={quiz: result})
