"""An honest server whose parts a program may replace."""

from __future__ import annotations

import asyncio
import json
import os

GAP_S = 0.03


def ok(body):
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def chunk(data):
    return b"%x\r\n" % len(data) + data + b"\r\n"


def event(token):
    return f"data: {token}\n\n".encode()


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Server:
    """`asked`: how many sums were asked for up to now."""

    def __init__(self):
        self.asked = 0

    async def add(self, writer, head, question):
        writer.write(ok(str(question["a"] + question["b"]).encode()))

    async def stream(self, writer, start):
        writer.write(STREAM)
        for step in range(5):
            if step:
                await asyncio.sleep(GAP_S)
            writer.write(chunk(event(start + step)))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:] if line)
                question = json.loads(await reader.readexactly(int(fields.get("content-length", 0))))
                if " /next " in head:
                    self.asked += 1
                    await self.add(writer, fields, question)
                else:
                    await self.stream(writer, question["start"])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def forever(self):
        server = await asyncio.start_server(self.serve, os.environ["HOST"], int(os.environ["PORT"]))
        await server.serve_forever()

    def run(self):
        asyncio.run(self.forever())
