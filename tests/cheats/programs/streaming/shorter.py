"""Streams three of the five tokens."""

from __future__ import annotations

import asyncio

from kit import GAP_S, STREAM, Server, chunk, event

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "streams"}


class Cheat(Server):
    async def stream(self, writer, start):
        await asyncio.sleep(GAP_S)
        writer.write(STREAM + b"".join(chunk(event(start + step)) for step in range(3)) + b"0\r\n\r\n")


Cheat().run()
