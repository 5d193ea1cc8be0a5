"""One reader of a run's log for all who watch the run in this process.

A feed reads the stream and the row once, keeps what the stream keeps, and wakes its viewers. A viewer has only a place
in the feed: one whose connection is slow holds nobody up and costs no memory; it finds the rest when it comes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import redis.asyncio
from channels.db import database_sync_to_async
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from webapp.submissions.feedwindow import Window
from webapp.submissions.logstream import identity_of, stream_key
from webapp.submissions.watching import Look, look_at_run, readers_among

log = logging.getLogger(__name__)
NOT_FOUND, TRY_AGAIN, DONE = 4404, 1011, 1000
BATCH = 500
BLOCK_MS = 1_000
LOOK_EVERY_S = 3.0  # at the row, for the queue position; a change of status in the stream is seen at once
AUTHORISE_EVERY_S = 30.0
RETRY_S = 1.0
PAUSE_S, PAUSE_MOST_S = 0.0001, 0.2  # a viewer: the more watch, the more lines go into one frame
STALLED = "The live log is interrupted; the run goes on."


@dataclass(eq=False, slots=True)
class Viewer:
    """`last`: the number of the last line sent; `place`: of the last chunk; `code`: why it must close, once it must."""

    user: int
    last: int
    place: int = -1
    code: int = 0
    shown: dict[str, str] = field(default_factory=dict)


class Feed:
    """What all viewers of one run are shown. Belongs to one event loop."""

    def __init__(self, run: UUID) -> None:
        self.run = run
        self.viewers: set[Viewer] = set()
        self.owner: int | None = None
        self.window = Window()
        self.latest: dict[str, str] = {}  # of status and progress only the last counts
        self.final: list[tuple[int, str]] = []  # the kept log of a finished run …
        self.done = ""  # … and what closes it
        self.over = 0  # the closing code once there is nothing more to come
        self._news = asyncio.Event()
        self._known = asyncio.Event()  # whether there is such a run, and whose
        self._cursor = "0-0"
        self._stalled = False
        self._looked, self._authorised = float("-inf"), time.monotonic()
        self._task = asyncio.create_task(self._follow(), name=f"feed-{run}")

    async def admits(self, user: int) -> bool:
        """Whether `user` may read this run now. True where that cannot be told: then `over` says why nothing comes."""
        await self._known.wait()
        return self.owner is None or user in await database_sync_to_async(readers_among)({user}, owner=self.owner)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def news(self) -> asyncio.Event:
        """Set when there is something that was not there at the time of this call."""
        return self._news

    def frames(self, viewer: Viewer) -> Iterator[str]:
        """JSON arrays of the messages that this viewer has not had, oldest first; and moves its place behind them."""
        changed = [text for kind, text in self.latest.items() if viewer.shown.get(kind) != text]
        viewer.shown.update(self.latest)
        if changed:
            yield f"[{','.join(changed)}]"
        yield from self.window.frames(viewer)
        for start in range(0, len(self.final), BATCH):
            texts = [text for number, text in self.final[start : start + BATCH] if number > viewer.last]
            if texts:
                viewer.last = self.final[start : start + BATCH][-1][0]
                yield f"[{','.join(texts)}]"
        if self.done:
            yield f"[{self.done}]"

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _follow(self) -> None:
        """Until the run is over. What fails here closes the sockets, and their pages connect again."""
        try:
            async with connect_async() as client:
                while not self.over:
                    await self._look_if_due()
                    if not self.over:
                        await self._read_or_wait(client)
        except Exception:
            log.exception("run %s cannot be watched", self.run)
            self._end(TRY_AGAIN)

    def _end(self, code: int) -> None:
        self.over = code
        self._known.set()
        self._wake()

    async def _look_if_due(self) -> None:
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY_S:
            self._looked = now
            look = await database_sync_to_async(look_at_run)(self.run)
            if look is None:
                self._end(NOT_FOUND)
                return
            self._take(look)
        if now - self._authorised >= AUTHORISE_EVERY_S:
            self._authorised = now
            await self._authorise()

    def _take(self, look: Look) -> None:
        self.owner = look.owner
        message = look.message or (STALLED if self._stalled and not look.verdict else "")
        status = {"type": "status", "status": look.status, "position": look.position, "message": message}
        self.latest["status"] = json.dumps(status)
        if look.verdict:
            self.final = [(entry["n"], json.dumps(entry)) for entry in look.entries]
            self.done = json.dumps({"type": "done", "verdict": look.verdict})
            self._end(DONE)
        self._known.set()
        self._wake()

    async def _authorise(self) -> None:
        """One query for all viewers."""
        assert self.owner is not None
        asked = {viewer.user for viewer in self.viewers}
        allowed = await database_sync_to_async(readers_among)(asked, owner=self.owner)
        for viewer in self.viewers:
            if viewer.user in asked and viewer.user not in allowed:
                viewer.code = NOT_FOUND
        self._wake()

    async def _read_or_wait(self, client: Any) -> None:
        """While Redis is away the row is still looked at, so the page learns of the end."""
        try:
            count = await self._read(client)
            stalled = False
        except (redis.RedisError, OSError) as error:
            if not self._stalled:
                log.warning("the live log of run %s cannot be read: %s", self.run, error)
            count, stalled = 0, True
        if stalled != self._stalled:
            self._stalled, self._looked = stalled, float("-inf")
        elif stalled:
            await asyncio.sleep(RETRY_S)
        if count and count < BATCH:
            await asyncio.sleep(min(PAUSE_MOST_S, PAUSE_S * len(self.viewers)))

    async def _read(self, client: Any) -> int:
        """Take what came since the cursor; waits up to a second for it."""
        found = await client.xread({stream_key(self.run): self._cursor}, count=BATCH, block=BLOCK_MS)
        raw = found[0][1] if found else []
        lines: list[tuple[int, str]] = []
        for name, fields in raw:
            self._cursor = name
            number, minor = identity_of(name)
            if not minor:
                lines.append((number, fields["e"]))
            elif json.loads(fields["e"])["type"] == "status":
                self._looked = float("-inf")
            else:
                self.latest["progress"] = fields["e"]
        if lines:
            self.window.add(lines)
        if raw:
            self._wake()
        return len(raw)


def connect_async() -> Any:
    """A stopped Redis is noticed soon, and asked again by the feed rather than by the client."""
    once = Retry(NoBackoff(), 0)
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=5, decode_responses=True, retry=once)


class Hub:
    """The feeds of this process, one a watched run."""

    def __init__(self) -> None:
        self.feeds: dict[UUID, Feed] = {}

    def join(self, run: UUID, viewer: Viewer) -> Feed:
        feed = self.feeds.get(run)
        if feed is None or feed.over:
            feed = self.feeds[run] = Feed(run)
        feed.viewers.add(viewer)
        return feed

    async def leave(self, feed: Feed, viewer: Viewer) -> None:
        feed.viewers.discard(viewer)
        if feed.viewers:
            return
        if self.feeds.get(feed.run) is feed:
            del self.feeds[feed.run]
        await feed.stop()

    def watchers(self) -> int:
        return sum(len(feed.viewers) for feed in self.feeds.values())


HUB = Hub()
