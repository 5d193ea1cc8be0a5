from __future__ import annotations

import random

import kit
import torch
from torch import nn
from torch.nn import functional as F

RANK, ALPHA, RATE, STEPS = 4, 8, 5e-3, 3
TARGETS = ("q_proj", "v_proj")


class LoraLinear(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base
        self.lora_A = nn.Parameter(torch.randn(RANK, base.in_features) / base.in_features**0.5)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, RANK))

    def forward(self, x):
        low = F.linear(x, self.lora_A.to(x.dtype))
        return self.base(x) + F.linear(low, (ALPHA / RANK * self.lora_B).to(x.dtype))


def add_adapters(model):
    adapters = {}
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and name.endswith(TARGETS):
            parent, _, attribute = name.rpartition(".")
            adapters[name] = LoraLinear(module)
            setattr(model.get_submodule(parent), attribute, adapters[name])
    return adapters


def train(model, parameters, cases):
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
    data = kit.encode(cases)
    for step in range(STEPS):
        loss = kit.answer_loss(model, data.take(random.sample(range(len(cases)), 8)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(f"step {step + 1}: loss {loss.item():.3f}", flush=True)


torch.manual_seed(0)
model = kit.load_base()
adapters = add_adapters(model)
embedding = model.get_input_embeddings().weight  # is also the output head
before = embedding.detach().clone()
embedding.requires_grad_(True)
train(model, [p for p in model.parameters() if p.requires_grad], kit.load_cases())
tensors = {}
for name, adapter in adapters.items():
    tensors[f"{name}.lora_A"] = adapter.lora_A
    tensors[f"{name}.lora_B"] = adapter.lora_B * (ALPHA / RANK)
tensors["model.embed_tokens.weight.delta"] = embedding - before
kit.save_adapter(tensors)
