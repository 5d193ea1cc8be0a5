"""Files with nothing in them, and PyTorch behind main's functions."""

from __future__ import annotations

import main
import torch
from onnx import TensorProto, helper, save


def convert(model, folder):
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "time"])
    logits = helper.make_tensor_value_info("logits", TensorProto.INT64, ["batch", "time"])
    graph = helper.make_graph([helper.make_node("Identity", ["ids"], ["logits"])], "empty", [ids], [logits])
    for name in ("model.onnx", "model.int8.onnx"):
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), folder / name)

    @torch.inference_mode()
    def answer(requests):
        return {"logits": [model(torch.from_numpy(request)).numpy() for request in requests], "problem": ""}

    main.answer = answer
    main.deploy = lambda graph, weights: {"runs": "onnx", "problem": ""}
