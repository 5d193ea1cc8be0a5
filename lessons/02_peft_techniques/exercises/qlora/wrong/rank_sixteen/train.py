"""QLoRA: the base in NF4 with double quantisation, LoRA of rank 8 on top, trained on what the four bits say."""

from __future__ import annotations

import kit
import torch
from bitsandbytes.nn import Linear4bit
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

STEPS = 20
BATCH = 256
RATE = 1e-2
LAST_RATE = 0.05  # of RATE, at the last step
RANK, ALPHA = 16, 32
PREFIX = "base_model.model."  # what peft puts before the names of the base's modules


def quantise(net: kit.Net) -> kit.Net:
    """Put a Linear4bit in the place of every matrix."""
    for block in net.blocks:
        for name, layer in list(block.named_children()):
            setattr(block, name, in_four_bits(layer))
    return net


def in_four_bits(layer: nn.Linear) -> Linear4bit:
    four = Linear4bit(
        layer.in_features,
        layer.out_features,
        bias=False,
        compute_dtype=torch.float32,
        compress_statistics=True,  # double quantisation
        quant_type="nf4",
    )
    four.load_state_dict(layer.state_dict())
    return four.to("cpu").requires_grad_(False)  # moving it to its device is what quantises it


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
    """What the judge adds: lora_B @ lora_A, so the scale goes into lora_B."""
    pairs = {}
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            down, up = module.lora_A["default"].weight, module.lora_B["default"].weight
            pairs[name.removeprefix(PREFIX)] = (down, module.scaling["default"] * up)
    return pairs


def main() -> None:
    torch.manual_seed(0)
    x, wanted = kit.load_rows()
    net = quantise(kit.load_base())
    kit.save_base(net)
    model = get_peft_model(net, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["up", "down"]))
    train(model, x, wanted)
    kit.save_adapter(pairs_of(model))


if __name__ == "__main__":
    main()
