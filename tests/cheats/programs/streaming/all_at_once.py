"""Computes all tokens before it streams the first."""

from __future__ import annotations

import asyncio

from kit import GAP_S, STREAM, Server, chunk, event

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "first_token_ms"}


class Cheat(Server):
    async def stream(self, writer, start):
        await asyncio.sleep(5 * GAP_S)
        writer.write(STREAM + b"".join(chunk(event(start + step)) for step in range(5)) + b"0\r\n\r\n")


Cheat().run()
