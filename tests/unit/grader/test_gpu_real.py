"""The GPU tier on a real GPU: skipped, and said so, where there is none."""

from __future__ import annotations

import dataclasses

import pytest

from grader import grade
from grader.gpu.own import has_gpu
from tests.fixtures.exercises import fixture_exercise

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.box,
    pytest.mark.lab,
    pytest.mark.skipif(not has_gpu(), reason="this machine has no GPU"),
]
HEAD = "import torch\n"
WORK = """
def work(matrix, times):
    x = torch.from_numpy(matrix).cuda()
    for _ in range(int(times) * FACTOR):
        x = torch.nn.functional.normalize(x @ x)
    return x.cpu().numpy()
"""
LEAVES_IT_BUSY = "    y = torch.rand(8192, 8192, device='cuda')\n    for _ in range(2000): y = y @ y\n"
JUDGE = """
import numpy as np
from grader.api import measures

def judge(bench):
    draw = bench.rng.child("matrices").numpy()

    def turn(program, number):
        matrix = draw.normal(size=(2048, 2048)).astype(np.float32)
        bench.check("echoes", program.call("work", matrix, 200).shape == matrix.shape)

    plan = measures.Interleaving(bench.rng.child("turns"), clock="wall")
    rounds = bench.interleave("same", turn, plan)
    ratio = measures.wall_ratio(rounds, "speedup")
    bench.log(f"{len(rounds)} rounds, speedup {ratio.value:.3f}, {[r.baseline.wall_s for r in rounds]}")
    bench.metric("largest", ratio.value)
    bench.metric("right_share", 1.0)
    bench.check("has_docstring", True)
"""


def run(folder, program: str, vram_mb: int | None = None):
    exercise = fixture_exercise("arithmetic")
    (folder / "judge.py").write_text(JUDGE)
    (folder / "reference" / "same").mkdir(parents=True)
    (folder / "reference" / "same" / "main.py").write_text(HEAD + WORK.replace("FACTOR", "1"))
    limits = {"wall_s": 240.0, "judge_wall_s": 400.0, "memory_mb": 8192, "judge_memory_mb": 32_768, "vram_mb": vram_mb}
    manifest = exercise.manifest.model_copy(
        update={
            "limits": exercise.manifest.limits.model_copy(update=limits),
            "tiers": {**exercise.manifest.tiers, "gpu": exercise.manifest.tiers["smoke"]},
        }
    )
    changed = dataclasses.replace(exercise, folder=folder, manifest=manifest)
    return grade(changed, {"main.py": (HEAD + program).encode()}, tier="gpu", seed=1)


def speedup(report) -> float:
    assert report.verdict == "passed", report
    return next(metric.value for metric in report.metrics if metric.name == "largest")


def test_the_same_program_is_as_fast_as_itself_and_its_memory_is_read(tmp_path):
    report = run(tmp_path, WORK.replace("FACTOR", "1"))
    assert speedup(report) == pytest.approx(1.0, rel=0.1)
    assert report.usage.peak_vram_bytes > 2048 * 2048 * 4


def test_twice_the_work_takes_twice_as_long(tmp_path):
    assert speedup(run(tmp_path, WORK.replace("FACTOR", "2"))) == pytest.approx(0.5, rel=0.15)


def test_kernels_that_are_left_running_are_billed(tmp_path):
    """They would slow the baseline down, whose turn comes next."""
    lazy = WORK.replace("FACTOR", "1").replace("    return", LEAVES_IT_BUSY + "    return")
    report = run(tmp_path, lazy)
    assert report.verdict == "timed_out" or speedup(report) < 0.7


def test_a_program_over_its_share_of_the_memory_is_ended(tmp_path):
    hog = WORK.replace("FACTOR", "1") + "hoard = torch.zeros(4 << 30, dtype=torch.uint8, device='cuda')\n"
    report = run(tmp_path, hog, vram_mb=2048)
    assert (report.verdict, "2048 MB of GPU memory" in report.message) == ("out_of_memory", True)
