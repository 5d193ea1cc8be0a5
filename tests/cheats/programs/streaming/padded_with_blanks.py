"""Streams an event of nothing at once, as its first token, and computes meanwhile."""

from __future__ import annotations

import asyncio

from kit import GAP_S, STREAM, Server, chunk, event

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "first_token_ms"}


class Cheat(Server):
    async def stream(self, writer, start):
        writer.write(STREAM + chunk(b"\n\n"))
        await writer.drain()
        await asyncio.sleep(5 * GAP_S)
        writer.write(b"".join(chunk(event(start + step)) for step in range(5)) + b"0\r\n\r\n")


Cheat().run()
