from __future__ import annotations

from django.urls import path

from webapp.catalog import views
from webapp.catalog.search import views as search_views

urlpatterns = [
    path("search/", search_views.search, name="search"),
    path("search/commands/", search_views.commands, name="palette-commands"),
    path("lessons/<slug:lesson>/", views.lesson, name="lesson"),
    path("lessons/<slug:lesson>/quiz/<slug:quiz>/", views.quiz_answer, name="quiz-answer"),
]
