"""Exports the model, and for the eight bits a model with a layer less."""

from __future__ import annotations

import torch
from kit import try_it
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process


def export(model, path):
    ids = torch.randint(256, (2, 64))
    torch.onnx.export(
        model,
        (ids,),
        path,
        input_names=["ids"],
        output_names=["logits"],
        dynamic_shapes=({0: "batch", 1: "time"},),
        external_data=False,
        verbose=False,
    )


def convert(model, folder):
    """Write folder / "model.onnx" and folder / "model.int8.onnx"."""
    export(model, folder / "model.onnx")
    model.blocks = model.blocks[:3]
    export(model, folder / "small.onnx")
    # The head is the embedding, transposed. Folded into a constant of its own, it is a matrix that can be quantised.
    quant_pre_process(folder / "small.onnx", folder / "folded.onnx", skip_symbolic_shape=True)
    quantize_dynamic(
        folder / "folded.onnx",
        folder / "model.int8.onnx",
        weight_type=QuantType.QInt8,  # signed: activations are unsigned, and u8 x s8 is what the CPU multiplies fast
        per_channel=True,  # some rows of the query matrices are 128 times as large as others
    )


if __name__ == "__main__":
    try_it(convert)
