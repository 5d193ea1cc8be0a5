"""`manage.py makemessages`: Django's, which also finds `t()` and `plural()` of scripts and skips what is built."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import makemessages
from typing_extensions import override


class Command(makemessages.Command):
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=t", "--keyword=plural:1,2"]

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        options["ignore_patterns"] = [*options["ignore_patterns"], "var", "node_modules", "dist", "tests", "lessons"]
        super().handle(*args, **options)
