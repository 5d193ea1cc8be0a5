from __future__ import annotations

from kit import Server, ok


class Zero(Server):
    async def add(self, writer, head, question):
        writer.write(ok(b"0"))


Zero().run()
