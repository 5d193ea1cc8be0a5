"""The model, and what tries your `convert` on weights of its own. Read-only."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional as F

FILES = ("model.onnx", "model.int8.onnx")
WIDTH, LAYERS, HEADS, CONTEXT, EPS = 192, 4, 4, 256, 1e-5

torch.set_num_threads(1)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(mixed.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attention = nn.RMSNorm(WIDTH, eps=EPS), Attention()
        self.norm2, self.mlp = nn.RMSNorm(WIDTH, eps=EPS), MLP()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TinyLM(nn.Module):
    """ids (batch, time) of bytes, at most 256 of them -> logits (batch, time, 256) of the next byte."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.position = nn.Embedding(256, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH, eps=EPS)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids) + self.position(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.embed.weight)  # the embedding is the head


def load_model(weights: Mapping[str, np.ndarray]) -> TinyLM:
    model = TinyLM()
    model.load_state_dict({name: torch.tensor(weight) for name, weight in weights.items()})
    return model.eval()


def open_session(graph: str | bytes) -> onnxruntime.InferenceSession:
    """As the judge opens it: on the CPU, one thread, all of the runtime's graph optimisations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def draw_model() -> TinyLM:
    """Random weights, and some rows of the query matrices larger than the rest, as in the judge's model."""
    torch.manual_seed(0)
    model = TinyLM().eval()
    with torch.no_grad():
        for block in model.blocks:
            rows = torch.randperm(WIDTH)[:24]
            block.attention.q.weight[rows] *= 64
            block.attention.k.weight[rows] /= 64
    return model


def median_seconds(*programs: Callable[[], object]) -> list[float]:
    """CPU seconds of each; they take turns, so that whatever else the machine does hits them alike."""
    times: list[list[float]] = [[] for _ in programs]
    for number in range(22):
        for run, found in zip(programs, times, strict=True):
            began = time.process_time()
            run()
            if number > 1:  # the first ones warm up
                found.append(time.process_time() - began)
    return [statistics.median(found) for found in times]


@torch.inference_mode()
def try_it(convert: Callable[[nn.Module, Path], None]) -> None:
    """Print what the judge would measure, on random weights: the bits per byte only the judge can tell."""
    model, ids = draw_model(), torch.randint(256, (1, 96))
    wanted = model(ids)
    original = sum(4 * parameter.numel() for parameter in model.parameters())
    with tempfile.TemporaryDirectory() as folder:
        with torch.inference_mode(mode=False):
            convert(model, Path(folder))
        print("written:", ", ".join(sorted(path.name for path in Path(folder).iterdir())))
        for name in FILES:
            graph = (Path(folder) / name).read_bytes()
            session = open_session(graph)  # from its bytes: the folder does not travel with them
            answer = session.run(None, {"ids": ids.numpy()})[0]
            eager_s, run_s = median_seconds(lambda: model(ids), lambda s=session: s.run(None, {"ids": ids.numpy()}))
            same = (torch.tensor(answer).argmax(-1) == wanted.argmax(-1)).float().mean().item()
            print(
                f"{name:16s} {1000 * run_s:.2f} ms, PyTorch {1000 * eager_s:.2f}: {eager_s / run_s:.2f} x; "
                f"{len(graph) / original:.3f} of float32; logits off by {np.abs(answer - wanted.numpy()).max():.2g}, "
                f"the same first choice {same:.0%}"
            )
            session.run(None, {"ids": torch.randint(256, (3, 40)).numpy()})
