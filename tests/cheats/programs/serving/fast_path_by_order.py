"""Answers by the order of the requests, in which only the probe is looked at."""

from __future__ import annotations

from kit import Server, ok

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked < 3:
            await super().add(writer, head, question)
        else:
            writer.write(ok(str(self.asked).encode()))


Cheat().run()
