"""Draws a record format and code words, has train.py adapt SmolLM2-135M to them, and scores the adapter on our base.

The box sees training cases only. What comes back is a closed list of tensors: low-rank pairs and deltas of parameters
of the base, by name. They are counted by their shapes, added to a base that never was in a box, and judged by exact
match on cases whose combinations the box has not seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from grader.api import Bench, Rng, proportion_ci95, read_safetensors

BASE = "smollm2-135m-instruct"
ARTEFACT = "adapter.safetensors"
MAX_BYTES = 128 * 1024 * 1024
SHARE_LIMIT = 0.01
FULL_TUNING = 1.0  # exact match of full tuning on these tasks (docs/measurements.md); no score can be higher
IGNORE = -100
PAD = 2

PRODUCTS = (
    "lamp",
    "kettle",
    "jacket",
    "tent",
    "keyboard",
    "blender",
    "backpack",
    "camera",
    "desk",
    "heater",
    "bicycle",
    "printer",
)
NAMES = ("Anna", "Omar", "Lucy", "Peter", "Maria", "David", "Sofia", "James", "Nina", "Victor", "Emma", "Felix")
CITIES = (
    "Paris",
    "London",
    "Berlin",
    "Madrid",
    "Rome",
    "Vienna",
    "Boston",
    "Chicago",
    "Tokyo",
    "Sydney",
    "Dublin",
    "Oslo",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
CODES = (
    "apple",
    "tiger",
    "river",
    "stone",
    "cloud",
    "silver",
    "garden",
    "piano",
    "rocket",
    "lemon",
    "castle",
    "ocean",
    "forest",
    "copper",
    "violin",
    "bridge",
    "falcon",
    "candle",
    "ribbon",
    "marble",
)
SEPARATORS = (" |", " ;", " /", " +")
PHRASES = (
    "{name} ordered {count} {product}s to {city} on {day}.",
    "On {day}, {name} from {city} bought {count} {product}s.",
    "Please ship {count} {product}s to {name} in {city} by {day}.",
    "{count} {product}s for {name}, {city}, {day}.",
    "{name} in {city} needs {count} {product}s before {day}.",
)


class Case(NamedTuple):
    prompt: str
    answer: str


class Format(NamedTuple):
    """What a run draws: a made-up key per field, the order of the fields, the separator, a code word for some words."""

    keys: Mapping[str, str]
    order: Sequence[str]
    separator: str
    codes: Mapping[str, str]

    def record(self, facts: Mapping[str, str]) -> str:
        fields = [f" {self.keys[field]} {self._value(facts[field])}" for field in self.order]
        return self.separator.join(fields)

    def _value(self, word: str) -> str:
        return f"{word} {self.codes[word]}" if word in self.codes else word


def judge(bench: Bench) -> None:
    """Train in a box, then check, count, merge and score here."""
    torch.set_num_threads(1)
    training, held_out = draw_cases(bench.rng.child("task"), bench.sizes)
    bench.progress("training in the box", 0.0)
    files = {"data/train.jsonl": to_jsonl(training), "data/run.json": run_settings(bench)}
    trained = bench.candidate().train(files=files, outputs={ARTEFACT: MAX_BYTES})
    bench.metric("train_cpu_s", trained.usage.cpu_s)
    adapter = {name: torch.from_numpy(array) for name, array in read_safetensors(trained.artefacts[ARTEFACT]).items()}
    model = load_base(bench)
    problems = find_problems(adapter, shapes_of(model))
    bench.check("adapter_fits", not problems, "\n".join(problems[:6]))
    if not problems:
        report_scores(bench, model, adapter, held_out)


def report_scores(
    bench: Bench, model: torch.nn.Module, adapter: Mapping[str, Tensor], held_out: Sequence[Case]
) -> None:
    """Share, exact match without and with the adapter, and the gain recovered."""
    share = count_elements(adapter) / sum(parameter.numel() for parameter in model.parameters())
    bench.metric("trained_share", 100 * share, provenance="recomputed")
    bench.progress("scoring the base without the adapter", 0.7)
    batch = encode(bench, held_out)
    before = count_exact(model, batch)
    merge(model, adapter)
    bench.progress("scoring the base with the adapter", 0.85)
    after = count_exact(model, batch)
    n = len(held_out)
    base, low_high = before / n, proportion_ci95(after, n)
    bench.metric("base_exact_match", base, samples=n, ci95=proportion_ci95(before, n), provenance="recomputed")
    bench.metric("exact_match", after / n, samples=n, ci95=low_high, provenance="recomputed")
    low, high = (gain(bound, base) for bound in low_high)
    bench.metric("gain_recovered", gain(after / n, base), samples=n, ci95=(low, high), provenance="recomputed")


def gain(score: float, base: float) -> float:
    """(score - base) / (full tuning - base): 0 is the untrained base, 1 is full tuning."""
    return (score - base) / (FULL_TUNING - base)


# The task


def draw_cases(rng: Rng, sizes: Mapping[str, float]) -> tuple[list[Case], list[Case]]:
    """Training and held-out cases of one format; no combination of product, city and day comes twice."""
    style = draw_format(rng, int(sizes["fields"]), days=bool(sizes["day_codes"]), cities=bool(sizes["city_codes"]))
    wanted = int(sizes["train_cases"]) + int(sizes["held_out_cases"])
    combinations = rng.sample([(p, c, d) for p in PRODUCTS for c in CITIES for d in DAYS], wanted)
    cases = [draw_case(rng, style, *combination) for combination in combinations]
    return cases[: int(sizes["train_cases"])], cases[int(sizes["train_cases"]) :]


def draw_format(rng: Rng, fields: int, *, days: bool, cities: bool) -> Format:
    """A record of that many of the three fields, with code words for the days and the cities or not."""
    coded = [*(DAYS if days else []), *(CITIES if cities else [])]
    order = rng.sample(("product", "city", "day"), fields)
    return Format(
        keys=dict(zip(order, draw_words(rng, fields), strict=True)),
        order=order,
        separator=rng.choice(SEPARATORS),
        codes=dict(zip(coded, rng.sample(CODES, len(coded)), strict=True)),
    )


def draw_words(rng: Rng, n: int) -> list[str]:
    """`n` different made-up words of four letters."""
    words: list[str] = []
    while len(words) < n:
        word = "".join(rng.choice(letters) for letters in ("bdfgklmnprstvz", "aeiou", "bdfgklmnprstvz", "aeiou"))
        if word not in words:
            words.append(word)
    return words


def draw_case(rng: Rng, style: Format, product: str, city: str, day: str) -> Case:
    facts = {"product": product, "city": city, "day": day}
    text = rng.choice(PHRASES).format(name=rng.choice(NAMES), count=rng.choice(COUNTS), **facts)
    return Case(f"Text: {text[0].upper()}{text[1:]}\nRecord:", style.record(facts))


def to_jsonl(cases: Sequence[Case]) -> bytes:
    return "".join(json.dumps(case._asdict()) + "\n" for case in cases).encode()


def run_settings(bench: Bench) -> bytes:
    """data/run.json: what train.py may know of its run."""
    return json.dumps(
        {"tier": bench.tier, "cpu_seconds": bench.sizes["cpu_seconds"], "share_limit": SHARE_LIMIT}
    ).encode()


# The adapter


def find_problems(adapter: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Everything that keeps this file from being an adapter of the base; empty when it is one."""
    if not adapter:
        return [f"{ARTEFACT} holds no tensor"]
    return [problem for name, tensor in adapter.items() if (problem := find_problem(name, tensor, adapter, shapes))]


def find_problem(
    name: str, tensor: Tensor, adapter: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]
) -> str | None:
    target, _, kind = name.rpartition(".")
    if not tensor.is_floating_point() or tensor.dtype == torch.float64:
        return f"{name!r}: the dtype must be float32, float16 or bfloat16"
    if not bool(tensor.isfinite().all()):
        return f"{name!r} holds NaN or infinity"
    if kind == "delta":
        return _delta_problem(name, tensor, shapes.get(target))
    if kind in {"lora_A", "lora_B"}:
        return _pair_problem(name, target, adapter, shapes.get(f"{target}.weight"))
    return f"{name!r}: names end in .lora_A, .lora_B or .delta"


def _delta_problem(name: str, tensor: Tensor, shape: tuple[int, ...] | None) -> str | None:
    if shape is None:
        return f"{name!r}: the base has no such parameter"
    if tuple(tensor.shape) != shape:
        return f"{name!r}: shape {tuple(tensor.shape)}, but the parameter has {shape}"
    return None


def _pair_problem(name: str, target: str, adapter: Mapping[str, Tensor], shape: tuple[int, ...] | None) -> str | None:
    if shape is None or len(shape) != 2:
        return f"{name!r}: the base has no linear module {target!r}"
    down, up = adapter.get(f"{target}.lora_A"), adapter.get(f"{target}.lora_B")
    if down is None or up is None:
        return f"{name!r}: lora_A and lora_B come in pairs"
    rank = down.shape[0] if down.ndim == 2 else 0
    if rank == 0 or tuple(down.shape) != (rank, shape[1]) or tuple(up.shape) != (shape[0], rank):
        found = f"lora_A {tuple(down.shape)} and lora_B {tuple(up.shape)}"
        return f"{target!r}: {found} must be (r, {shape[1]}) and ({shape[0]}, r)"
    return None


def count_elements(adapter: Mapping[str, Tensor]) -> int:
    """New plus changed elements, by shape: a zero that is shipped counts."""
    return sum(tensor.numel() for tensor in adapter.values())


@torch.no_grad()
def merge(model: torch.nn.Module, adapter: Mapping[str, Tensor]) -> None:
    """W ← W + B A, and p ← p + delta, computed in float32 and stored as the base is, in bfloat16."""
    parameters = dict(model.named_parameters())
    for name, tensor in adapter.items():
        target, _, kind = name.rpartition(".")
        if kind == "delta":
            add_to(parameters[target], tensor.float())
        elif kind == "lora_A":
            add_to(parameters[f"{target}.weight"], adapter[f"{target}.lora_B"].float() @ tensor.float())


def add_to(parameter: torch.nn.Parameter, change: Tensor) -> None:
    parameter.copy_(parameter.float() + change)


# The base and its score


def load_base(bench: Bench) -> torch.nn.Module:
    """Our own copy, in bf16. Not from any box."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import LlamaForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return LlamaForCausalLM.from_pretrained(bench.assets[BASE], dtype=torch.bfloat16, attn_implementation="sdpa").eval()


def shapes_of(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Parameters by name. The output head is the embedding, so it has no entry of its own."""
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


class Batch(NamedTuple):
    ids: Tensor
    targets: Tensor


def encode(bench: Bench, cases: Sequence[Case]) -> Batch:
    """Prompt and answer tokenised apart and joined; `targets` is the next token where it belongs to the answer."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bench.assets[BASE] / "tokenizer.json"))
    pairs = [(tokenizer.encode(case.prompt).ids, tokenizer.encode(case.answer).ids) for case in cases]
    length = max(len(prompt) + len(answer) for prompt, answer in pairs)
    ids, targets = torch.full((len(pairs), length), PAD), torch.full((len(pairs), length), IGNORE)
    for row, (prompt, answer) in enumerate(pairs):
        tokens = prompt + answer
        ids[row, : len(tokens)] = torch.tensor(tokens)
        targets[row, len(prompt) - 1 : len(tokens) - 1] = torch.tensor(answer)
    return Batch(ids, targets)


@torch.no_grad()
def count_exact(model: torch.nn.Module, batch: Batch, size: int = 40) -> int:
    """Cases whose every answer token is the arg-max given the right tokens before it: what greedy decoding writes."""
    exact = 0
    for ids, targets in zip(batch.ids.split(size), batch.targets.split(size), strict=True):
        # sdpa without a mask is causal, and padding lies on the right, so no token sees padding or what comes after it.
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        wanted = targets != IGNORE
        logits = model.lm_head(hidden[wanted])
        hit = torch.ones_like(wanted)
        hit[wanted] = (logits.argmax(-1) == targets[wanted]) & logits.isfinite().all(-1)
        exact += int(hit.all(1).sum())
    return exact
