"""The live log by WebSocket: /ws/runs/<uuid>/?after=<number of the last line seen>[&batch=1].

Sends {"type": "status", "status", "position", "message"}, {"type": "line", "n", "stream", "text"},
{"type": "output", "n", "kind", "data"}, {"type": "progress", "text", "done"}, and last {"type": "done", "verdict"}.
Numbered messages come once each, in order, over any number of reconnects. A finished run is replayed from the database.
One message a frame; with batch=1 a frame is a JSON array of messages, which is what pages ask for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from typing_extensions import override

from webapp.submissions.hub import HUB, NOT_FOUND, TRY_AGAIN, Viewer

log = logging.getLogger(__name__)
SIGNED_OUT = 4401


class RunConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    task: asyncio.Task[None] | None = None

    @override
    async def connect(self) -> None:
        """Accept first: a browser cannot read the reason of a handshake that was refused."""
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(code=SIGNED_OUT)
            return
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.batch = query.get("batch") == ["1"]
        self.viewer = Viewer(user=self.scope["user"].pk, last=after_of(query))
        self.feed = HUB.join(self.scope["url_route"]["kwargs"]["run"], self.viewer)
        self.task = asyncio.create_task(self.watch())

    @override
    async def disconnect(self, code: int) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            await HUB.leave(self.feed, self.viewer)

    async def watch(self) -> None:
        with contextlib.suppress(OSError):  # the reader went while something was sent
            try:
                allowed = await self.feed.admits(self.viewer.user)
                code = await self.show() if allowed else NOT_FOUND
            except DatabaseError:
                log.exception("run %s cannot be watched", self.feed.run)
                code = TRY_AGAIN
            await self.close(code=code)

    async def show(self) -> int:
        """Send until there is nothing more for this viewer; returns the closing code."""
        while True:
            news = self.feed.news()
            for frame in self.feed.frames(self.viewer):
                for text in [frame] if self.batch else map(json.dumps, json.loads(frame)):
                    await self.send(text_data=text)
                if self.viewer.code:
                    break
            if self.viewer.code or self.feed.over:
                return self.viewer.code or self.feed.over
            await news.wait()


def after_of(query: dict[str, list[str]]) -> int:
    """`after` of the address; anything that is no small whole number means from the beginning."""
    value = query.get("after", ["0"])[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
