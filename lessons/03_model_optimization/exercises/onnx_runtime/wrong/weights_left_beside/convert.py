"""The export, and the eight-bit graph made from it."""

from __future__ import annotations

import torch
from kit import try_it
from onnxruntime.quantization import QuantType, quantize_dynamic


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
        verbose=False,
    )
    quantize_dynamic(
        folder / "model.onnx",
        folder / "model.int8.onnx",
        weight_type=QuantType.QInt8,  # signed: activations are unsigned, and u8 x s8 is what the CPU multiplies fast
        per_channel=True,  # some rows of the query matrices are 128 times as large as others
    )


if __name__ == "__main__":
    try_it(convert)
