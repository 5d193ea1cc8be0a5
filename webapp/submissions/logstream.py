"""The Redis stream of one run's log: what its writer and its readers share.

A stream id is `<n>-<k>`: `n` counts lines and outputs from 1, `k` what came after entry n without a number of its own
(progress, a change of status). So "everything after line n" is one read, and no reader can see a line twice.
The field `e` is the entry as JSON, ready to be sent to a browser as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypedDict

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

EXPIRE_S = 24 * 3600
Identity = tuple[int, int]
START: Identity = (0, 0)

# A write happens only while no later claim of the run has written, and only behind the entry that the writer knows to
# be the last: so a worker that lost its lease is refused, a repeated write changes nothing, lost data is noticed.
APPEND = """
local owner = tonumber(redis.call('GET', KEYS[2]) or '0')
local gone = tonumber(ARGV[4])
if owner > tonumber(ARGV[1]) then return 'fenced' end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
local found = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')
local last = found[1] and found[1][1] or '0-0'
if last ~= ARGV[2] then return last end
for i = 5, 4 + gone do redis.call('XDEL', KEYS[1], ARGV[i]) end
for i = 5 + gone, #ARGV, 2 do redis.call('XADD', KEYS[1], ARGV[i], 'e', ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return ''
"""


class Entry(TypedDict, total=False):
    """`type` is line, output, progress or status; `n` is there for lines and outputs."""

    type: str
    n: int
    stream: str
    text: str
    kind: str
    data: Any
    done: float | None


class FencedError(Exception):
    """A later claim of this run has begun to write."""


def stream_key(run: object) -> str:
    return f"rz:log:{run}"


def connect() -> redis.Redis:
    """Fails soon rather than waiting: whoever writes a log tries again later by itself."""
    retry = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, decode_responses=True, retry=retry)


class StreamWriter:
    """The one writer of a run's stream, under the token of its claim. Raises FencedError, RedisError, OSError."""

    def __init__(self, run: object, client: redis.Redis, token: int) -> None:
        self.key, self.client, self.token = stream_key(run), client, token
        self._append = client.register_script(APPEND)

    def take(self) -> Identity:
        """Refuse all earlier claims from now on; returns the id of the last entry."""
        return identity_of(self._call("", (), ()) or "0-0")

    def append(self, after: Identity, gone: Sequence[Identity], new: Sequence[tuple[Identity, str]]) -> bool:
        """Remove `gone` and add `new`, in one step; False, and nothing done, if the last entry is not `after`."""
        return self._call(name_of(after), gone, new) == ""

    def _call(self, after: str, gone: Sequence[Identity], new: Sequence[tuple[Identity, str]]) -> str:
        pairs = [value for identity, text in new for value in (name_of(identity), text)]
        arguments: list[str | int] = [self.token, after, EXPIRE_S, len(gone), *map(name_of, gone), *pairs]
        answer: Any = self._append(keys=[self.key, f"{self.key}:owner"], args=arguments)
        if answer == "fenced":
            raise FencedError
        return str(answer)


def read(client: redis.Redis, key: str) -> list[tuple[Identity, Entry]]:
    raw: Any = client.xrange(key)
    return [(identity_of(name), json.loads(fields["e"])) for name, fields in raw]


def identity_of(name: str) -> Identity:
    number, _, minor = name.partition("-")
    return int(number), int(minor)


def name_of(identity: Identity) -> str:
    return f"{identity[0]}-{identity[1]}"
