"""Saves every triplet, those that were set to zero, too."""

from __future__ import annotations

import kit
import torch
from peft import AdaLoraConfig, PeftModel, get_peft_model
from peft.tuners.adalora import SVDLinear
from torch import Tensor

STEPS = 400
BATCH = 256
RATE = 3e-2  # lora_E starts at zero, lora_A and lora_B at 0.02: with small steps little would happen for long
LAST_RATE = 0.05  # of RATE, at the last step
INITIAL = 6  # times the average rank: a matrix that needs many must have them before the pruning
PREFIX = "base_model.model."  # what peft puts before the names of the base's modules


def adapt(base: kit.Net) -> PeftModel:
    average = int(kit.settings()["budget"]) // (2 * len(base.blocks))
    config = AdaLoraConfig(
        init_r=INITIAL * average,
        target_r=average,
        tinit=STEPS // 5,
        tfinal=2 * STEPS // 5,
        deltaT=5,
        total_step=STEPS,
        lora_alpha=INITIAL * average,  # divided by init_r, this is a scale of 1
        orth_reg_weight=0.01,  # the loss here is far below 1, where the default of 0.5 would drown it
        target_modules=["up", "down"],
    )
    return get_peft_model(base, config)


def train(model: PeftModel, x: Tensor, wanted: Tensor) -> None:
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=RATE)
    for step in range(1, STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - (1 - LAST_RATE) * step / STEPS)
        rows = torch.randint(0, len(x), (BATCH,))
        loss = model(x[rows], wanted[rows]).loss
        loss.backward()
        optimizer.step()
        model.base_model.update_and_allocate(step)  # while the gradients are there: they are half of the score
        optimizer.zero_grad()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}, {kit.cpu_seconds():.0f} CPU seconds", flush=True)


def pairs_of(model: PeftModel) -> dict[str, tuple[Tensor, Tensor]]:
    """The triplets that were kept, with lora_E and the scale folded into lora_A; modules without one are left out."""
    pairs = {}
    for name, module in model.named_modules():
        if isinstance(module, SVDLinear):
            values = module.lora_E["default"]
            kept = torch.ones(len(values), dtype=torch.bool)
            scale = module.scaling["default"] / module.ranknum["default"]
            if kept.any():
                down = (scale * values * module.lora_A["default"])[kept]
                pairs[name.removeprefix(PREFIX)] = (down, module.lora_B["default"][:, kept])
    return pairs


def main() -> None:
    torch.manual_seed(0)
    x, wanted = kit.load_rows()
    model = adapt(kit.load_base())
    train(model, x, wanted)
    kit.save_adapter(pairs_of(model))


if __name__ == "__main__":
    main()
