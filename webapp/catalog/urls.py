from __future__ import annotations

from django.urls import path

from webapp.catalog import views
from webapp.catalog.search import views as search_views

urlpatterns = [
    path("search/", search_views.search, name="search"),
    path("search/commands/", search_views.commands, name="palette-commands"),
    path("lessons/<slug:lesson>/", views.lesson, name="lesson"),
    path("lessons/<slug:lesson>/lesson.md", views.lesson_source, name="lesson-source"),
    path("lessons/<slug:lesson>/read", views.lesson_reading, name="lesson-reading"),
    path("lessons/<slug:lesson>/pictures/<path:name>", views.lesson_picture, name="lesson-picture"),
    path("lessons/<slug:lesson>/quiz/<slug:quiz>/", views.quiz_answer, name="quiz-answer"),
]
