from __future__ import annotations

from django.apps import AppConfig
from typing_extensions import override


class LearningConfig(AppConfig):
    name = "webapp.learning"
    label = "learning"

    @override
    def ready(self) -> None:
        from webapp.accounts import personal
        from webapp.catalog.search import palette
        from webapp.learning.palette import learning_commands
        from webapp.learning.personal import KEEPER

        personal.register(KEEPER)
        palette.register(learning_commands)
