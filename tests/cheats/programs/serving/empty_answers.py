"""Answers 200 with an empty body once the probe is over."""

from __future__ import annotations

from kit import Server, ok

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if self.asked == 1:
            await super().add(writer, head, question)
        else:
            writer.write(ok(b""))


Cheat().run()
