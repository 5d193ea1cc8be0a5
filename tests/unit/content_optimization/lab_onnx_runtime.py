"""Runs in the lab: the judge and main.py of onnx_runtime, on small graphs and by brute force. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx  # type: ignore[import-not-found]  # the lab's
import torch
from onnx import TensorProto, helper

from grader.api import Rng, WrongAnswer

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "03_model_optimization" / "exercises" / "onnx_runtime"
sys.path.insert(0, str(EXERCISE / "starter"))


def load(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXERCISE / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judge = load("judge", "judge.py")
kit = load("kit", "starter/kit.py")
main = load("main", "starter/main.py")
eager = load("eager", "reference/eager/main.py")


def graph_of(*nodes: onnx.NodeProto, weights: bool = False, outside: bool = False, name: str = "ids") -> np.ndarray:
    """A model of ids -> logits with these nodes, as bytes."""
    ids = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "time"])
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    if outside:
        one.ClearField("float_data")
        one.data_location = TensorProto.EXTERNAL
        one.external_data.add(key="location", value="../elsewhere")
    graph = helper.make_graph(list(nodes), "g", [ids], [logits], [one] if weights else [])
    domains = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("ours", 1)]
    model = helper.make_model(graph, opset_imports=domains, ir_version=10)
    return np.frombuffer(model.SerializeToString(), np.uint8)


def branch() -> onnx.NodeProto:
    """An If that takes one way or the other."""
    ways = {}
    for way in ("then_branch", "else_branch"):
        value = helper.make_tensor_value_info(way, TensorProto.FLOAT, None)
        ways[way] = helper.make_graph([helper.make_node("Identity", ["ids"], [way])], way, [], [value])
    return helper.make_node("If", ["yes"], ["logits"], **ways)


def graphs() -> dict[str, str]:
    """What is said of each, by what the box finds in it."""
    same = helper.make_node("Identity", ["ids"], ["logits"])
    add = helper.make_node("Add", ["ids", "one"], ["logits"])
    yes = helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    found = {
        "good": graph_of(add, weights=True),
        "fused": graph_of(
            helper.make_node("BiasGelu", ["ids", "one"], ["logits"], domain="com.microsoft"), weights=True
        ),
        "outside": graph_of(add, weights=True, outside=True),
        "strange": graph_of(helper.make_node("Best", ["ids"], ["logits"], domain="ours")),
        "branch": graph_of(yes, branch()),
        "other input": graph_of(helper.make_node("Identity", ["x"], ["logits"]), name="x"),
        "unknown": graph_of(helper.make_node("NoSuchThing", ["ids"], ["logits"])),
        "empty": np.zeros(0, np.uint8),
        "noise": np.arange(200, dtype=np.uint8),
        "same": graph_of(same),
    }
    return {name: judge.find_graph_problem(main.inspect(graph)) for name, graph in found.items()}


def deployed() -> dict[str, Any]:
    """A graph that runs, and one that does not."""
    opened = main.deploy(graph_of(helper.make_node("Add", ["ids", "one"], ["logits"]), weights=True), {})
    answered = main.answer([np.ones((2, 3), np.float32), np.zeros((1, 1), np.float32)])
    refused = main.answer([np.ones((2, 3), np.int64)])
    return {
        "opened": opened["problem"],
        "answers": [logits.tolist() for logits in answered["logits"]],
        "refused": bool(refused["problem"]) and refused["logits"] == [],
        "closed": bool(main.deploy(np.zeros(9, np.uint8), {})["problem"]),
    }


def refusal(answers: object) -> str:
    try:
        judge.read_logits(answers, [np.zeros((1, 2), np.int64)])
    except WrongAnswer as error:
        return str(error)
    return ""


def model() -> dict[str, Any]:
    """The judge's forward pass and PyTorch's module are one model; a stretched model is the same function."""
    torch.set_num_threads(1)
    weights = judge.load_model()
    drawn = judge.draw_model(weights, Rng.from_seed(3, "model"))
    still = dict(drawn)
    for layer in range(judge.LAYERS):  # take the rows back
        names = [f"blocks.{layer}.attention.{name}.weight" for name in "qk"]
        factor = np.exp2(np.round(np.log2(np.abs(drawn[names[0]]).max(1) / np.abs(weights[names[0]]).max(1))))
        still |= {names[0]: drawn[names[0]] / factor[:, None], names[1]: drawn[names[1]] * factor[:, None]}
    windows = judge.draw_windows(Rng.from_seed(3, "text"), 2, 40)
    ids = windows[:, :-1]
    logits = judge.logits_of(drawn, ids)
    eager.deploy(np.zeros(0, np.uint8), drawn)
    theirs = eager.answer([ids])["logits"][0]
    other = judge.draw_model(weights, Rng.from_seed(4, "model"))
    q = "blocks.1.attention.q.weight"
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    chances = chances / chances.sum(-1, keepdims=True)
    brute = [-np.mean([math.log(chances[b, t, windows[b, t + 1]]) for t in range(40)]) for b in range(2)]
    return {
        "parameters": sum(weight.size for weight in drawn.values()),
        "modules": sum(parameter.numel() for parameter in kit.TinyLM().parameters()),
        "kit": float(np.abs(theirs - logits).max()),
        "stretched": float(np.abs(judge.logits_of(still, ids) - logits).max()),
        "rows": int((np.abs(drawn[q]).max(1) > 8 * np.abs(weights[q]).max(1)).sum()),
        "drawn anew": float(np.abs(judge.logits_of(other, ids) - logits).max()),
        "loss": float(np.abs(judge.losses_of(logits, windows) - brute).max()),
    }


good = np.zeros((1, 2, 256), np.float32)
json.dump(
    {
        "graphs": graphs(),
        "deployed": deployed(),
        "files": {
            "both": judge.find_file_problem(dict.fromkeys(judge.FILES, np.zeros(9, np.uint8))),
            "one": judge.find_file_problem({"model.onnx": np.zeros(9, np.uint8)}),
            "large": judge.find_file_problem(dict.fromkeys(judge.FILES, np.zeros(judge.MAX_BYTES + 1, np.uint8))),
        },
        "refusals": {
            "good": refusal([good]),
            "none": refusal(None),
            "too few": refusal([]),
            "short": refusal([good[:, :1]]),
            "double": refusal([good.astype(np.float64)]),
            "nan": refusal([good * np.nan]),
        },
        "model": model(),
    },
    sys.stdout,
)
