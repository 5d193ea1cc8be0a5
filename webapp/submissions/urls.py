from __future__ import annotations

from django.urls import path

from webapp.submissions import regrade_views, review_views, views, views_drafts, views_history

urlpatterns = [
    path("lessons/<slug:lesson>/cells/<int:index>/", views.cell_run, name="cell-run"),
    path("lessons/<slug:lesson>/<slug:exercise>/", views.exercise, name="exercise"),
    path("lessons/<slug:lesson>/<slug:exercise>/history/", views.history, name="exercise-history"),
    path("lessons/<slug:lesson>/<slug:exercise>/runs/", views_history.runs, name="exercise-runs"),
    path("lessons/<slug:lesson>/<slug:exercise>/compare/", views_history.compare, name="exercise-compare"),
    path("lessons/<slug:lesson>/<slug:exercise>/draft/", views_drafts.draft, name="exercise-draft"),
    path("lessons/<slug:lesson>/<slug:exercise>/allowance/", views.allowance, name="exercise-allowance"),
    path("lessons/<slug:lesson>/<slug:exercise>/submissions/", views.submission_create, name="submission-create"),
    path("review/", review_views.reviews, name="reviews"),
    path("review/<uuid:run>/", review_views.review_decide, name="review-decide"),
    path("submissions/<uuid:submission>/", views.submission_files, name="submission-files"),
    path("submissions/<uuid:submission>/regrade/", regrade_views.submission_regrade, name="submission-regrade"),
    path("regrades/<int:regrade>/seen/", regrade_views.regrade_seen, name="regrade-seen"),
    path("runs/<uuid:run>/", views.run_page, name="run"),
    path("runs/<uuid:run>/panel/", views.run_panel, name="run-panel"),
    path("runs/<uuid:run>/report.json", views.run_report, name="run-report"),
    path("runs/<uuid:run>/log/", views.run_log, name="run-log"),
    path("runs/<uuid:run>/confirm/", views.run_confirm, name="run-confirm"),
    path("runs/<uuid:run>/again/", views.run_again, name="run-again"),
    path("runs/<uuid:run>/cancel/", views.run_cancel, name="run-cancel"),
]
