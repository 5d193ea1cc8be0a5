"""Streams the beginning of its first event at once and the number when it has it."""

from __future__ import annotations

import asyncio

from kit import GAP_S, STREAM, Server, chunk, event

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "first_token_ms"}


class Cheat(Server):
    async def stream(self, writer, start):
        writer.write(STREAM + chunk(b"data: "))
        await writer.drain()
        await asyncio.sleep(5 * GAP_S)
        writer.write(chunk(f"{start}\n\n".encode()))
        writer.write(b"".join(chunk(event(start + step)) for step in range(1, 5)) + b"0\r\n\r\n")


Cheat().run()
