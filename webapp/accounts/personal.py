"""What the site holds of a person. Each app registers what it keeps: how to hand it out, and how to let go of it.

A test walks all models: one that points at a user is covered by a `Keeper`, or exempt here with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from webapp.accounts.models import User

Files = Iterator[tuple[str, bytes]]  # path in the archive, content
BATCH = 200

EXEMPT = {
    "accounts.User_groups": "groups of Django's own administration, which this site does not use",
    "accounts.User_user_permissions": "permissions of Django's own administration, which this site does not use",
}


def nothing(user: User) -> None:
    """What a row's foreign key lets go of by itself needs no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What one app holds of people.

    `models`: its models that point at a user. `export`: all of it as files. `stop`: ends what still goes on; raises
    StillBusyError when that takes longer. `erase`: deletes, or makes nameless, what does not go with the user's row.
    """

    name: str
    models: tuple[str, ...]
    export: Callable[[User], Files]
    stop: Callable[[User], None] = nothing
    erase: Callable[[User], None] = nothing


class StillBusyError(Exception):
    """Something of this person still runs: try again in a moment."""


_keepers: dict[str, Keeper] = {}


def register(keeper: Keeper) -> None:
    _keepers[keeper.name] = keeper


def keepers() -> tuple[Keeper, ...]:
    return tuple(_keepers.values())


def covered() -> set[str]:
    """Labels of all models whose rows are handed out and let go of."""
    return {label for keeper in keepers() for label in keeper.models}


def document(content: Any) -> bytes:
    return json.dumps(content, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False).encode()


def rows(found: QuerySet[Any], *fields: str) -> list[dict[str, Any]]:
    """The named fields of each."""
    return list(found.values(*fields))


def listing(name: str, found: QuerySet[Any], *fields: str) -> Iterable[tuple[str, bytes]]:
    """One file with the named fields of all rows; none where there are no rows."""
    content = rows(found, *fields)
    if content:
        yield f"{name}.json", document(content)


def delete_in_batches(found: QuerySet[Any]) -> None:
    """Short transactions: others never wait long for the one writer of SQLite."""
    while keys := list(found.order_by().values_list("pk", flat=True)[:BATCH]):
        found.model._default_manager.filter(pk__in=keys).delete()
