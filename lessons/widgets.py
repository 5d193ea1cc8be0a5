"""The widgets that a lesson may place with ```widget <name>, and what each may be told (TOML in the fence).

The one list of names: `lessons check`, the site and its scripts (src/widgets/<name>.ts) follow it.
"""

from __future__ import annotations

import tomllib
from typing import Literal

from pydantic import Field, ValidationError

from lessons.schema import Strict, Text

_SHORTEST_TEXT = 80


class Widget(Strict):
    """`text` is Markdown: what the widget shows, for readers without scripts and for those who do not see drawings."""

    title: Text
    text: str = Field(min_length=_SHORTEST_TEXT)


class ZeroMemory(Widget):
    """Memory per rank by ZeRO stage: what the controls say at first."""

    params: float = Field(default=7.0, ge=0.1, le=1000)  # billions
    ranks: int = Field(default=8, ge=1, le=1024)
    precision: Literal["mixed", "fp32", "bf16"] = "mixed"
    optimizer: Literal["adam", "adam8bit", "momentum", "sgd"] = "adam"
    stage: Literal[0, 1, 2, 3] = 0
    memory: Literal[24, 40, 48, 80, 141, 192] = 80  # GB of a device
    kept: float = Field(default=0.0, ge=0, le=100)  # GB of it for activations and buffers


class Peeking(Widget):
    """A/A experiments that are looked at more than once: what the controls say at first."""

    looks: int = Field(default=10, ge=1, le=40)
    alpha: Literal[1, 5, 10] = 5  # percent
    sides: Literal[1, 2] = 2
    seed: int = Field(default=1, ge=1, le=1_000_000)


class Pipeline(Widget):
    """A pipeline's schedule, its bubble and the activations it holds: what the controls say at first."""

    stages: int = Field(default=4, ge=2, le=16)
    microbatches: int = Field(default=8, ge=1, le=64)
    schedule: Literal["gpipe", "1f1b"] = "gpipe"
    activations: float = Field(default=2.3, ge=0.1, le=50)  # GB of one microbatch on one stage


class AllReduce(Widget):
    """A ring all-reduce after and beneath the backward pass: what the controls say at first."""

    gradients: float = Field(default=14.0, ge=0.1, le=1000)  # GB
    ranks: int = Field(default=8, ge=2, le=1024)
    bandwidth: float = Field(default=300.0, ge=1, le=1000)  # GB/s of a link
    latency: float = Field(default=5.0, ge=0, le=1000)  # µs of a message
    backward: int = Field(default=287, ge=1, le=10_000)  # ms
    bucket: int = Field(default=25, ge=1, le=100_000)  # MB


Model = Literal["smollm2_135m", "smollm2_360m", "smollm2_1b7", "llama2_7b", "llama3_8b", "llama3_70b"]


class LoraCount(Widget):
    """What a LoRA adapter trains of a real model: what the controls say at first."""

    model: Model = "smollm2_135m"
    rank: int = Field(default=8, ge=1, le=256)
    layers: Literal["all", "half", "quarter"] = "all"
    targets: list[Literal["q", "k", "v", "o", "gate", "up", "down"]] = Field(default=["q", "v"])


class Quantisation(Widget):
    """What rounding weights to few levels costs: what the controls say at first."""

    format: Literal["int8", "int4", "nf4", "int3", "int2"] = "nf4"
    block: int = Field(default=64, ge=16, le=4096)
    outliers: Literal["none", "few", "many"] = "none"
    size: int = Field(default=20, ge=1, le=100)  # of an outlier, times the others


class KvCache(Widget):
    """The caches that fit beside a model's weights: what the controls say at first."""

    model: Model = "llama3_8b"
    tokens: int = Field(default=8192, ge=1, le=131_072)
    memory: int = Field(default=80, ge=1, le=640)  # GB
    weights: Literal[16, 8, 4] = 16  # bits
    cache: Literal[16, 8] = 16


class Roofline(Widget):
    """A decoding step and a prompt under a chip's roof: what the controls say at first."""

    model: Model = "llama3_8b"
    chip: Literal["l4", "a100", "h100", "h200"] = "h100"
    batch: int = Field(default=16, ge=1, le=1024)
    tokens: int = Field(default=2048, ge=1, le=131_072)
    weights: Literal[16, 8, 4] = 16  # bits


WIDGETS: dict[str, type[Widget]] = {
    "all_reduce": AllReduce,
    "kv_cache": KvCache,
    "lora_count": LoraCount,
    "peeking": Peeking,
    "pipeline": Pipeline,
    "quantisation": Quantisation,
    "roofline": Roofline,
    "zero_memory": ZeroMemory,
}


def widget_name(info: str) -> str | None:
    """The name in a ```widget fence ("" where none is given), None for any other fence."""
    words = info.split()
    return " ".join(words[1:]) if words[:1] == ["widget"] else None


def widget_read(name: str, text: str) -> Widget:
    """Raises ValueError, in one line, for a name that there is not and for parameters that do not fit."""
    model = WIDGETS.get(name)
    if model is None:
        raise ValueError(f"there is no widget {name!r}; there are {', '.join(WIDGETS)}")
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"widget {name}: not TOML: {error}") from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])) or name}: {e['msg']}" for e in error.errors()]
        raise ValueError(f"widget {name}: " + "; ".join(problems)) from None
