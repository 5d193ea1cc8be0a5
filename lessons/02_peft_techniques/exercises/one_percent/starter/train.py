"""Teach the base this run's record format. Runs as it is; passes when you have improved it."""

from __future__ import annotations

import random

import kit
import torch
from torch import Tensor, nn
from torch.nn import functional as F

RANK = 4
ALPHA = 8
TARGETS = ("q_proj", "v_proj")
LEARNING_RATE = 1e-4
BATCH = 8
SECONDS_PER_STEP = 1.3  # a guess on the safe side
RESERVE = 12  # CPU seconds for what comes after training


class LoraLinear(nn.Module):
    """y = W x + (alpha / r) B A x, with W frozen and B = 0 at the start."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        low = F.linear(x, self.lora_A.to(x.dtype))
        return self.base(x) + self.scale * F.linear(low, self.lora_B.to(x.dtype))


def add_adapters(model: nn.Module) -> dict[str, LoraLinear]:
    """Put a LoraLinear around every target; returns them by the name of the module that they replace."""
    adapters: dict[str, LoraLinear] = {}
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and name.endswith(TARGETS):
            parent, _, attribute = name.rpartition(".")
            adapters[name] = LoraLinear(module, RANK, ALPHA)
            setattr(model.get_submodule(parent), attribute, adapters[name])
    return adapters


def tensors_of(adapters: dict[str, LoraLinear]) -> dict[str, Tensor]:
    """What the judge adds: lora_B @ lora_A, so the scale goes into lora_B."""
    tensors: dict[str, Tensor] = {}
    for name, adapter in adapters.items():
        tensors[f"{name}.lora_A"] = adapter.lora_A
        tensors[f"{name}.lora_B"] = adapter.lora_B * adapter.scale
    return tensors


def main() -> None:
    torch.manual_seed(0)
    cases = kit.load_cases()
    held_back, cases = cases[:24], cases[24:]
    model = kit.load_base()
    adapters = add_adapters(model)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)

    data = kit.encode(cases)
    budget = float(kit.settings()["cpu_seconds"]) - RESERVE
    steps = int(min(60, (budget - kit.cpu_seconds()) / SECONDS_PER_STEP))
    print(f"{sum(p.numel() for p in parameters):,} parameters to train, {steps} steps")
    for step in range(steps):
        loss = kit.answer_loss(model, data.take(random.sample(range(len(cases)), BATCH)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 5 == 4:
            print(f"step {step + 1}: loss {loss.item():.3f}, {kit.cpu_seconds():.0f} CPU seconds", flush=True)
    print(f"exact match on the cases held back: {kit.exact_match(model, held_back):.2f}")
    kit.save_adapter(tensors_of(adapters))


if __name__ == "__main__":
    main()
