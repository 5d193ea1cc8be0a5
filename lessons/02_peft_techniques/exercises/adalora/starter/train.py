"""Adapt the network with AdaLoRA. Runs as it is: it trains, and prunes nothing."""

from __future__ import annotations

import kit
import torch
from peft import AdaLoraConfig, PeftModel, get_peft_model
from peft.tuners.adalora import SVDLinear
from torch import Tensor

STEPS = 300
BATCH = 256
RATE = 1e-3
PREFIX = "base_model.model."  # what peft puts before the names of the base's modules


def adapt(base: kit.Net) -> PeftModel:
    config = AdaLoraConfig(
        init_r=4,
        target_r=4,
        tinit=0,
        tfinal=0,
        total_step=STEPS,
        lora_alpha=4,
        target_modules=["up", "down"],
    )
    return get_peft_model(base, config)


def train(model: PeftModel, x: Tensor, wanted: Tensor) -> None:
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=RATE)
    for step in range(1, STEPS + 1):
        rows = torch.randint(0, len(x), (BATCH,))
        loss = model(x[rows], wanted[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}, {kit.cpu_seconds():.0f} CPU seconds", flush=True)


def pairs_of(model: PeftModel) -> dict[str, tuple[Tensor, Tensor]]:
    """A layer of AdaLoRA adds lora_B @ (lora_A * lora_E) * lora_alpha / ranknum. What is still missing here?"""
    pairs = {}
    for name, module in model.named_modules():
        if isinstance(module, SVDLinear):
            pairs[name.removeprefix(PREFIX)] = (module.lora_A["default"], module.lora_B["default"])
    return pairs


def main() -> None:
    torch.manual_seed(0)
    x, wanted = kit.load_rows()
    model = adapt(kit.load_base())
    train(model, x, wanted)
    kit.save_adapter(pairs_of(model))


if __name__ == "__main__":
    main()
