"""What the judge calls: numpy arrays come in, nf4.py works on tensors, numpy arrays go back. Read-only."""

from __future__ import annotations

import nf4
import numpy as np
import torch

torch.set_num_threads(1)


def quantise(weight: np.ndarray) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in nf4.quantise(torch.tensor(weight)).items()}


def linear(x: np.ndarray, packed: dict[str, np.ndarray]) -> np.ndarray:
    tensors = {name: torch.tensor(array) for name, array in packed.items()}
    return nf4.linear(torch.tensor(x), tensors).detach().float().numpy()
