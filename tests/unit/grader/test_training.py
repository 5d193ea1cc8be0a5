"""The `train` protocol: arguments, artefacts, several ranks. Cheats are in tests/cheats."""

from __future__ import annotations

import dataclasses
import os

import pytest

from grader import grade
from sandbox.guest.ranks import rank_environment
from sandbox.guest.train import RefusedError, read_output
from tests.fixtures.exercises import fixture_exercise

JUDGE = """
def judge(bench):
    result = bench.candidate().train(outputs={{"sum.txt": 100, "extra.txt": 100}}, optional=["extra.txt"], {options})
    bench.log(f"artefacts {{sorted(result.artefacts)}}")
    bench.metric("wrong_numbers", float(result.artefacts["sum.txt"]))
"""
GLOO = """
import os
import torch
import torch.distributed as dist

dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
if dist.get_rank() == 0:
    assert (dist.get_world_size(), torch.get_num_threads()) == (2, 1)
    open("/work/out/sum.txt", "w").write(str(total.item() - 3))
dist.destroy_process_group()
"""


def run(source, folder, options="ranks=1", **limits):
    exercise = fixture_exercise("writer")
    (folder / "judge.py").write_text(JUDGE.format(options=options))
    changed = exercise.manifest.limits.model_copy(update=limits)
    manifest = exercise.manifest.model_copy(update={"limits": changed})
    exercise = dataclasses.replace(exercise, folder=folder, manifest=manifest)
    return grade(exercise, {"main.py": source.encode()}, tier="smoke")


@pytest.mark.box
@pytest.mark.lab
def test_it_runs_two_ranks_that_talk_over_gloo(tmp_path):
    limits = {"memory_mb": 2048, "cpu_s": 60.0, "wall_s": 120.0, "judge_wall_s": 150.0}
    report = run(GLOO, tmp_path, "ranks=2", **limits)
    assert report.verdict == "passed", report.message
    assert report.log_tail[-1] == "[judge] artefacts ['sum.txt']"


@pytest.mark.box
@pytest.mark.lab
def test_it_ends_the_other_ranks_when_one_fails(tmp_path):
    source = "import os, time\nif os.environ['RANK'] == '1':\n    raise ValueError('rank one')\ntime.sleep(60)\n"
    report = run(source, tmp_path, "ranks=2")
    assert report.verdict == "crashed"
    assert "ValueError: rank one" in report.message
    assert report.usage.wall_s < 20


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize("options", ["ranks=0", "ranks=65", "files={'main.py': b''}"])
def test_it_blames_the_judge_for_bad_arguments(options, tmp_path, caplog):
    report = run("", tmp_path, options)
    assert report.verdict == "infra_error"
    assert "ranks 1 to 64, and files new ones" in caplog.text


def test_it_sets_the_ranks_environment_only_for_several(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/opt/rankzero")
    assert "PYTHONPATH" not in rank_environment(0, 1, 4242)
    assert "RANK" not in rank_environment(0, 1, 4242)
    second = rank_environment(1, 2, 4242)
    assert (second["RANK"], second["WORLD_SIZE"], second["MASTER_ADDR"]) == ("1", "2", "127.0.0.1")
    assert second["MASTER_PORT"] == "4242"
    assert second["GLOO_SOCKET_IFNAME"] == "lo"


def test_it_reads_a_plain_file_in_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_bytes(b"12345")
    assert read_output(tmp_path, "a/b.txt", 5) == b"12345"


@pytest.mark.parametrize(
    ("name", "code"),
    [("nosuch", "missing"), ("a/nosuch", "missing"), ("a", "kind"), ("a/b.txt/c", "kind"), ("a/b.txt", "size"),
     ("link", "link"), ("linked/b.txt", "link"), ("hard", "link"), ("hole", "sparse"), ("pipe", "kind")],
)  # fmt: skip
def test_it_refuses_to_read(name, code, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_bytes(b"12345")
    (tmp_path / "other").write_bytes(b"12")
    os.link(tmp_path / "other", tmp_path / "hard")
    (tmp_path / "link").symlink_to("other")
    (tmp_path / "linked").symlink_to("a")
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 4)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedError, match=f"^{code}$"):
        read_output(tmp_path, name, 4)


SLEEPS = "import os, time\nif os.environ['RANK'] == '1':\n    print('awake')\n    time.sleep(60)\ntime.sleep(50)\n"


@pytest.mark.box
@pytest.mark.lab
def test_it_names_ranks_that_hang_long_before_the_time_limit(tmp_path):
    report = run(SLEEPS, tmp_path, "ranks=2", wall_s=15.0)
    assert report.verdict == "timed_out"
    assert report.message == (
        "The ranks of main.py made no progress for 5 seconds and were ended: "
        "rank 0 is in no collective (main.py line 5); rank 1 is in no collective (main.py line 4)."
    )
    assert "[out] [rank 1] awake" in report.log_tail
    assert report.usage.wall_s < 14


@pytest.mark.box
@pytest.mark.lab
def test_it_shows_the_prints_of_the_rank_that_failed_first(tmp_path):
    source = (
        "import os, sys, time\nif os.environ['RANK'] == '1':\n    sys.exit('the reason')\n"
        "for n in range(100):\n    print('noise', n, file=sys.stderr)\ntime.sleep(60)\n"
    )
    report = run(source, tmp_path, "ranks=2")
    assert report.verdict == "crashed"
    assert report.message == "Rank 1 of main.py ended with exit code 1. Its last lines:\n  the reason"


@pytest.mark.box
@pytest.mark.lab
def test_it_lets_one_rank_sleep(tmp_path):
    source = "import time\ntime.sleep(5)\nopen('/work/out/sum.txt', 'w').write('0')\n"
    report = run(source, tmp_path, "ranks=1", wall_s=12.0)
    assert report.verdict == "passed", report.message
