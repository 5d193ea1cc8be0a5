"""Django's handler of HTTP under ASGI, with the pages in a few threads that stay.

Django's own gives every request a thread, and with it a database connection, of its own: 2 ms of CPU for each
(docs/measurements.md). Here each thread keeps its connection. Bodies are read, and answers are sent, by the event loop:
a slow client holds no thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import FileResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix
from typing_extensions import override

T = TypeVar("T")
Scope = MutableMapping[str, Any]


class PageHandler(ASGIHandler):
    """`threads`: how many requests are worked at together; more than a few only wait for each other."""

    def __init__(self, threads: int) -> None:
        BaseHandler.__init__(self)  # ASGIHandler's own would load the middleware as coroutines
        self.load_middleware(is_async=False)
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")

    def close(self) -> None:
        """End the threads, and their connections."""
        together = threading.Barrier(self._count)  # so that each of them does it
        for ended in [self._threads.submit(close_connections, together) for _ in range(self._count)]:
            ended.result()
        self._threads.shutdown()

    @override
    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            request, response = self.create_request(scope, body)
            if request is not None:
                response = await self._in_thread(self._answer, scope, request)
            assert response is not None, "without a request there is an error to send"
            try:
                await self.send_response(response, send)
            finally:
                await self._in_thread(response.close)

    def _answer(self, scope: Scope, request: ASGIRequest) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        response = self.get_response(request)
        response._handler_class = type(self)  # type: ignore[attr-defined]  # closing it tells who ended the request
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        return response

    @override
    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            content = cast("Iterator[bytes]", response.streaming_content)
            is_file = isinstance(response, FileResponse)
            response.streaming_content = pieces(content, self._threads) if is_file else alone(content)
        await super().send_response(response, send)

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def close_connections(together: threading.Barrier) -> None:
    connections.close_all()
    together.wait()


async def pieces(content: Iterator[bytes], threads: Executor) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while (piece := await loop.run_in_executor(threads, next, content, None)) is not None:
        yield piece


async def alone(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    """What is made while it is sent reads from the database, whose cursors do not go from thread to thread."""
    with ThreadPoolExecutor(1) as thread:
        try:
            async for piece in pieces(content, thread):
                yield piece
        finally:
            await asyncio.get_running_loop().run_in_executor(thread, connections.close_all)
