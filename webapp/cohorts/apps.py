from __future__ import annotations

from django.apps import AppConfig
from typing_extensions import override


class CohortsConfig(AppConfig):
    name = "webapp.cohorts"
    label = "cohorts"

    @override
    def ready(self) -> None:
        from webapp.accounts import personal
        from webapp.cohorts.personal import KEEPER

        personal.register(KEEPER)
