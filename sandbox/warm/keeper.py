"""Keeps templates ready: starts one when its stack is first wished for, tries it, replaces it when it is old."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.backend import LimitCheck
from sandbox.errors import BoxStartError, SandboxError
from sandbox.leases import Place, machine_book
from sandbox.monitor import Monitor
from sandbox.spec import MIB, BoxSpec, WarmStack
from sandbox.streams import RunningProcess, Streams
from sandbox.warm.host import Host
from sandbox.warm.program import NotWarmError, Program, TemplateKey, parse_program, template_key
from sandbox.warm.request import make_order, own_mounts
from sandbox.warm.stacks import STACKS
from sandbox.warm.template import Template
from sandbox.warm.trees import Trees

log = logging.getLogger(__name__)

SWITCH = "RANKZERO_WARM"  # "off": every box starts cold
MOST_TEMPLATES = 4
MOST_COPIES = 64
OLDEST_S = 15 * 60.0
IDLE_S = 10 * 60.0
RETRY_S = 10 * 60.0
_LEASE_WAIT_S = 60.0
_LOOK_AGAIN_S = 15.0
_live: weakref.WeakSet[WarmKeeper] = weakref.WeakSet()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no template of that key, and since when."""

    reason: str
    since: float


class WarmKeeper:
    """The templates of one backend. Every method may be called from any thread."""

    def __init__(self, host: Host, stacks: Mapping[WarmStack, Sequence[str]] | None = None) -> None:
        self._host = host
        self._stacks = STACKS if stacks is None else stacks
        self._trees = Trees()
        self._templates: OrderedDict[TemplateKey, Template] = OrderedDict()
        self._refused: dict[TemplateKey, Refusal] = {}
        self._starting: set[TemplateKey] = set()
        self._wishes: queue.SimpleQueue[TemplateKey | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        _live.add(self)

    @property
    def unusable(self) -> str:
        """Why this machine has no warm boxes at all; "" where it can have some."""
        if os.environ.get(SWITCH) == "off":
            return f"{SWITCH}=off"
        if self._host.why_not:
            return self._host.why_not
        if self._host.keeper.source == "proc":
            return "without a cgroup the pages of a copy cannot be told from its template's"
        return "this backend is closed" if self._closed else ""

    def start(self, spec: BoxSpec, argv: Sequence[str], fds: Sequence[int], place: Place) -> Monitor | None:
        """A warm box, or None: this one starts cold. All descriptors stay the caller's."""
        if spec.warm == "none" or self.unusable:
            return None
        try:
            program, key = parse_program(spec, argv), template_key(spec, argv)
        except NotWarmError as reason:
            log.debug("cold: %s", reason)
            return None
        with self._changed:
            template = self._ready(key)
            if template is None:
                return None
            template.hold()  # a replacement may come at any moment, and must not end this one under our hands
        try:
            return self._copy(template, spec, argv, program, fds, place)
        except NotWarmError as reason:
            log.debug("cold: %s", reason)
        except SandboxError as error:
            log.warning("warm: %s; this box starts cold", error)
            self._drop(template)
        finally:
            template.release()
        return None

    def hopeless(self, spec: BoxSpec, argv: Sequence[str]) -> bool:
        """Whether this box's template was tried and refused, or this machine has none: not one that is being made."""
        if self.unusable:
            return True
        try:
            parse_program(spec, argv)
            key = template_key(spec, argv)
        except NotWarmError:
            return True
        with self._changed:
            return key in self._refused

    def wait_ready(self, spec: BoxSpec, argv: Sequence[str], timeout_s: float) -> bool:
        """Wish for this box's template and wait for it; False if it cannot be had, or not in time."""
        if self.unusable:
            return False
        try:
            parse_program(spec, argv)
            key = template_key(spec, argv)
        except NotWarmError:
            return False
        self._ready(key)
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._changed.wait_for(lambda: key not in self._starting, timeout_s)
            template = self._templates.get(key)
        return template is not None and template.wait_full(max(0.0, deadline - time.monotonic()))

    def keep_only(self, spec: BoxSpec, argv: Sequence[str]) -> bool:
        """Let everything go but this box's template, and wait until that one has its copies ahead."""
        key = template_key(spec, argv)
        with self._changed:
            self._changed.wait_for(lambda: not self._starting, _LEASE_WAIT_S)
            others = [template for other, template in self._templates.items() if other != key]
        for template in others:
            self._drop(template)
        self._trees.close()
        return self.wait_ready(spec, argv, _LEASE_WAIT_S)

    def status(self) -> dict[str, Any]:
        """What is kept, as JSON values."""
        now = time.monotonic()
        with self._changed:
            kept = [
                {"stack": key.stack, "boxes": template.used, "age_s": round(now - template.born, 1)}
                for key, template in self._templates.items()
            ]
            refused = [{"stack": key.stack, "reason": refusal.reason} for key, refusal in self._refused.items()]
            return {"templates": kept, "starting": len(self._starting), "refused": refused, "unusable": self.unusable}

    def check(self) -> LimitCheck:
        """For `doctor`: a machine without warm boxes is slower, not less safe."""
        state = self.status()
        reasons = [f"{refused['stack']}: {refused['reason']}" for refused in state["refused"]]
        if state["unusable"] or reasons:
            return LimitCheck(
                name="warm_boxes", how=f"cold starts ({state['unusable'] or '; '.join(reasons)})", ok=True
            )
        names = ", ".join(sorted({str(kept["stack"]) for kept in state["templates"]})) or "none asked for yet"
        return LimitCheck(name="warm_boxes", how=f"copies of templates (ready: {names})", ok=True)

    def close(self) -> None:
        """End every template, and the boxes that came from them. Safe to call twice."""
        with self._changed:
            self._closed = True
            templates = list(self._templates.values())
            self._templates.clear()
            thread = self._thread
        self._wishes.put(None)
        for template in templates:
            template.close()
        if thread is not None:
            thread.join(_LOOK_AGAIN_S)
        self._trees.close()

    def _ready(self, key: TemplateKey) -> Template | None:
        """The template, if it is there; a replacement is begun where it is old or missing."""
        with self._changed:
            template = self._templates.get(key)
            if template is not None and not template.alive():
                del self._templates[key]
                threading.Thread(target=template.close, name="warm-bury", daemon=True).start()
                template = None
            if template is None or _is_old(template):
                self._wish(key)
            if template is None or template.used >= 2 * MOST_COPIES:  # the replacement was put off for too long
                return None
            self._templates.move_to_end(key)
            return template

    def _wish(self, key: TemplateKey) -> None:
        refusal = self._refused.get(key)
        if self._closed or key in self._starting or (refusal and time.monotonic() - refusal.since < RETRY_S):
            return
        self._starting.add(key)
        self._wishes.put(key)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="warm-keeper", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while not self._closed:
            with contextlib.suppress(queue.Empty):
                key = self._wishes.get(timeout=_LOOK_AGAIN_S)
                if key is not None:
                    self._make(key)
            self._drop_idle()

    def _make(self, key: TemplateKey) -> None:
        template: Template | None = None
        try:
            # Importing takes a core for seconds: not while somebody measures.
            machine_book().wait_unleased(_LEASE_WAIT_S)
            template = Template.start(key, self._stacks.get(key.stack, ()), self._host)
            self._probe(template)
        except Exception as error:  # whatever it was, this key starts cold, and doctor says why
            log.warning("warm: no template of %s: %s", key.stack, error)
            if template is not None:
                template.close()
            self._publish(key, None, str(error))
        else:
            self._publish(key, template, "")

    def _publish(self, key: TemplateKey, template: Template | None, reason: str) -> None:
        old: list[Template] = []
        with self._changed:
            self._starting.discard(key)
            if template is None:
                self._refused[key] = Refusal(reason=reason, since=time.monotonic())
            elif self._closed:
                old.append(template)
            else:
                self._refused.pop(key, None)
                old += [self._templates.pop(key)] if key in self._templates else []
                self._templates[key] = template
                while len(self._templates) > MOST_TEMPLATES:
                    old.append(self._templates.popitem(last=False)[1])
            self._changed.notify_all()
        for each in old:
            each.retire()

    def _probe(self, template: Template) -> None:
        """Run one box that does nothing. Raises SandboxError if that fails."""
        spec = BoxSpec(
            mounts=template.key.mounts, memory_bytes=256 * MIB, wall_s=30.0, warm=template.key.stack,
            env=dict(template.key.environment),
        )  # fmt: skip
        argv = [template.key.python, *(["-P"] if template.key.safe_path else []), "-c", "pass"]
        streams = Streams()
        try:
            place = Place(None, os.sched_getaffinity(0))
            monitor = self._copy(template, spec, argv, parse_program(spec, argv), streams.theirs, place)
        except BaseException:
            streams.close_ours()
            raise
        finally:
            streams.close_theirs()
        process = RunningProcess(streams, monitor)
        said = streams.stderr.read(4096).decode(errors="replace").strip()
        outcome = process.wait()
        process.close()
        if outcome.exit_code != 0:
            raise SandboxError(f"a first copy ended badly ({outcome.detail}): {said}")

    def _copy(
        self,
        template: Template,
        spec: BoxSpec,
        argv: Sequence[str],
        program: Program,
        fds: Sequence[int],
        place: Place,
    ) -> Monitor:
        """Raises NotWarmError where it is the box that does not fit, BoxStartError where it is the template."""
        try:
            trees = self._trees.take([mount.source for mount in own_mounts(spec, template.key)])
        except BoxStartError as error:
            raise NotWarmError(str(error)) from error
        order = -1
        try:
            order = make_order(spec, argv, program, template.key, cpus=place.cpus)
            copy = template.take()
            try:
                # One less than a cold box: bubblewrap's process outside is not there.
                copy.account.bound(memory_bytes=spec.memory_bytes, pids=spec.pids - 1)
                self._own(fds)
                vessel = template.begin(copy, [order, *fds, *trees])
            except BaseException:
                copy.discard()
                raise
        except OSError as error:
            raise BoxStartError(f"the copy did not take its order: {error}") from error
        finally:
            for fd in (order, *trees):
                if fd >= 0:
                    os.close(fd)
        return Monitor(spec, vessel, copy.account, place)

    def _own(self, fds: Sequence[int]) -> None:
        """Give the pipes to the box's user, so that the program can open /dev/stdout."""
        if self._host.drop_to is not None:
            for fd in fds[:3]:
                os.fchown(fd, *self._host.drop_to)

    def _drop(self, template: Template) -> None:
        with self._changed:
            if self._templates.get(template.key) is template:
                del self._templates[template.key]
        template.retire()

    def _drop_idle(self) -> None:
        with self._changed:
            idle = [each for each in self._templates.values() if time.monotonic() - each.last_used > IDLE_S]
        for template in idle:
            self._drop(template)


def _is_old(template: Template) -> bool:
    return template.used >= MOST_COPIES or time.monotonic() - template.born > OLDEST_S


@atexit.register
def _close_all() -> None:
    """The kernel ends templates with us; this also gives back their cgroups."""
    for keeper in list(_live):
        keeper.close()
