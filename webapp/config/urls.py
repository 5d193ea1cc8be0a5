"""Every address of the site."""

from __future__ import annotations

from django.urls import include, path

from webapp.accounts.token_views import me
from webapp.config.health import healthz, readyz
from webapp.config.languages import ScriptTexts
from webapp.config.styleguide import styleguide
from webapp.submissions.operations.views import metrics

handler400 = "webapp.config.errors.bad_request"
handler500 = "webapp.config.errors.server_error"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("styleguide", styleguide, name="styleguide"),
    path("messages/<slug:language>.js", ScriptTexts.as_view(), name="script_texts"),
    path("api/me", me, name="api_me"),
    path("accounts/", include("webapp.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("webapp.catalog.urls")),
    path("", include("webapp.learning.urls")),
    path("", include("webapp.submissions.urls")),
]
