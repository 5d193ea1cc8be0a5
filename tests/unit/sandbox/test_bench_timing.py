"""What `bench box` times, on plain processes; boxes come with the attack suite and the command itself."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from sandbox.bench import contenders
from sandbox.bench.contenders import Contender, Missing
from sandbox.bench.memory import box_of, weight, weight_of
from sandbox.bench.suite import Effort
from sandbox.bench.timing import BenchError, Case, interleave, process_to_exit, process_to_line
from sandbox.bench.warmth import TORCH, Stack
from sandbox.proctree import descendants
from sandbox.spec import MIB, Mount


def test_cases_take_turns_in_an_order_of_each_round_and_begin_with_an_untimed_call():
    calls: list[str] = []

    def case(name: str) -> Case:
        def sample() -> float:
            calls.append(name)
            return float(len(calls))

        return Case(name=name, sample=sample)

    samples = interleave([case("a"), case("b"), case("c")], 12, random.Random(7), lambda _: None)
    assert calls[:3] == ["a", "b", "c"]
    rounds = [calls[start : start + 3] for start in range(3, len(calls), 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1
    assert {name: len(found) for name, found in samples.items()} == {"a": 12, "b": 12, "c": 12}
    assert min(samples["a"]) > 3  # none of the untimed calls


def test_a_process_is_timed_to_its_end():
    assert process_to_exit([sys.executable, "-c", "import time; time.sleep(0.3)"]) >= 0.3


def test_a_program_that_fails_is_no_measurement():
    with pytest.raises(BenchError, match=r"exited with code 3\. out of luck"):
        process_to_exit([sys.executable, "-c", "import sys; print('out of luck', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(BenchError, match="cannot start /nowhere"):
        process_to_exit(["/nowhere"])


def test_the_first_line_is_timed_and_the_rest_not_awaited():
    took, line = process_to_line([sys.executable, "-c", "print('first', flush=True); import time; time.sleep(60)"])
    assert line == "first"
    assert took < 30


def test_half_a_line_is_none():
    with pytest.raises(BenchError, match="printed no line"):
        process_to_line([sys.executable, "-c", "print('first', end='')"])


def test_a_stacks_program_tells_a_cold_start_from_a_warm_one():
    stack = Stack(warm="science", probe="json", imports="import json")
    cold, warm = stack.code, f"import json; {stack.code}"
    assert process_to_line([sys.executable, "-I", "-S", "-c", cold])[1] == "cold"
    assert process_to_line([sys.executable, "-I", "-S", "-c", warm])[1] == "warm"
    assert "'torch' in sys.modules" in TORCH.code


def test_memory_is_summed_over_processes_and_kinds():
    one = "Rss: 900 kB\nPss: 500 kB\nPss_Anon: 7 kB\nShared_Clean: 300 kB\nPrivate_Clean: 10 kB\nPrivate_Dirty: 30 kB\n"
    other = "Pss_Shmem: 2 kB\nPrivate_Dirty: 1 kB\n"
    found = weight([one, other])
    assert (found.private_bytes, found.anonymous_bytes) == (41 * 1024, 9 * 1024)


_FILL = "import os; block = bytearray(b'x') * (64 << 20); copy = {} and os.fork(); print(flush=True); os.read(0, 1)"


def test_private_memory_of_a_process_is_what_it_filled():
    with subprocess.Popen(
        [sys.executable, "-c", _FILL.format(False)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        found = weight_of([process.pid, 2**22 + 1])  # the second: no such process
        process.kill()
    assert 64 * MIB <= found.private_bytes < 128 * MIB
    assert 64 * MIB <= found.anonymous_bytes < 128 * MIB


def test_what_a_process_shares_with_its_copy_is_private_to_neither_and_counted_once():
    with subprocess.Popen(
        [sys.executable, "-c", _FILL.format(True)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.readline()
        found = weight_of(descendants(process.pid))
        process.communicate(b"\n\n")
    assert found.private_bytes < 64 * MIB
    assert 64 * MIB <= found.anonymous_bytes < 128 * MIB


def test_the_processes_of_a_box_are_found_by_what_its_program_is_called():
    argv = [sys.executable, "-c", "print(flush=True); input()  # marker-one"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as named:
        named.stdout.readline()
        found = box_of("marker-one")
        named.kill()
    assert found == {named.pid}  # in our own pid namespace: nothing else belongs to it


def test_nsjail_keeps_its_namespaces_and_gets_nothing_writable_of_the_host(tmp_path):
    mount = Mount(source=tmp_path, target="/data")
    flags = contenders.nsjail_flags((mount,))
    assert not [flag for flag in flags if flag.startswith("--disable") or flag in {"-B", "--bindmount", "--keep_caps"}]
    assert f"{tmp_path.resolve()}:/data" in flags
    assert flags[flags.index("--nice_level") + 1] == "0"


@pytest.mark.box
def test_nsjail_runs_here_beside_the_bare_program():
    peer = contenders.nsjail(())
    assert isinstance(peer, Contender), f"{peer}: it is in requirements/dev.txt"
    assert 0 < peer.to_exit(["/usr/bin/true"]) < 60
    with pytest.raises(BenchError, match="exited with code 1"):
        peer.to_exit(["/usr/bin/false"])


def test_docker_run_without_a_client_is_named_as_missing(monkeypatch):
    monkeypatch.setattr(contenders.shutil, "which", lambda _: None)
    found = contenders.docker_run("image", (), {})
    assert isinstance(found, Missing)
    assert "`docker` is not installed" in found.why


def test_docker_run_binds_read_only_and_has_no_network(monkeypatch, tmp_path):
    monkeypatch.setattr(contenders.shutil, "which", lambda _: "/usr/bin/docker")
    found = contenders.docker_run("image:tag", (Mount(source=tmp_path, target="/data"),), {})
    assert isinstance(found, Contender)
    assert found.how == (f"docker run --rm --network none -v /usr:/usr:ro -v {tmp_path.resolve()}:/data:ro image:tag")


def test_rounds_given_hold_for_every_group():
    quick, full = Effort.chosen(quick=True, rounds=None), Effort.chosen(quick=False, rounds=None)
    assert quick.exit_rounds < full.exit_rounds
    given = Effort.chosen(quick=True, rounds=5)
    assert (given.exit_rounds, given.torch_rounds, given.transformers_rounds) == (5, 5, 5)
    assert given.rate_s == quick.rate_s
