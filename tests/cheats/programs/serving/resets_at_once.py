"""Resets every connection as soon as it is made, once the probe is over."""

from __future__ import annotations

import socket
import struct

from kit import Server

CHEAT = {"exercise": "tokens", "verdict": "failed", "caught_by": "good_share"}


class Cheat(Server):
    async def serve(self, reader, writer):
        if self.asked == 0:
            await super().serve(reader, writer)
            return
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async def add(self, writer, head, question):
        await super().add(writer, head, question)
        await writer.drain()
        writer.close()


Cheat().run()
