from __future__ import annotations

from django.urls import path

from webapp.catalog import views

urlpatterns = [
    path("", views.home, name="home"),
    path("lessons/<slug:lesson>/", views.lesson, name="lesson"),
    path("lessons/<slug:lesson>/quiz/<slug:quiz>/", views.quiz_answer, name="quiz-answer"),
]
