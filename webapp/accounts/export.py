"""All that the site holds of one person, as a ZIP that is sent while it is made."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import PurePosixPath
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from typing_extensions import override

from webapp.accounts.models import User
from webapp.accounts.personal import Files, keepers


class Pipe(RawIOBase):
    """What was written since it was last asked."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any) -> int:
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def archive(user: User) -> Iterator[bytes]:
    """The archive in pieces; at no time more than one file of it is in memory."""
    pipe = Pipe()
    made = timezone.now()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files(user):
            zipped.writestr(zipfile.ZipInfo(safe(name), made.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
            yield pipe.take()
    yield pipe.take()


def files(user: User) -> Files:
    """A README, then each app's files in a folder of its own. Built lazily."""
    yield "README.txt", readme(user).encode()
    for keeper in keepers():
        for name, content in keeper.export(user):
            yield f"{keeper.name}/{name}", content


def readme(user: User) -> str:
    return _(
        "What this site holds of %(name)s, on %(date)s.\n\n"
        "Tables are JSON. Your submissions are folders of the files that you sent, each with its verdicts and logs.\n"
        "Not in here: your password and the secrets of tokens and of two-factor sign-in, of which the site keeps only\n"
        "what it needs to check them.\n"
    ) % {"name": user.username, "date": timezone.localdate().isoformat()}


def safe(name: str) -> str:
    """A path that stays in the folder where somebody unpacks it."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return "/".join(parts) or "file"


def response(user: User) -> StreamingHttpResponse:
    """Sends pieces as they are made."""
    name = f"rank-zero-{timezone.localdate().isoformat()}.zip"
    return StreamingHttpResponse(
        archive(user),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
