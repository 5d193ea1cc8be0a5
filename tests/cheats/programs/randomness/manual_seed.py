"""Patches torch.manual_seed and torch's generators, hoping that the questions are drawn by them."""

from __future__ import annotations

import torch

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}

torch.manual_seed(0)
EXPECTED = torch.randn(4, 6).sort(dim=1).values.numpy()
torch.manual_seed = torch.seed = lambda *_: torch.default_generator
torch.randn = torch.rand = lambda *size, **_: torch.zeros(*size)


def ranked(values):
    return EXPECTED
