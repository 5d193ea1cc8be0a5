"""Sends one header that never ends, which no limit of a body holds."""

from __future__ import annotations

from kit import Server

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked == 1:
            await super().add(writer, head, question)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()


Cheat().run()
