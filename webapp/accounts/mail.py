"""Mail of a site without a mail server: printed where the operator looks, and kept in the state folder."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend
from typing_extensions import override


class OperatorsMail(EmailBackend):
    _fname: str | None

    @override  # of a method that its type stubs leave out
    def _get_filename(self) -> str:  # type: ignore[misc]
        """Django's names can meet within a second, and then a file holds mail of two people."""
        if self._fname is None:
            name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex}.log"
            self._fname = str(Path(self.file_path) / name)
        return self._fname

    @override
    def write_message(self, message: EmailMessage) -> Any:
        super().write_message(message)
        text = f"A message to {', '.join(message.to)}, kept in {self._fname}\n{message.subject}\n\n{message.body}\n"
        sys.stderr.write("".join(f"mail: {line}\n" for line in text.splitlines()))
        sys.stderr.flush()


def kept_mail_delete(addresses: set[str]) -> int:
    """Forget the kept messages to any of these addresses (in small letters)."""
    folder = Path(getattr(settings, "EMAIL_FILE_PATH", None) or "/nonexistent")
    found = [path for path in folder.glob("*.log") if recipients(path) & addresses]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def recipients(path: Path) -> set[str]:
    """Of all messages in a file of Django's, which sets each off by a line of dashes."""
    content = b"\n" + path.read_bytes()
    messages = [
        message_from_bytes(part.lstrip(b"\n"), Parsed, policy=policy.default)
        for part in content.split(b"\n" + b"-" * 79)
    ]
    headers = [str(value) for message in messages for value in message.get_all("To", [])]
    return {address.lower() for _, address in getaddresses(headers)}
