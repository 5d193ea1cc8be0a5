"""The site's settings, and one more address: the bare view."""

from __future__ import annotations

from webapp.config.settings import *  # noqa: F403  # all of them, as Django reads them

ROOT_URLCONF = "webapp.config.bench_site.urls"
