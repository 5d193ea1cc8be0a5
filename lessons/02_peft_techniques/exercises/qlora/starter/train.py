"""LoRA on the base as it is. Runs, trains, and saves a base in 32 bits: make it four, and train on that."""

from __future__ import annotations

import kit
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor

STEPS = 100
BATCH = 256
RATE = 1e-3
LAST_RATE = 0.05  # of RATE, at the last step
RANK, ALPHA = 8, 16
PREFIX = "base_model.model."  # what peft puts before the names of the base's modules


def train(model: PeftModel, x: Tensor, wanted: Tensor) -> None:
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=RATE)
    for step in range(1, STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - (1 - LAST_RATE) * step / STEPS)
        rows = torch.randint(0, len(x), (BATCH,))
        loss = model(x[rows], wanted[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}, {kit.cpu_seconds():.0f} CPU seconds", flush=True)


def pairs_of(model: PeftModel) -> dict[str, tuple[Tensor, Tensor]]:
    """The judge adds lora_B @ lora_A and knows no scale. Where is it here?"""
    pairs = {}
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            down, up = module.lora_A["default"].weight, module.lora_B["default"].weight
            pairs[name.removeprefix(PREFIX)] = (down, up)
    return pairs


def main() -> None:
    torch.manual_seed(0)
    x, wanted = kit.load_rows()
    net = kit.load_base()
    kit.save_base(net)
    model = get_peft_model(net, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["up", "down"]))
    train(model, x, wanted)
    kit.save_adapter(pairs_of(model))


if __name__ == "__main__":
    main()
