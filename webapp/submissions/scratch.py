"""Whether a run has room for its temporary files on this machine."""

from __future__ import annotations

import tempfile

PROBE_BYTES = 256 * 1024


def no_room() -> str:
    """Why nothing can be written there now, for learners and the log; "" when all is well."""
    try:
        with tempfile.TemporaryFile() as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
    except OSError as error:
        return f"No room for temporary files on the worker's machine ({error.strerror}), so nothing runs there now."
    return ""
