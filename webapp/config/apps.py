"""`webapp.config` is an app only so that its management commands are found."""

from __future__ import annotations

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "webapp.config"
    label = "config"
    verbose_name = "Configuration"
