"""Models to count, and what the keys of one mean. Read it; a submission cannot change it.

    hidden          features between the blocks
    layers          blocks
    heads           heads of the queries
    kv_heads        heads of the keys and of the values: fewer, where several queries share them
    head_dim        features of a head; heads * head_dim need not be hidden
    intermediate    features inside the feed-forward part
    vocab           tokens of the vocabulary
    tied            True: the head is the embedding, and counts once
    qkv_bias        True: q, k and v have biases
"""

from __future__ import annotations

from typing import Any

RANKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
MODULES = ("q", "k", "v", "o", "gate", "up", "down")

SMOLLM2_135M: dict[str, Any] = {
    "hidden": 576,
    "layers": 30,
    "heads": 9,
    "kv_heads": 3,
    "head_dim": 64,
    "intermediate": 1536,
    "vocab": 49_152,
    "tied": True,
    "qkv_bias": False,
}
LLAMA_32_1B: dict[str, Any] = {
    "hidden": 2048,
    "layers": 16,
    "heads": 32,
    "kv_heads": 8,
    "head_dim": 64,
    "intermediate": 8192,
    "vocab": 128_256,
    "tied": True,
    "qkv_bias": False,
}
QWEN25_HALF_B: dict[str, Any] = {
    "hidden": 896,
    "layers": 24,
    "heads": 14,
    "kv_heads": 2,
    "head_dim": 64,
    "intermediate": 4864,
    "vocab": 151_936,
    "tied": True,
    "qkv_bias": True,
}
MISTRAL_7B: dict[str, Any] = {
    "hidden": 4096,
    "layers": 32,
    "heads": 32,
    "kv_heads": 8,
    "head_dim": 128,
    "intermediate": 14_336,
    "vocab": 32_000,
    "tied": False,
    "qkv_bias": False,
}
PUBLISHED = {
    "SmolLM2-135M": (SMOLLM2_135M, 134_515_008),
    "Llama-3.2-1B": (LLAMA_32_1B, 1_235_814_400),
    "Qwen2.5-0.5B": (QWEN25_HALF_B, 494_032_768),
    "Mistral-7B-v0.1": (MISTRAL_7B, 7_241_732_096),
}


def plan(*targets: str, layers: int, dora: bool = False, full: str | None = None) -> dict[str, Any]:
    """What a menu holds. A rank is no part of it."""
    return {"targets": list(targets), "layers": layers, "dora": dora, "full": full}


MENU = [
    plan("q", "v", layers=30),
    plan("q", "k", "v", "o", layers=30),
    plan(*MODULES, layers=30),
    plan("q", "v", layers=10),
    plan("q", "v", layers=30, full="head"),
]


def show(count_base: Any, count_trained: Any, pick: Any) -> None:
    """Print your counts beside the published ones, and your pick under one percent of SmolLM2."""
    for name, (model, published) in PUBLISHED.items():
        print(f"{name:16s} you count {count_base(model):>14,}   published {published:>14,}")
    for plan in MENU[:3]:
        trained = count_trained(SMOLLM2_135M, plan, 8)
        print(f"rank 8 on {' '.join(plan['targets'])}: {trained:,}, {trained / 134_515_008:.3%} of SmolLM2-135M")
    budget = 134_515_008 // 100
    print(f"of this menu, under {budget:,}:", pick(SMOLLM2_135M, MENU, budget))
