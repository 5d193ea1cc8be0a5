from __future__ import annotations

from django.apps import AppConfig
from typing_extensions import override


class AccountsConfig(AppConfig):
    name = "webapp.accounts"
    label = "accounts"

    @override
    def ready(self) -> None:
        from webapp.accounts import keeping, personal

        personal.register(keeping.KEEPER)
