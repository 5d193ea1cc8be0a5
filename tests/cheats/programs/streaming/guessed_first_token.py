"""Streams a guess at once as its first token, and corrects itself."""

from __future__ import annotations

import asyncio

from kit import GAP_S, STREAM, Server, chunk, event

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "streams"}


class Cheat(Server):
    async def stream(self, writer, start):
        writer.write(STREAM + chunk(event(0)))
        await writer.drain()
        await asyncio.sleep(5 * GAP_S)
        writer.write(b"".join(chunk(event(start + step)) for step in range(5)) + b"0\r\n\r\n")


Cheat().run()
