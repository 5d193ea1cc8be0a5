"""Turns a PyTorch model into two ONNX files: one in float32, one in eight bits.

Run this file (`python convert.py`) to see what ONNX Runtime makes of them.
"""

from __future__ import annotations

import shutil

import torch
from kit import try_it


def convert(model, folder):
    """Write folder / "model.onnx" and folder / "model.int8.onnx"."""
    ids = torch.randint(256, (2, 64))
    torch.onnx.export(
        model,
        (ids,),
        folder / "model.onnx",
        input_names=["ids"],
        output_names=["logits"],
        dynamic_shapes=({0: "batch", 1: "time"},),
        external_data=False,
        verbose=False,
    )
    shutil.copy(folder / "model.onnx", folder / "model.int8.onnx")  # and now in eight bits


if __name__ == "__main__":
    try_it(convert)
