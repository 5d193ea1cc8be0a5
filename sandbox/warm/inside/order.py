"""What a copy is told: one memory file a box, which comes straight from the host and never through the template."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

LENGTH_BYTES = 8
_CHUNK = 64 * 1024 * 1024


@dataclass(slots=True)
class Order:
    """One box. `plain` is the host's JSON; behind it lie the files, in order, of the sizes that it names."""

    plain: dict[str, Any]
    fd: int
    files_at: int

    @classmethod
    def read(cls, fd: int) -> Order:
        length = int.from_bytes(os.pread(fd, LENGTH_BYTES, 0), "big")
        return cls(json.loads(os.pread(fd, length, LENGTH_BYTES)), fd, LENGTH_BYTES + length)

    def write_files(self) -> None:
        """Copied by the kernel."""
        offset = self.files_at
        for path, size in self.plain["files"]:
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            end = offset + size
            while offset < end:
                sent = os.sendfile(out, self.fd, offset, min(end - offset, _CHUNK))
                if not sent:
                    raise OSError(f"the files of the box are cut off at {path}")
                offset += sent
            os.close(out)
