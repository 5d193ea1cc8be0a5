"""Runs in the lab: the lesson's cells and the exercise's judge beside brute force. Prints JSON."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from grader.api import Rng

ROOT = Path(__file__).resolve().parents[3]
LESSON = ROOT / "lessons" / "02_peft_techniques"
EXERCISE = LESSON / "exercises" / "one_percent"
CODED = {"fields": 3, "day_codes": 1, "city_codes": 1, "train_cases": 480, "held_out_cases": 200}


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def definitions(session: str) -> dict[str, Any]:
    """What the lesson's cells of a session define: imports, constants, functions and classes; nothing is run."""
    names: dict[str, Any] = {}
    text = (LESSON / "lesson.md").read_text()
    for cell in re.findall(rf"```python run session={session}\n(.*?)```", text, re.DOTALL):
        kept = [
            n
            for n in ast.parse(cell).body
            if isinstance(n, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
        ]
        constants = [n for n in ast.parse(cell).body if isinstance(n, ast.Assign) and is_constant(n)]
        exec(compile(ast.Module([*constants, *kept], []), f"<{session}>", "exec"), names)
    return names


def is_constant(node: ast.Assign) -> bool:
    """Names in capitals, set without computing anything."""
    names = [name for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return all(name.id.isupper() for name in names) and not any(isinstance(n, ast.Call) for n in ast.walk(node.value))


def tiny() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True)  # fmt: skip
    return LlamaForCausalLM(config).eval()


def counts() -> dict[str, Any]:
    """The lesson's formula against adding up real tensors of the real shapes."""
    lesson = definitions("count")
    plans = [["q", "v"], ["q", "k", "v", "o"], list(lesson["SHAPES"])]
    return {
        "formula": [lesson["lora_elements"](plan, 8) for plan in plans],
        "brute": [
            30
            * sum(torch.empty(8, n).numel() + torch.empty(m, 8).numel() for m, n in (lesson["SHAPES"][p] for p in plan))
            for plan in plans
        ],
    }


def lora() -> dict[str, Any]:
    """The lesson's layer: base at the start, merge, and both gradients against finite differences."""
    layer_of = definitions("lora")["LoraLinear"]
    torch.manual_seed(0)
    layer = layer_of(torch.nn.Linear(12, 7, bias=False), rank=3, alpha=6).double()
    x = torch.randn(5, 12, dtype=torch.float64)
    at_start = torch.equal(layer(x), layer.base(x))
    layer(x).square().sum().backward()
    zero_a, zero_b = layer.lora_A.grad.norm().item(), layer.lora_B.grad.norm().item()
    with torch.no_grad():
        layer.lora_B.normal_()
    numeric = [torch.autograd.gradcheck(lambda p, n=name: with_parameter(layer, n, p, x), getattr(layer, name))
               for name in ("lora_A", "lora_B")]  # fmt: skip
    difference = (x @ layer.merged().T - layer(x)).abs().max().item()
    return {"at_start": at_start, "grad_a": zero_a, "grad_b": zero_b, "gradcheck": numeric, "merge": difference}


def with_parameter(layer: torch.nn.Module, name: str, value: Tensor, x: Tensor) -> Tensor:
    return torch.func.functional_call(layer, {name: value}, x)


def quantisation() -> dict[str, Any]:
    """The lesson's quantiser picks the nearest level: no other choice of levels is closer, element by element."""
    quantise = definitions("nf4")["quantise"]
    torch.manual_seed(0)
    weight, levels = torch.randn(8, 64), torch.linspace(-1, 1, 16)
    rough = quantise(weight, levels)
    scale = weight.reshape(-1, 64).abs().amax(1, keepdim=True)
    best = (weight.reshape(-1, 64)[..., None] - levels * scale[..., None]).abs().amin(-1)
    return {"worst": ((weight - rough).abs().reshape(-1, 64) - best).abs().max().item()}


def adapters(judge: ModuleType) -> dict[str, list[str]]:
    """What the judge says of good and bad files for a tiny base."""
    shapes = judge.shapes_of(tiny())
    q, norm = "model.layers.0.self_attn.q_proj", "model.norm.weight"
    pair = {f"{q}.lora_A": torch.ones(2, 32), f"{q}.lora_B": torch.ones(32, 2)}
    files: dict[str, dict[str, Tensor]] = {
        "pair": pair,
        "delta": {f"{norm}.delta": torch.ones(32)},
        "half": {name: tensor.half() for name, tensor in pair.items()},
        "nothing": {},
        "no partner": {f"{q}.lora_A": torch.ones(2, 32)},
        "ranks differ": {f"{q}.lora_A": torch.ones(3, 32), f"{q}.lora_B": torch.ones(32, 2)},
        "rank zero": {f"{q}.lora_A": torch.ones(0, 32), f"{q}.lora_B": torch.ones(32, 0)},
        "swapped": {f"{q}.lora_A": torch.ones(32, 2), f"{q}.lora_B": torch.ones(2, 32)},
        "not finite": {f"{norm}.delta": torch.full((32,), float("nan"))},
        "infinite": {f"{norm}.delta": torch.full((32,), float("inf"))},
        "wrong shape": {f"{norm}.delta": torch.ones(1)},
        "whole numbers": {f"{norm}.delta": torch.ones(32, dtype=torch.int32)},
        "double": {f"{norm}.delta": torch.ones(32, dtype=torch.float64)},
        "unknown module": {"model.layers.9.self_attn.q_proj.lora_A": torch.ones(2, 32)},
        "tied head": {"lm_head.weight.delta": torch.ones(64, 32)},
        "norm as a pair": {"model.norm.lora_A": torch.ones(1, 32), "model.norm.lora_B": torch.ones(32, 1)},
        "prefix": {"model.layers.0.self_attn.prefix_keys": torch.ones(2, 4, 8)},
    }
    return {title: judge.find_problems(file, shapes) for title, file in files.items()}


def merging(judge: ModuleType) -> dict[str, Any]:
    """merge() against adding B A by hand, one element at a time; and what is counted."""
    model, q = tiny(), "model.layers.1.self_attn.q_proj"
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    file = {
        f"{q}.lora_A": torch.randn(2, 32),
        f"{q}.lora_B": torch.randn(32, 2),
        "model.norm.weight.delta": torch.randn(32),
    }
    judge.merge(model, file)
    after = dict(model.named_parameters())
    a, b = file[f"{q}.lora_A"].tolist(), file[f"{q}.lora_B"].tolist()
    by_hand = torch.tensor([[sum(b[i][k] * a[k][j] for k in range(2)) for j in range(32)] for i in range(32)])
    touched = [name for name in before if not torch.equal(before[name], after[name])]
    return {
        "difference": (after[f"{q}.weight"] - before[f"{q}.weight"] - by_hand).abs().max().item(),
        "touched": sorted(touched),
        "elements": judge.count_elements(file),
    }


@torch.no_grad()
def scoring(judge: ModuleType) -> dict[str, Any]:
    """count_exact against greedy decoding without a cache, on answers of which half are what the model would write."""
    model = tiny()
    prompts = torch.randint(3, 64, (12, 6))
    ids, targets, expected = [], [], 0
    for row, prompt in enumerate(prompts):
        tokens = prompt.tolist()
        for _ in range(4):
            tokens.append(int(model(torch.tensor([tokens])).logits[0, -1].argmax()))
        answer = tokens[6:]
        if row % 2:
            answer[row % 4] = (answer[row % 4] + 1) % 64  # wrong in one place
        expected += row % 2 == 0
        filled = [*prompt.tolist(), *answer]
        ids.append([*filled, 2, 2])
        targets.append([*[-100] * 5, *answer, -100, -100, -100])
    batch = judge.Batch(torch.tensor(ids), torch.tensor(targets))
    broken = tiny()
    broken.model.norm.weight.fill_(float("nan"))
    return {
        "exact": judge.count_exact(model, batch, size=5),
        "greedy": expected,
        "not_finite": judge.count_exact(broken, batch),
    }


def tasks(judge: ModuleType) -> dict[str, Any]:
    """Two runs of the task."""
    runs = [judge.draw_cases(Rng.from_seed(seed, "test"), CODED) for seed in (1, 2, 1)]
    facts = [{tuple(w for w in case.answer.split() if w in judge.PRODUCTS + judge.CITIES + judge.DAYS) for case in part}
             for part in runs[0]]  # fmt: skip
    words = {word for case in runs[0][0] for word in case.answer.split()}
    return {
        "sizes": [len(part) for part in runs[0]],
        "combinations": [len(part) for part in facts],
        "shared": len(facts[0] & facts[1]),
        "same seed": runs[0] == runs[2],
        "other seed": runs[0][0][0].answer == runs[1][0][0].answer,
        "codes": len(words & set(judge.CODES)),
        "held-out words unseen": sorted({word for case in runs[0][1] for word in case.answer.split()} - words),
    }


if __name__ == "__main__":
    exercise_judge = load(EXERCISE / "judge.py")
    print(
        json.dumps(
            {
                "counts": counts(),
                "lora": lora(),
                "quantisation": quantisation(),
                "adapters": adapters(exercise_judge),
                "merging": merging(exercise_judge),
                "scoring": scoring(exercise_judge),
                "tasks": tasks(exercise_judge),
            }
        )
    )
