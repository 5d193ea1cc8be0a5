"""One writer at a time: who comes second waits, and nobody's transaction dies half-way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.db import OperationalError, connection, transaction

from webapp.accounts.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the tests run on PostgreSQL"),
]
HELD_S = 1.5


@pytest.fixture
def other() -> Iterator[sqlite3.Connection]:
    """Another program at the same file, that does not wait."""
    path = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as found:
        yield found


def pragma(name: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


def test_a_connection_is_set_as_designed() -> None:
    assert (pragma("journal_mode"), pragma("busy_timeout"), pragma("synchronous")) == ("wal", 20_000, 1)


def test_a_writer_waits_for_another_and_a_reader_does_not(other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    released = threading.Event()
    release = threading.Timer(HELD_S, lambda: (released.set(), other.execute("ROLLBACK")))
    release.start()
    assert User.objects.count() == 0
    assert not released.is_set(), "the reader did not wait"
    User.objects.create(username="late")
    assert released.is_set(), "the writer did"
    release.join()
    assert User.objects.filter(username="late").exists()


def test_a_transaction_has_the_writer_s_place_from_its_beginning(other: sqlite3.Connection) -> None:
    """Else two that read first and write later could not both be served: one would fail at its first write."""
    with transaction.atomic():
        User.objects.count()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")


def test_who_has_waited_long_enough_is_told(other: sqlite3.Connection) -> None:
    """The control: without the time to wait, the second writer fails."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(OperationalError, match="locked"):
            User.objects.create(username="never")
    finally:
        other.execute("ROLLBACK")
        connection.close()
