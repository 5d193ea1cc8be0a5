"""Lessons and quizzes. Each view: parse, one selector or service, respond."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import conditional_page, require_POST, require_safe

from lessons.document import without_answers
from lessons.files import read_text
from lessons.loader import Lesson
from webapp.accounts.models import User
from webapp.catalog.http import json_errors, wants_json
from webapp.catalog.lesson_page import headings_of, lesson_context, quiz_source, quiz_tally_of
from webapp.catalog.pictures import picture_find
from webapp.catalog.quizzes import quiz_answer_keep, quiz_grade
from webapp.catalog.reading import TooManyReportsError, reading_record
from webapp.catalog.selectors import lesson_find


def lesson_or_404(slug: str) -> Lesson:
    found = lesson_find(slug)
    if found is None:
        raise Http404("There is no such lesson.")
    return found


@require_safe
def lesson(request: HttpRequest, lesson: str) -> HttpResponse:
    """Context: page (LessonContext)."""
    return render(request, "catalog/lesson.html", {"page": lesson_context(lesson_or_404(lesson), request=request)})


@require_safe
def lesson_source(request: HttpRequest, lesson: str) -> HttpResponse:
    """The Markdown as it was written, without what answers the quizzes."""
    found = lesson_or_404(lesson)
    assert found.folder is not None
    text = without_answers(read_text(found.folder / "lesson.md"))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
@conditional_page
def lesson_picture(request: HttpRequest, lesson: str, name: str) -> HttpResponse:
    found = picture_find(lesson_or_404(lesson), name)
    if found is None:
        raise Http404("There is no such picture.")
    response = HttpResponse(found.data, content_type=found.content_type)
    # A drawing that is opened by itself is a page: it runs nothing, loads nothing and is of no origin.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["Cache-Control"] = "public, max-age=3600"
    return response


@require_POST
def lesson_reading(request: HttpRequest, lesson: str) -> HttpResponseBase:
    """Fields: section (any number of headings that were read), place (the heading where the reader is).

    Or all=1, from the form of a page without scripts: only that is answered by a page. A beacon follows redirects.
    """
    found = lesson_or_404(lesson)
    headings, user, is_form = headings_of(found), request.user, request.POST.get("all") == "1"
    if not isinstance(user, User):
        return redirect("account_login") if is_form else JsonResponse({"errors": {}}, status=401)
    read = headings if is_form else request.POST.getlist("section")
    try:
        row = reading_record(
            user=user, lesson=found.slug, headings=headings, read=read, place=request.POST.get("place", "")
        )
    except ValidationError as error:
        return json_errors(error)
    except TooManyReportsError:
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    if is_form:
        return redirect(reverse("lesson", args=[found.slug]) + "#lesson-read")
    return JsonResponse({"read": row.sections, "place": row.place})


@require_POST
def quiz_answer(request: HttpRequest, lesson: str, quiz: str) -> HttpResponseBase:
    found, user = lesson_or_404(lesson), request.user
    source = quiz_source(found, quiz)
    if source is None:
        raise Http404("There is no such quiz.")
    try:
        result = quiz_grade(source, request.POST.get("answer", ""))
    except ValidationError as error:
        if wants_json(request):
            return json_errors(error)
        page = lesson_context(found, request=request, errors={quiz: " ".join(error.messages)})
        return render(request, "catalog/lesson.html", {"page": page}, status=422)
    if isinstance(user, User):
        quiz_answer_keep(user=user, lesson=found.slug, quiz=quiz, result=result)
    if wants_json(request):
        tally = quiz_tally_of(user, found)
        return JsonResponse({"correct": result.correct, "explanation": result.explanation_html, "tally": tally})
    if isinstance(user, User):
        return redirect(f"{reverse('lesson', args=[found.slug])}#quiz-{quiz}")
    page = lesson_context(found, request=request, given={quiz: result})
    return render(request, "catalog/lesson.html", {"page": page})
