"""Sends a body that never ends, so that the generator's memory does."""

from __future__ import annotations

from kit import STREAM, Server, chunk

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked == 1:
            await super().add(writer, head, question)
            return
        writer.write(STREAM)
        while True:
            writer.write(chunk(b"x" * 65_536))
            await writer.drain()


Cheat().run()
