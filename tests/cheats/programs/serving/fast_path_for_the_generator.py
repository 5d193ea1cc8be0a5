"""Recognises the load generator, which sends no user agent, and answers it fast."""

from __future__ import annotations

from kit import Server, ok

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def add(self, writer, head, question):
        if "user-agent" in head or self.asked == 1:
            await super().add(writer, head, question)
        else:
            writer.write(ok(b"42"))


Cheat().run()
