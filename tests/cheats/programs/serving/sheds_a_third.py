"""Sheds what would be slow, and hopes that only the rest is counted."""

from __future__ import annotations

from kit import Server

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked == 1 or self.asked % 3:
            await super().add(writer, head, question)
        else:
            writer.write(b"HTTP/1.1 429 Later\r\ncontent-length: 0\r\n\r\n")


Cheat().run()
