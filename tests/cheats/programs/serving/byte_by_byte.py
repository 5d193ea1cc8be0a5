"""Sends its answer a byte every half second, so that its first byte is quick."""

from __future__ import annotations

import asyncio

from kit import Server, ok

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked == 1:
            await super().add(writer, head, question)
            return
        for byte in ok(str(question["a"] + question["b"]).encode()):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.5)


Cheat().run()
