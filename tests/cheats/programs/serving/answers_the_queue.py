"""Sends a whole queue of answers at once, for requests that have not been sent yet."""

from __future__ import annotations

from kit import Server, ok

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        await super().add(writer, head, question)
        writer.write(ok(b"7") * 100)


Cheat().run()
