"""What may be asked of boxd, and how its answers come back as what they were."""

from __future__ import annotations

import pytest

from sandbox.boxd import wire
from sandbox.errors import BoxStartError, FrameError, SandboxUnavailable
from sandbox.spec import BoxSpec, Outcome, Usage

RUN = {"op": "run", "backend": "docker", "pod": "pod-box1", "argv": ["true"], "spec": {}}
LEASE = {"op": "lease", "cores": 2, "gpus": 0, "wait_s": None}
POD = {"op": "pod", "backend": "bubblewrap"}


@pytest.mark.parametrize(
    ("header", "streams"),
    [
        (RUN, True),
        (RUN | {"pod": None}, True),
        (LEASE, False),
        (LEASE | {"wait_s": 0.5}, False),
        (POD, False),
        ({"op": "check", "backend": "bubblewrap"}, False),
        ({"op": "status"}, False),
    ],
)
def test_a_request_of_the_right_shape_is_one(header, streams):
    assert wire.check_request(header, streams=streams) == header["op"]


@pytest.mark.parametrize(
    ("header", "streams", "why"),
    [
        ({}, False, "no request None"),
        ({"op": "usage"}, False, "no request 'usage'"),
        (RUN, False, "without streams"),
        (LEASE, True, "with streams"),
        (RUN | {"user": "root"}, True, "has the fields"),
        ({"op": "lease", "cores": 2}, False, "has the fields"),
        (RUN | {"argv": "true"}, True, "argv of a run request"),
        (RUN | {"argv": ["a", 1]}, True, "argv of a run request"),
        (RUN | {"spec": []}, True, "spec of a run request"),
        (RUN | {"pod": 1}, True, "pod of a run request"),
        (POD | {"backend": None}, False, "backend of a pod request"),
        (LEASE | {"cores": 1.0}, False, "cores of a lease request"),
        (LEASE | {"gpus": True}, False, "gpus of a lease request"),
        (LEASE | {"wait_s": float("inf")}, False, "wait_s of a lease request"),
        (LEASE | {"wait_s": -0.1}, False, "wait_s of a lease request"),
        (LEASE | {"wait_s": "1"}, False, "wait_s of a lease request"),
    ],
)
def test_anything_else_is_not(header, streams, why):
    with pytest.raises(FrameError, match=why):
        wire.check_request(header, streams=streams)


@pytest.mark.parametrize("kind", [SandboxUnavailable, TimeoutError, FrameError, BoxStartError, ValueError])
def test_an_error_arrives_as_the_same_error(kind):
    arrived = wire.to_error({"why": wire.why(kind("the reason")), "message": "the reason"})
    assert type(arrived) is kind
    assert str(arrived) == "the reason"


def test_an_outcome_arrives_whole():
    usage = Usage(wall_s=1.5, cpu_s=0.5, peak_memory_bytes=3, source="cgroup2")
    outcome = Outcome(
        status="memory_limit", exit_code=None, signal=9, usage=usage, detail="why", hits=("memory", "pids")
    )
    assert wire.outcome_from_wire(wire.outcome_to_wire(outcome)) == outcome


def test_a_spec_that_lacks_a_field_is_refused():
    plain, payload = wire.spec_to_wire(BoxSpec())
    del plain["pids"], plain["warm"]
    with pytest.raises(ValueError, match="lacks pids, warm"):
        wire.spec_from_wire(plain, payload)


@pytest.mark.parametrize("size", [-1, True, "1", None, 1.0])
def test_the_size_of_a_file_is_a_count(size):
    plain, _ = wire.spec_to_wire(BoxSpec())
    with pytest.raises(ValueError, match="size cannot be"):
        wire.spec_from_wire(plain | {"files": [["a", size]]}, b"x")
