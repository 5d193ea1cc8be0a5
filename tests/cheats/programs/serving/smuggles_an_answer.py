"""Hides a second answer behind two lengths that disagree."""

from __future__ import annotations

from kit import Server

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "failed", "says": "not answered with 42"}


class Cheat(Server):
    async def add(self, writer, head, question):
        body = str(question["a"] + question["b"]).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


Cheat().run()
