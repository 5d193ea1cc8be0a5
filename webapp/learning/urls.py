from __future__ import annotations

from django.urls import path

from webapp.learning import home_views, views

urlpatterns = [
    path("", home_views.home, name="home"),
    path("progress/", home_views.progress, name="progress"),
    path("plan/", views.plan, name="plan"),
    path("plan/new/", views.plan_new, name="plan-new"),
    path("plan/step/", views.plan_step, name="plan-step"),
    path("plan/replan/", views.plan_replan, name="plan-replan"),
    path("plan/stop/", views.plan_stop, name="plan-stop"),
    path("plan/feed/new/", views.feed_renew, name="plan-feed-new"),
    path("plan/feed/<slug:token>.ics", views.feed, name="plan-feed"),
    path("plan/download.ics", views.plan_download, name="plan-download"),
    path("hardware/", views.hardware, name="hardware"),
]
