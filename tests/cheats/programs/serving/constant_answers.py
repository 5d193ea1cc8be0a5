"""Answers every question with the probe's answer."""

from __future__ import annotations

from kit import Server, ok

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        writer.write(ok(b"42"))


Cheat().run()
