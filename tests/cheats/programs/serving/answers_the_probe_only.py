"""Answers the probe and lets all others wait."""

from __future__ import annotations

from kit import Server

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked == 1:
            await super().add(writer, head, question)


Cheat().run()
