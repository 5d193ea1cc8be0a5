"""Sheds everything but the probe, for a splendid latency of the rest."""

from __future__ import annotations

from kit import Server

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked == 1:
            await super().add(writer, head, question)
        else:
            writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")


Cheat().run()
