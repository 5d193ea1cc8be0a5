from __future__ import annotations

from django.apps import AppConfig
from typing_extensions import override


class SubmissionsConfig(AppConfig):
    name = "webapp.submissions"
    label = "submissions"

    @override
    def ready(self) -> None:
        from webapp.accounts import personal
        from webapp.catalog import progress
        from webapp.catalog.search import palette
        from webapp.submissions.palette import review_commands
        from webapp.submissions.personal import KEEPER
        from webapp.submissions.selectors import progress_of_learner

        progress.register(progress_of_learner)
        personal.register(KEEPER)
        palette.register(review_commands)
