"""Announces fewer bytes than it sends: the first digits are often right."""

from __future__ import annotations

from kit import Server

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "failed", "says": "not answered with 42"}


class Cheat(Server):
    async def add(self, writer, head, question):
        body = str(question["a"] + question["b"]).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" + body)


Cheat().run()
