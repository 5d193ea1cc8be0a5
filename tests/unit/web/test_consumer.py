"""The live log by WebSocket: who may read, and each line exactly once over reconnects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser

from grader.events import LogEvent, OutputEvent, ProgressEvent
from webapp.accounts.models import User
from webapp.submissions import consumers, queue
from webapp.submissions.livelog import LiveLog
from webapp.submissions.models import Run, Verdict
from webapp.submissions.routing import websocket_urlpatterns

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("woken")]
Submit = Callable[..., Run]


@pytest.fixture
def running(submit: Submit, learner: User) -> Run:
    submit(learner)
    run = queue.run_claim(queue="smoke", worker="w")
    assert run is not None
    return run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(consumers, "BLOCK_MS", 50)


class Socket(ApplicationCommunicator):
    """A browser's end of the socket."""

    opened: list[Socket]

    async def receive(self) -> Any:
        message = await self.receive_output(timeout=10)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def disconnect(self) -> None:
        if not self.future.done():
            await self.send_input({"type": "websocket.disconnect", "code": 1000})
            await self.wait(timeout=5)


@pytest.fixture(autouse=True)
async def opened(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Socket]]:
    """Every socket of a test is left properly, whatever the test found."""
    sockets: list[Socket] = []
    monkeypatch.setattr(Socket, "opened", sockets, raising=False)
    yield sockets
    for socket in sockets:
        await socket.disconnect()


async def open_socket(run: Run, user: Any, after: str = "") -> Socket:
    path = f"/ws/runs/{run.pk}/"
    scope = {"type": "websocket", "path": path, "query_string": after[1:].encode(), "headers": [], "user": user}
    socket = Socket(URLRouter(websocket_urlpatterns), scope)
    Socket.opened.append(socket)
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output(timeout=10))["type"] == "websocket.accept"
    return socket


async def until(socket: Socket, wanted: Callable[[Any], bool]) -> list[Any]:
    messages: list[Any] = []
    while not messages or not wanted(messages[-1]):
        messages.append(await socket.receive())
    return messages


def is_line(number: int) -> Callable[[Any], bool]:
    return lambda message: bool(message.get("n") == number)


def is_done(message: Any) -> bool:
    return bool(message["type"] == "done")


def write(live: LiveLog, *texts: str) -> None:
    for text in texts:
        live.add(LogEvent(stream="out", text=text))


async def end(run: Run, live: LiveLog) -> None:
    finish = database_sync_to_async(queue.run_finish)
    assert await finish(run=run, verdict=Verdict.PASSED, score=1.0, log_z=live.packed())
    live.status()


async def test_it_sends_each_line_once_over_a_reconnect(running: Run, learner: User) -> None:
    live = LiveLog(running.pk)
    write(live, "one", "two", "three")
    socket = await open_socket(running, learner)
    first = await until(socket, is_line(3))
    await socket.disconnect()
    write(live, "four")
    live.add(OutputEvent(kind="text", data="42"))
    socket = await open_socket(running, learner, "?after=3")
    second = await until(socket, is_line(5))
    write(live, "six")
    await end(running, live)
    third = await until(socket, is_done)
    numbers = [message["n"] for message in [*first, *second, *third] if "n" in message]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert third[-1] == {"type": "done", "verdict": "passed"}
    assert first[0] == {"type": "status", "status": "running", "position": None, "message": ""}


async def test_it_replays_a_finished_run_from_the_database(running: Run, learner: User, valkey: str) -> None:
    import redis

    live = LiveLog(running.pk)
    write(live, *map(str, range(1, 6)))
    await end(running, live)
    redis.Redis.from_url(valkey).flushall()
    socket = await open_socket(running, learner, "?after=2")
    messages = await until(socket, is_done)
    assert [message["text"] for message in messages if message["type"] == "line"] == ["3", "4", "5"]


async def test_it_sends_progress_and_the_queue_position(submit: Submit, learner: User, peer: User) -> None:
    make = database_sync_to_async(submit)
    await make(peer)
    run = await make(learner)
    socket = await open_socket(run, learner)
    status = (await until(socket, lambda m: m["type"] == "status"))[-1]
    assert (status["status"], status["position"]) == ("queued", 2)
    assert status["message"].startswith("Number 2 in line")
    LiveLog(run.pk).add(ProgressEvent(text="Loading", done=0.5))
    progress = (await until(socket, lambda m: m["type"] == "progress"))[-1]
    assert (progress["text"], progress["done"]) == ("Loading", 0.5)
    await socket.disconnect()


async def test_it_tells_at_once_when_a_run_starts(submit: Submit, learner: User) -> None:
    run = await database_sync_to_async(submit)(learner)
    socket = await open_socket(run, learner)
    await until(socket, lambda m: m.get("status") == "queued")
    await database_sync_to_async(queue.run_claim)(queue="smoke", worker="w")
    LiveLog(run.pk).status()
    await until(socket, lambda m: m.get("status") == "running")
    await socket.disconnect()


async def refused(run: Run, user: Any) -> int:
    socket = await open_socket(run, user)
    closed = await socket.receive_output(timeout=5)
    assert closed["type"] == "websocket.close", closed
    return int(closed["code"])


async def test_it_refuses_other_learners_and_visitors(running: Run, peer: User) -> None:
    write(LiveLog(running.pk), "secret")
    assert await refused(running, peer) == consumers.NOT_FOUND
    assert await refused(running, AnonymousUser()) == consumers.SIGNED_OUT
    assert await refused(Run(), peer) == consumers.NOT_FOUND


async def test_it_lets_an_instructor_read(running: Run, instructor: User) -> None:
    write(LiveLog(running.pk), "one")
    socket = await open_socket(running, instructor)
    await until(socket, is_line(1))
    await socket.disconnect()


async def test_it_stops_sending_when_the_right_is_lost(running: Run, learner: User) -> None:
    socket = await open_socket(running, learner)
    await until(socket, lambda m: m["type"] == "status")
    await User.objects.filter(pk=learner.pk).aupdate(is_active=False)
    closed = await socket.receive_output(timeout=5)
    assert (closed["type"], closed["code"]) == ("websocket.close", consumers.NOT_FOUND)


@pytest.mark.parametrize("after", ["?after=-1", "?after=abc", "?after=99999999999999", "?after=%F0%9F%98%80", "?x"])
async def test_it_reads_from_the_beginning_for_an_odd_after(after: str, running: Run, learner: User) -> None:
    write(LiveLog(running.pk), "one")
    socket = await open_socket(running, learner, after)
    await until(socket, is_line(1))
    await socket.disconnect()


async def test_it_keeps_up_with_a_flood(running: Run, learner: User) -> None:
    live = LiveLog(running.pk)
    socket = await open_socket(running, learner)
    writing = asyncio.to_thread(write, live, *map(str, range(1, 1501)))
    _, messages = await asyncio.gather(writing, until(socket, is_line(1500)))
    assert [message["n"] for message in messages if "n" in message] == list(range(1, 1501))
    await socket.disconnect()
