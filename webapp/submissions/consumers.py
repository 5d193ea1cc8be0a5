"""The live log by WebSocket: /ws/runs/<uuid>/?after=<number of the last line seen>.

Sends {"type": "status", "status", "position", "message"}, {"type": "line", "n", "stream", "text"},
{"type": "output", "n", "kind", "data"}, {"type": "progress", "text", "done"}, and last {"type": "done", "verdict"}.
Numbered messages come once each, in order, over any number of reconnects. A finished run is replayed from the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any
from urllib.parse import parse_qs

import redis.asyncio
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from typing_extensions import override

from webapp.submissions.livelog import parse, stream_key
from webapp.submissions.watching import Look, look_at_run

log = logging.getLogger(__name__)
NOT_FOUND, SIGNED_OUT = 4404, 4401
BATCH = 500
BLOCK_MS = 1_000
LOOK_EVERY_S = 3.0  # at the row, for the queue position; a change of status in the stream is seen at once
AUTHORISE_EVERY_S = 30.0


class RunConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    task: asyncio.Task[None] | None = None

    @override
    async def connect(self) -> None:
        """Accept first: a browser cannot read the reason of a handshake that was refused."""
        await self.accept()
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close(code=SIGNED_OUT)
            return
        self.user_id, self.run_id = user.pk, self.scope["url_route"]["kwargs"]["run"]
        self.last, self.cursor = after_of(self.scope["query_string"]), ""
        self.cursor = f"{self.last}-0"
        self.task = asyncio.create_task(self.follow())

    @override
    async def disconnect(self, code: int) -> None:
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task

    async def follow(self) -> None:
        """Until the run is over or the reader goes. An error closes the socket, and the page connects again."""
        try:
            async with redis.asyncio.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
                await self.follow_stream(client)
        except (redis.RedisError, OSError):
            log.warning("the live log cannot be read", exc_info=True)
            await self.close(code=1011)

    async def follow_stream(self, client: Any) -> None:
        shown: dict[str, Any] = {}
        looked = authorised = float("-inf")
        while True:
            now = time.monotonic()
            if now - looked >= LOOK_EVERY_S or now - authorised >= AUTHORISE_EVERY_S:
                look = await self.look()
                if look is None:
                    return
                looked = authorised = now
                shown = await self.show_status(look, shown)
                if look.verdict:
                    await self.finish(look)
                    return
            if await self.send_batch(client):
                looked = float("-inf")

    async def look(self) -> Look | None:
        """The row as this person may see it now; closes the socket when it is not theirs to see."""
        found: Look | None = await database_sync_to_async(look_at_run)(run=self.run_id, user=self.user_id)
        if found is None:
            await self.close(code=NOT_FOUND)
        return found

    async def show_status(self, look: Look, shown: dict[str, Any]) -> dict[str, Any]:
        status = {"type": "status", "status": look.status, "position": look.position, "message": look.message}
        if status != shown:
            await self.send_json(status)
        return status

    async def send_batch(self, client: Any) -> bool:
        """Send what came since the cursor; waits up to a second for it. True when the row must be looked at."""
        found = await client.xread({stream_key(self.run_id): self.cursor}, count=BATCH, block=BLOCK_MS)
        changed = False
        for identity, fields in found[0][1] if found else []:
            self.cursor = identity
            (number, _), entry = parse(identity, fields)
            changed |= entry["type"] == "status"
            if entry["type"] != "status" and (number > self.last or "n" not in entry):
                self.last = max(self.last, number)
                await self.send_json(entry)
        return changed

    async def finish(self, look: Look) -> None:
        """What the stream did not show yet comes from the database, which has the whole kept log by now."""
        for entry in look.entries:
            if entry["n"] > self.last:
                self.last = entry["n"]
                await self.send_json(entry)
        await self.send_json({"type": "done", "verdict": look.verdict})
        await self.close(code=1000)


def after_of(query: bytes) -> int:
    """`after` of the address; anything that is no small whole number means from the beginning."""
    value = parse_qs(query.decode("latin-1")).get("after", ["0"])[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
