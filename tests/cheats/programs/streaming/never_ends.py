"""Streams the tokens and never says that they are all."""

from __future__ import annotations

import asyncio

from kit import GAP_S, STREAM, Server, chunk, event

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "streams"}


class Cheat(Server):
    async def stream(self, writer, start):
        writer.write(STREAM + b"".join(chunk(event(start + step)) for step in range(5)))
        await writer.drain()
        await asyncio.sleep(10 * GAP_S)
        writer.transport.abort()


Cheat().run()
