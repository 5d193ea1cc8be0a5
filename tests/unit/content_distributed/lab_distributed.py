"""Runs in the lab: the lesson's and the planner's formulas beside published numbers, brute force and real tensors."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from grader.rng import Rng
from lessons.document import read_document

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "01_distributed_training"
PLANNER = LESSON / "exercises" / "memory_planner"


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def cell_functions(session: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for cell in read_document((LESSON / "lesson.md").read_text()).cells:
        if cell.session == session:
            tree = ast.parse(cell.code)
            tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
            exec(compile(tree, f"cell {cell.index}", "exec"), names)
    return names


def zero_paper(judge: Any) -> list[float]:
    """GB per rank of 7.5B parameters on 64 GPUs, by stage: figure 1 of the ZeRO paper has them."""
    job = {**judge.SEVEN_BILLION, "params": 7_500_000_000, "ranks": 64, "block_params": 0}
    plans = [judge.expected({**job, "stage": stage}) for stage in range(4)]
    return [sum(plan[name] for name in ("weights", "gradients", "optimizer")) / 1e9 for plan in plans]


def solution_against_judge(judge: Any) -> dict[str, Any]:
    sys.path.insert(0, str(PLANNER / "starter"))
    solution = module(PLANNER / "solution" / "plan.py")
    worst, stages, answers = 0.0, 0, set()
    for number in range(300):
        rng = Rng(b"s" * 32).child(f"job-{number}")
        job = judge.draw_job(rng)
        truth, found = judge.expected(job), solution.plan(job)
        worst = max(worst, max(abs(found[name] - truth[name]) for name in truth) / sum(truth.values()))
        memory, wanted = judge.draw_memory(rng, job)
        stages += solution.smallest_stage(job, memory) == wanted
        answers.add(wanted)
    return {"worst": worst, "stages": stages, "answers": sorted(str(answer) for answer in answers)}


def real_bytes() -> dict[str, float]:
    """Bytes of weights, gradients and Adam's state that one of eight ranks holds under `fully_shard`."""
    dist.init_process_group("fake", rank=3, world_size=8, store=FakeStore())
    model = nn.Sequential(*(nn.Linear(256, 256, bias=False) for _ in range(4)))
    whole = sum(p.numel() for p in model.parameters())
    fully_shard(model, mesh=init_device_mesh("cpu", (8,)))
    optimizer = torch.optim.Adam(model.parameters())
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    tensors = [t for p in model.parameters() for t in (p, p.grad)]
    tensors += [t for state in optimizer.state.values() for key, t in state.items() if key != "step"]
    held = sum(t.to_local().numel() * t.element_size() for t in tensors)
    dist.destroy_process_group()
    return {"held": held, "formula": 16 * whole / 8}  # fp32: 4 + 4 + 8


def bubbles() -> list[tuple[float, float]]:
    """The idle share of the lesson's schedule, and its formula."""
    schedule = cell_functions("bubble")["schedule"]
    found = []
    for stages, microbatches in ((2, 3), (4, 8), (4, 27), (8, 8), (8, 64)):
        work = schedule(stages, microbatches)
        busy: dict[int, set[int]] = {stage: set() for stage in range(stages)}
        for stage, start, _, length in work:
            slots = set(range(start, start + length))
            assert not busy[stage] & slots, "a stage does two things at once"
            busy[stage] |= slots
        total = max(start + length for _, start, _, length in work)
        idle = 1 - sum(len(slots) for slots in busy.values()) / (stages * total)
        found.append((idle, (stages - 1) / (microbatches + stages - 1)))
    return found


def main() -> None:
    judge = module(PLANNER / "judge.py")
    per_rank = cell_functions("memory")["per_rank_gb"]
    result = {
        "zero_paper": zero_paper(judge),
        "lesson_table": [[round(per_rank(7e9, ranks, stage), 2) for ranks in (1, 8, 64)] for stage in range(4)],
        "planner": solution_against_judge(judge),
        "real": real_bytes(),
        "bubbles": bubbles(),
    }
    print(json.dumps(result))


main()
