"""The live log by WebSocket: who may read, and each line exactly once over reconnects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from grader.events import LogEvent, OutputEvent, ProgressEvent
from webapp.accounts.models import User
from webapp.submissions import consumers, hub, queue
from webapp.submissions.livelog import LiveLog
from webapp.submissions.models import Run, Verdict
from webapp.submissions.routing import websocket_urlpatterns
from webapp.submissions.watching import look_at_run

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
    monkeypatch.setattr(hub, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(hub, "AUTHORISE_EVERY_S", 0.2)
    monkeypatch.setattr(hub, "RETRY_S", 0.05)
    monkeypatch.setattr(hub, "BLOCK_MS", 50)


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
    assert hub.HUB.feeds == {}, "a feed without viewers is left"


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
    live.flush()


async def end(run: Run, live: LiveLog) -> None:
    finish = database_sync_to_async(queue.run_finish)
    assert await finish(run=run, verdict=Verdict.PASSED, score=1.0, log_z=live.packed())
    live.status()
    live.close()


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
    live = LiveLog(run.pk)
    live.add(ProgressEvent(text="Loading", done=0.5))
    live.close()
    progress = (await until(socket, lambda m: m["type"] == "progress"))[-1]
    assert (progress["text"], progress["done"]) == ("Loading", 0.5)
    await socket.disconnect()


async def test_it_tells_at_once_when_a_run_starts(submit: Submit, learner: User) -> None:
    run = await database_sync_to_async(submit)(learner)
    socket = await open_socket(run, learner)
    await until(socket, lambda m: m.get("status") == "queued")
    await database_sync_to_async(queue.run_claim)(queue="smoke", worker="w")
    live = LiveLog(run.pk)
    live.status()
    live.close()
    await until(socket, lambda m: m.get("status") == "running")
    await socket.disconnect()


async def refused(run: Run, user: Any) -> int:
    socket = await open_socket(run, user)
    closed = await socket.receive_output(timeout=5)
    assert closed["type"] == "websocket.close", closed
    return int(closed["code"])


async def test_it_refuses_other_learners_and_visitors(running: Run, peer: User) -> None:
    write(LiveLog(running.pk), "secret")
    assert await refused(running, peer) == hub.NOT_FOUND
    assert await refused(running, AnonymousUser()) == consumers.SIGNED_OUT
    assert await refused(Run(), peer) == hub.NOT_FOUND


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
    assert (closed["type"], closed["code"]) == ("websocket.close", hub.NOT_FOUND)


@pytest.mark.parametrize("after", ["?after=-1", "?after=abc", "?after=99999999999999", "?after=%F0%9F%98%80", "?x"])
async def test_it_reads_from_the_beginning_for_an_odd_after(after: str, running: Run, learner: User) -> None:
    write(LiveLog(running.pk), "one")
    socket = await open_socket(running, learner, after)
    await until(socket, is_line(1))
    await socket.disconnect()


async def test_it_keeps_up_with_a_flood(running: Run, learner: User) -> None:
    live = LiveLog(running.pk)
    socket = await open_socket(running, learner, "?batch=1")
    writing = asyncio.to_thread(write, live, *map(str, range(1, 1501)))
    _, messages = await asyncio.gather(writing, frames_until(socket, is_line(1500)))
    assert [message["n"] for message in messages if "n" in message] == list(range(1, 1501))
    live.close()


async def frames_until(socket: Socket, wanted: Callable[[Any], bool]) -> list[Any]:
    messages: list[Any] = []
    while not messages or not wanted(messages[-1]):
        messages += await socket.receive()
    return messages


def calls(valkey: str, command: str) -> int:
    stats: Any = redis.Redis.from_url(valkey).info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


async def test_many_viewers_cost_one_read(
    running: Run, learner: User, instructor: User, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def counted(run: Any) -> Any:
        nonlocal looks
        looks += 1
        return look_at_run(run)

    monkeypatch.setattr(hub, "look_at_run", counted)
    monkeypatch.setattr(hub, "LOOK_EVERY_S", 5.0)
    monkeypatch.setattr(hub, "BLOCK_MS", 1_000)
    live = LiveLog(running.pk)
    write(live, "1")
    before = calls(valkey, "xread") + calls(valkey, "xrange")
    sockets = [await open_socket(running, (learner, instructor)[i % 2], "?batch=1") for i in range(50)]
    for number in range(2, 22):
        write(live, str(number))
        await asyncio.sleep(0.01)
    seen = await asyncio.gather(*(frames_until(socket, is_line(21)) for socket in sockets))
    reads = calls(valkey, "xread") + calls(valkey, "xrange") - before
    assert reads <= 25, "50 viewers of 21 lines"
    assert looks <= 3
    assert all([m["text"] for m in messages if "n" in m] == list(map(str, range(1, 22))) for messages in seen)
    assert hub.HUB.watchers() == 50
    await end(running, live)
    ends = await asyncio.gather(*(frames_until(socket, is_done) for socket in sockets))
    assert all(messages[-1]["verdict"] == "passed" for messages in ends)


async def test_who_comes_late_or_comes_back_sees_each_line_once(running: Run, learner: User) -> None:
    live = LiveLog(running.pk)
    first = await open_socket(running, learner)
    write(live, *map(str, range(1, 8)))
    await until(first, is_line(7))
    write(live, "8", "9")
    for after in (0, 3, 7, 9):
        socket = await open_socket(running, learner, f"?batch=1&after={after}")
        write(live, "more")
        last = 10 + (0, 3, 7, 9).index(after)
        messages = await frames_until(socket, is_line(last))
        assert [m["n"] for m in messages if "n" in m] == list(range(after + 1, last + 1))
    live.close()


async def test_who_loses_the_right_goes_and_the_others_stay(running: Run, learner: User, instructor: User) -> None:
    stays, goes = await open_socket(running, learner), await open_socket(running, instructor)
    for socket in (stays, goes):
        await until(socket, lambda m: m["type"] == "status")
    await User.objects.filter(pk=instructor.pk).aupdate(role="learner")
    closed = await goes.receive_output(timeout=5)
    assert (closed["type"], closed["code"]) == ("websocket.close", hub.NOT_FOUND)
    live = LiveLog(running.pk)
    write(live, "one")
    await until(stays, is_line(1))
    live.close()


async def test_it_shows_the_row_while_redis_is_away_and_the_whole_log_at_the_end(
    running: Run, learner: User, settings: Any
) -> None:
    live = LiveLog(running.pk)
    write(live, "one", "two")
    settings.REDIS_URL = "unix:///nowhere/s"
    socket = await open_socket(running, learner)
    await until(socket, lambda m: m.get("message") == hub.STALLED)
    await end(running, live)
    messages = await until(socket, is_done)
    assert [m["n"] for m in messages if "n" in m] == [1, 2]
    assert messages[-1]["verdict"] == "passed"


async def test_it_completes_from_the_database_what_redis_lost(running: Run, learner: User, valkey: str) -> None:
    live = LiveLog(running.pk)
    write(live, "one", "two")
    socket = await open_socket(running, learner)
    await until(socket, is_line(2))
    write(live, "three")
    await until(socket, is_line(3))
    redis.Redis.from_url(valkey).flushall()
    write(live, "four")
    await end(running, live)
    messages = await until(socket, is_done)
    assert [m["n"] for m in messages if "n" in m] == [4]


async def test_it_asks_the_page_to_come_back_when_the_database_fails(
    running: Run, learner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(run: Any) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(hub, "look_at_run", fails)
    socket = await open_socket(running, learner)
    closed = await socket.receive_output(timeout=5)
    assert (closed["type"], closed["code"]) == ("websocket.close", hub.TRY_AGAIN)


async def test_a_slow_viewer_holds_nobody_up(running: Run, learner: User) -> None:
    """Its place stays, the feed goes on, and it finds what is kept when it comes."""
    live = LiveLog(running.pk)
    slow, quick = hub.Viewer(user=learner.pk, last=0), await open_socket(running, learner, "?batch=1")
    feed = hub.HUB.join(running.pk, slow)
    for number in range(1, 41):
        write(live, *[f"{number}.{i}" for i in range(250)])
    seen = await frames_until(quick, is_line(10_000))
    numbers = [m["n"] for m in seen if "n" in m]
    assert numbers == sorted(set(numbers))
    late = [m["n"] for frame in feed.frames(slow) for m in json.loads(frame) if "n" in m]
    assert late[:1_000] == list(range(1, 1_001))
    assert late[-4_000:] == list(range(6_001, 10_001))
    assert len(late) < 6_000
    await hub.HUB.leave(feed, slow)
    live.close()
