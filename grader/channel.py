"""One strict request and answer over a box's channel. The guest's process may be the learner's: nothing is believed."""

from __future__ import annotations

import secrets
import select
from collections.abc import Mapping
from typing import Any

from grader.boxes import GuestBox
from grader.errors import CandidateError, Crashed, Rejected, TimedOut
from grader.outcomes import error_of
from lessons.schema import Limits
from sandbox import FrameError
from sandbox.frames import Frame, recv_frame, send_frame

_GRACE_S = 10.0  # past the box's own wall limit, which ends it first
_END_S = 3.0


class Channel:
    """Sends frames with a fresh nonce each and takes only what was asked for, with exactly the fields expected."""

    def __init__(self, guest: GuestBox, limits: Limits) -> None:
        self._guest = guest
        self._limits = limits

    def send(self, header: Mapping[str, Any], payload: bytes, doing: str) -> str:
        """Send a request; returns its nonce. Raises a CandidateError."""
        self.refuse_unsolicited()
        nonce = secrets.token_hex(16)
        try:
            send_frame(self._guest.channel, {**header, "nonce": nonce}, payload, timeout_s=self._backstop())
        except OSError:
            raise self.ended(doing) from None
        return nonce

    def receive(self, nonce: str, fields: set[str], max_payload: int, doing: str, timeout_s: float | None) -> Frame:
        """The one answer to that nonce, within `timeout_s` or the box's own limit. Raises a CandidateError."""
        frame = self._receive(max_payload, doing, timeout_s)
        if set(frame.header) != fields | {"nonce"}:
            raise Rejected(f"The program sent a frame with other fields than the protocol has, while {doing}.")
        if frame.header["nonce"] != nonce:
            raise Rejected(f"The program sent a frame that answers no question, while {doing}.")
        return frame

    def refuse_unsolicited(self) -> None:
        """Raise Rejected when bytes lie waiting that nobody asked for."""
        try:
            readable, _, _ = select.select([self._guest.channel], [], [], 0)
            waiting = bool(readable) and bool(self._guest.channel.recv(1))
        except OSError:
            return  # gone: the next exchange says how it ended
        if waiting:
            raise Rejected("The program sent a frame that nobody asked for.")

    def ended(self, doing: str) -> CandidateError:
        """Why the channel closed."""
        outcome = self._guest.ended(_END_S)
        if outcome is None:
            return Rejected(f"The program closed its channel to the grader while {doing}.")
        if outcome.status == "exited" and outcome.exit_code == 0:
            return Crashed(f"The program exited early (exit code 0) while {doing}.")
        return error_of(outcome, self._limits, doing)

    def _receive(self, max_payload: int, doing: str, timeout_s: float | None) -> Frame:
        patience = self._backstop() if timeout_s is None else timeout_s
        try:
            frame = recv_frame(self._guest.channel, max_header=4096, max_payload=max_payload, timeout_s=patience)
        except TimeoutError:
            raise TimedOut(f"The program took longer than {patience:g} seconds while {doing}.") from None
        except FrameError as error:
            raise self._malformed(error, doing) from None
        except OSError:
            raise self.ended(doing) from None
        if frame is None:
            raise self.ended(doing)
        return frame

    def _malformed(self, error: FrameError, doing: str) -> CandidateError:
        """A frame cut off by the program's end is that end; anything else is a forgery."""
        if "channel closed" in str(error) and (outcome := self._guest.ended(_END_S)) is not None:
            return error_of(outcome, self._limits, doing)
        return Rejected(f"The program sent a malformed frame while {doing}: {error}.")

    def _backstop(self) -> float:
        return self._limits.wall_s + _GRACE_S
