"""What train.py builds on: the base model, the cases, the loss, exact match, and the file that the judge reads.

Read-only. Shapes: B cases, T tokens, D = 576 hidden features, V = 49152 words of the vocabulary.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaForCausalLM
from transformers.utils import logging as transformers_logging

BASE = Path("/assets/smollm2-135m-instruct")
DATA = Path("/work/data")
OUT = Path("/work/out")
BASE_ELEMENTS = 134_515_008  # of SmolLM2-135M; the embedding is also the output head and counts once
IGNORE = -100  # a target that is no target
PAD = 2

torch.set_num_threads(1)
transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


class Case(NamedTuple):
    prompt: str
    answer: str


class Batch(NamedTuple):
    """`ids` and `targets`, both (B, T). `targets` holds the next token where it belongs to an answer, else IGNORE."""

    ids: Tensor
    targets: Tensor

    def take(self, rows: Sequence[int]) -> Batch:
        """Some rows, cut to the longest of them."""
        ids, targets = self.ids[list(rows)], self.targets[list(rows)]
        used = int((targets != IGNORE).any(0).nonzero().max()) + 1
        return Batch(ids[:, :used], targets[:, :used])


def settings() -> dict[str, float | str]:
    """`tier`, `cpu_seconds` (all that the box may burn, imports included) and `share_limit` of this run."""
    return json.loads((DATA / "run.json").read_text())


def cpu_seconds() -> float:
    """CPU seconds that this process has used since it started."""
    return time.process_time()


def load_cases() -> list[Case]:
    """The training cases of this run. Format, keys and code words are drawn anew for every run."""
    return [Case(**json.loads(line)) for line in (DATA / "train.jsonl").read_text().splitlines()]


def load_base() -> LlamaForCausalLM:
    """SmolLM2-135M-Instruct, every parameter frozen; in bf16 where this CPU computes in it, else in float32."""
    model = LlamaForCausalLM.from_pretrained(BASE, dtype=fast_dtype(), attn_implementation="sdpa")
    return model.requires_grad_(False).eval()


def fast_dtype() -> torch.dtype:
    """bf16 halves the time where the CPU has instructions for it, and costs time where it has not."""
    flags = Path("/proc/cpuinfo").read_text()
    return torch.bfloat16 if "avx512_bf16" in flags or "amx_bf16" in flags else torch.float32


_tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))


def encode(cases: Sequence[Case]) -> Batch:
    """Tokenise prompt and answer apart, join them, pad on the right. The judge does exactly this."""
    pairs = [(_tokenizer.encode(case.prompt).ids, _tokenizer.encode(case.answer).ids) for case in cases]
    length = max(len(prompt) + len(answer) for prompt, answer in pairs)
    ids = torch.full((len(pairs), length), PAD)
    targets = torch.full((len(pairs), length), IGNORE)
    for row, (prompt, answer) in enumerate(pairs):
        tokens = prompt + answer
        ids[row, : len(tokens)] = torch.tensor(tokens)
        targets[row, len(prompt) - 1 : len(tokens) - 1] = torch.tensor(answer)
    return Batch(ids, targets)


def embed(model: LlamaForCausalLM, ids: Tensor) -> Tensor:
    """Token ids (B, T) → the input of layer 0 (B, T, D)."""
    return model.model.embed_tokens(ids)


def run_layers(model: LlamaForCausalLM, hidden: Tensor, first: int = 0, last: int | None = None) -> Tensor:
    """Layers first … last-1 on hidden states (B, T, D). Causal, so padding on the right needs no mask."""
    positions = torch.arange(hidden.shape[1])[None]
    rotary = model.model.rotary_emb(hidden, positions)
    for layer in model.model.layers[first:last]:
        hidden = layer(hidden, position_embeddings=rotary, attention_mask=None)
    return hidden


def answer_logits(model: LlamaForCausalLM, hidden: Tensor, targets: Tensor) -> Tensor:
    """Logits (answers' tokens, V) from the last layer's output: only where there is a target, which saves most of it."""
    return model.lm_head(model.model.norm(hidden[targets != IGNORE])).float()


def answer_loss(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Mean cross-entropy of the answers' tokens."""
    hidden = run_layers(model, embed(model, batch.ids))
    return F.cross_entropy(answer_logits(model, hidden, batch.targets), batch.targets[batch.targets != IGNORE])


@torch.no_grad()
def exact_match(model: LlamaForCausalLM, cases: Sequence[Case], size: int = 32) -> float:
    """Share of cases whose every answer token is the most likely one: what greedy decoding would write."""
    right = 0
    for start in range(0, len(cases), size):
        batch = encode(cases[start : start + size])
        logits = answer_logits(model, run_layers(model, embed(model, batch.ids)), batch.targets)
        wanted = batch.targets != IGNORE
        hit = torch.ones_like(wanted)
        hit[wanted] = logits.argmax(-1) == batch.targets[wanted]
        right += int(hit.all(1).sum())
    return right / len(cases)


def share(tensors: Mapping[str, Tensor]) -> float:
    """What the judge will count: elements of the file over elements of the base."""
    return sum(tensor.numel() for tensor in tensors.values()) / BASE_ELEMENTS


def save_adapter(tensors: Mapping[str, Tensor]) -> None:
    """Write /work/out/adapter.safetensors. Names: `<module>.lora_A` (r, in) with `<module>.lora_B` (out, r), and
    `<parameter>.delta` in the parameter's own shape.

    The judge computes W + lora_B @ lora_A: whatever scaling you trained with must be inside the tensors.
    """
    plain = {name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}
    OUT.mkdir(exist_ok=True)
    save_file(plain, OUT / "adapter.safetensors")
    print(f"adapter: {len(plain)} tensors, {share(plain):.3%} of the base", flush=True)
