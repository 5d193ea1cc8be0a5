"""The export, and the eight-bit graph made from it."""

from __future__ import annotations

import torch
from kit import try_it
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process


def convert(model, folder):
    """Write folder / "model.onnx" and folder / "model.int8.onnx"."""
    ids = torch.randint(256, (2, 64))
    torch.onnx.export(
        model,
        (ids,),
        folder / "model.onnx",
        input_names=["ids"],
        output_names=["logits"],
        external_data=False,
        verbose=False,
    )
    # The head is the embedding, transposed. Folded into a constant of its own, it is a matrix that can be quantised.
    quant_pre_process(folder / "model.onnx", folder / "folded.onnx", skip_symbolic_shape=True)
    quantize_dynamic(
        folder / "folded.onnx",
        folder / "model.int8.onnx",
        weight_type=QuantType.QInt8,  # signed: activations are unsigned, and u8 x s8 is what the CPU multiplies fast
        per_channel=True,  # some rows of the query matrices are 128 times as large as others
    )


if __name__ == "__main__":
    try_it(convert)
