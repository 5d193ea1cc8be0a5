from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from typing_extensions import override


class CatalogConfig(AppConfig):
    name = "webapp.catalog"
    label = "catalog"

    @override
    def ready(self) -> None:
        from webapp.accounts import personal
        from webapp.catalog.personal import KEEPER
        from webapp.catalog.search import commands, lessons, palette, sources

        for kind, one, many, read in (
            ("lesson", _("Lesson"), _("Lessons"), lessons.lesson_documents),
            ("exercise", _("Exercise"), _("Exercises"), lessons.exercise_documents),
            ("prompt", _("Task"), _("Tasks"), lessons.prompt_documents),
        ):
            sources.register(sources.Source(kind=kind, one=one, many=many, read=read))
        palette.register(commands.site_commands)
        personal.register(KEEPER)
