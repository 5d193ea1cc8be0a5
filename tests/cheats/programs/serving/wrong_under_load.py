"""Answers right when asked singly, and with a guess as soon as requests queue."""

from __future__ import annotations

import time

from kit import Server, ok

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    last = 0.0

    async def add(self, writer, head, question):
        busy, self.last = time.monotonic() - self.last < 0.05, time.monotonic()
        if busy:
            writer.write(ok(b"999"))
        else:
            await super().add(writer, head, question)


Cheat().run()
