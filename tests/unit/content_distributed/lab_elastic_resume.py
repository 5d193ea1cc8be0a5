"""Runs in the lab: elastic_resume's judge beside the learner's model, and its reader of shards. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grader.api import Rng, WrongAnswer, write_safetensors

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "01_distributed_training" / "exercises" / "elastic_resume"
SIZES = {"vocab": 24, "width": 16, "blocks": 2, "heads": 4, "sequence": 8, "batch": 12, "steps": 6}


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


judge, kit = module(EXERCISE / "judge.py"), module(EXERCISE / "starter" / "kit.py")
run = judge.draw_run(Rng(b"k" * 32), SIZES)
STATE = judge.train(run, [3, 6])
SHAPES = judge.shapes_of(run.job)


def model_of(weights: Any) -> Any:
    model = kit.GPT(*(run.job[name] for name in ("vocab", "width", "blocks", "heads", "sequence")))
    model.load_state_dict(weights)
    return model


def as_kit() -> dict[str, float]:
    """The judge's loss, gradient and rate beside those of the learner's model."""
    model, tokens = model_of(run.initial), run.tokens[0]
    weights = {name: tensor.clone().requires_grad_() for name, tensor in run.initial.items()}
    ours, theirs = judge.loss_of(weights, tokens, run.job["heads"]), kit.loss_of(model, tokens)
    ours.backward()
    theirs.backward()
    worst = max((weights[name].grad - p.grad).abs().max().item() for name, p in model.named_parameters())
    rates = max(abs(judge.rate(run.job, step) - kit.rate(run.job, step)) for step in range(6))
    return {"loss": abs(ours.item() - theirs.item()), "gradient": worst, "rate": rates}


def shards(ranks: int, steps: int = 3, dtype: Any = np.float32) -> dict[str, bytes]:
    """The state after three steps, cut by rows as fully_shard cuts: ceil(rows / ranks) for each while they last."""
    files = {}
    for rank, name in enumerate(judge.file_names(ranks)):
        tensors, places = {}, {}
        for group in judge.GROUPS:
            for parameter, tensor in getattr(STATE[3], group).items():
                rows = -(-tensor.shape[0] // ranks)
                key, first = f"{group}.{parameter}", min(rank * rows, tensor.shape[0])
                tensors[key] = tensor[first : first + rows].numpy().astype(dtype)
                places[key] = {"saved_offsets": [first] + [0] * (tensor.ndim - 1)}
        if rank == 0:
            tensors["step"], places["step"] = np.array([steps]), {"saved_offsets": [0]}
        files[name] = with_places(write_safetensors(tensors), places)
    return files


def with_places(data: bytes, places: dict[str, Any]) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = {"__metadata__": {judge.INFO: json.dumps(places)}, **json.loads(data[8 : 8 + size])}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def reads(ranks: int) -> float:
    found = judge.assemble(shards(ranks), SHAPES, 3)
    return max(judge.distance(found[group], STATE[3][group]) for group in range(3))


def refusal(files: dict[str, bytes], steps: int = 3) -> str:
    try:
        judge.assemble(files, SHAPES, steps)
    except WrongAnswer as error:
        return error.message
    return ""


def changed(change: Any) -> dict[str, bytes]:
    """Two shards, the first with other places."""
    files = shards(2)
    name = judge.file_names(2)[0]
    data = files[name]
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    places = json.loads(header.pop("__metadata__")[judge.INFO])
    change(places)
    text = json.dumps(header).encode()
    files[name] = with_places(len(text).to_bytes(8, "little") + text + data[8 + size :], places)
    return files


def refusals() -> dict[str, str]:
    one, two = judge.file_names(2)
    half = shards(2)
    name = "weights.embed.weight"
    return {
        "nothing": refusal({}),
        "one of two": refusal({one: half[one]}),
        "twice": refusal({**half, "again": half[two]}),
        "step": refusal(shards(2), steps=4),
        "no step": refusal({two: half[two]}),
        "16 bits": refusal(shards(2, dtype=np.float16)),
        "outside": refusal(changed(lambda places: places[name].update(saved_offsets=[1000, 0]))),
        "negative": refusal(changed(lambda places: places[name].update(saved_offsets=[-1, 0]))),
        "flat": refusal(changed(lambda places: places[name].update(saved_offsets=[0]))),
        "no place": refusal(changed(lambda places: places.pop(name))),
        "number": refusal(changed(lambda places: places[name].update(saved_offsets=7))),
        "no header": refusal({one: write_safetensors({"weights.embed.weight": np.zeros((24, 16), np.float32)})}),
        "stranger": refusal(
            {one: with_places(write_safetensors({"seed": np.zeros(1, np.float32)}), {"seed": {"saved_offsets": [0]}})}
        ),
    }


def errors() -> dict[str, float]:
    """What state_error says of states between the stop and the end."""
    start, last = STATE[3].weights, STATE[6]
    half = last._replace(weights={name: (start[name] + last.weights[name]) / 2 for name in start})
    lost = last._replace(exp_avg={name: torch.zeros_like(tensor) for name, tensor in last.exp_avg.items()})
    nan = last._replace(weights={name: tensor * float("nan") for name, tensor in start.items()})
    return {
        "same": judge.state_error(last, last, start),
        "half way": judge.state_error(half, last, start),
        "stopped": judge.state_error(last._replace(weights=start), last, start),
        "no moments": judge.state_error(lost, last, start),
        "nan": judge.bounded(judge.state_error(nan, last, start)),
    }


print(
    json.dumps(
        {
            "kit": as_kit(),
            "learnt": [
                judge.loss_of(weights, run.tokens[7], run.job["heads"]).item()
                for weights in (run.initial, STATE[6].weights)
            ],
            "reads": {ranks: reads(ranks) for ranks in (1, 2, 3, 4)},
            "refusals": refusals(),
            "errors": errors(),
            "stops": sorted({judge.draw_run(Rng(bytes([n]) * 32), SIZES).stop for n in range(20)}),
        }
    )
)
