"""Pages in threads that stay: few database connections, no thread held by a slow client, streams whole."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.core.asgi import get_asgi_application
from django.db import connections
from django.db.backends.signals import connection_created
from django.test import Client

from webapp.config.pages import PageHandler

pytestmark = pytest.mark.django_db(transaction=True)
Pages = Callable[[int], PageHandler]
Message = MutableMapping[str, Any]
REQUESTS, TOKEN = 6, "t" * 32
HOST = "http://127.0.0.1"


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], PageHandler]]:
    """Handlers with so many threads, as the site's own server has one; ended with the test."""
    made: list[PageHandler] = []

    def make(threads: int) -> PageHandler:
        made.append(PageHandler(threads))
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setitem(connections.settings["default"], "CONN_MAX_AGE", 60)
        yield make
        for handler in made:
            handler.close()


@pytest.fixture
def opened() -> Iterator[list[object]]:
    """Every connection to the database that is made."""
    made: list[object] = []

    def note(sender: object, connection: object, **_: object) -> None:
        made.append(connection)

    connection_created.connect(note)
    yield made
    connection_created.disconnect(note)


def ask(
    handler: Any, path: str, times: int = 1, *, method: str = "GET", cookies: dict[str, str] | None = None
) -> list[httpx.Response]:
    async def one_after_the_other() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=handler)
        async with httpx.AsyncClient(
            transport=transport, base_url=HOST, cookies=cookies, headers={"X-CSRFToken": TOKEN}
        ) as client:
            return [await client.request(method, path) for _ in range(times)]

    return asyncio.run(one_after_the_other())


def signed_in() -> dict[str, str]:
    client = Client()
    user = get_user_model().objects.create(username="dora", email="dora@example.org")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return {"sessionid": client.cookies["sessionid"].value, "csrftoken": TOKEN}


def test_a_thread_keeps_its_connection(opened: list[object], pages: Pages) -> None:
    cookies = signed_in()
    opened.clear()
    answers = ask(pages(2), "/", REQUESTS, cookies=cookies)
    assert [one.status_code for one in answers] == [200] * REQUESTS
    assert 1 <= len(opened) <= 2


def test_the_control_is_djangos_own_handler(opened: list[object]) -> None:
    cookies = signed_in()
    opened.clear()
    ask(get_asgi_application(), "/", REQUESTS, cookies=cookies)
    assert len(opened) >= REQUESTS


def test_slow_clients_hold_no_thread(pages: Pages) -> None:
    """Twice as many senders as threads, none of which ever ends its body; a page is answered meanwhile."""
    handler = pages(2)
    scope = {
        "type": "http", "method": "POST", "path": "/accounts/login/", "raw_path": b"/accounts/login/",
        "query_string": b"", "headers": [(b"host", b"127.0.0.1")], "http_version": "1.1", "scheme": "http",
    }  # fmt: skip

    over = asyncio.Event()

    async def never() -> Message:
        await over.wait()
        return {"type": "http.disconnect"}

    async def unread(_: object) -> None:
        raise AssertionError("nothing is answered before the request is whole")

    async def beside_them() -> int:
        slow = [asyncio.create_task(handler(scope, never, unread)) for _ in range(4)]
        await asyncio.sleep(0.05)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=handler), base_url=HOST) as client:
            answer = await asyncio.wait_for(client.get("/healthz"), 5)
        over.set()
        await asyncio.gather(*slow)
        return answer.status_code

    assert asyncio.run(beside_them()) == 200


def test_a_client_that_leaves_in_the_middle_sends_nothing(pages: Pages) -> None:
    """A cut body is no request."""
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"login=x", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(pages(1)({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send))


def test_what_is_no_text_in_an_address_is_no_fault_of_ours(pages: Pages) -> None:
    [answer] = ask(pages(1), "/search/?q=%FF%FE")
    assert answer.status_code == 200


def test_the_archive_is_sent_while_it_is_made(pages: Pages) -> None:
    [answer] = ask(pages(1), "/accounts/data/export/", method="POST", cookies=signed_in())
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert "README.txt" in archive.namelist()
