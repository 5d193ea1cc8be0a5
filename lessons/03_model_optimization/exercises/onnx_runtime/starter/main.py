"""What the judge calls. It has graphs made in one box and run in another, which never imports convert.py. Read-only."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import kit
import numpy as np
import onnx
import onnxruntime

state: dict[str, onnxruntime.InferenceSession] = {}


def convert_model(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The bytes of the files that `convert` wrote."""
    import convert  # here alone

    with tempfile.TemporaryDirectory() as folder:
        convert.convert(kit.load_model(weights), Path(folder))
        paths = [Path(folder) / name for name in kit.FILES]
        return {path.name: np.fromfile(path, np.uint8) for path in paths if path.is_file()}


def inspect(graph: np.ndarray) -> dict[str, object]:
    """What a file holds: operators by number, their domains, and whether it is whole."""
    try:
        model = onnx.load_from_string(graph.tobytes())
        tensors = [*model.graph.initializer]
        outside = [tensor.name for tensor in tensors if tensor.data_location == onnx.TensorProto.EXTERNAL]
        if not outside:
            onnx.checker.check_model(model)
    except Exception as error:  # the file is another program's: whatever is wrong with it is the answer
        nothing: dict[str, object] = {"outside": [], "operators": {}, "domains": [], "inputs": [], "outputs": []}
        return {"problem": f"{type(error).__name__}: {error}"[:400], **nothing}
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    return {
        "problem": "",
        "outside": outside[:3],
        "operators": dict(Counter(node.op_type for node in nodes)),
        "domains": sorted({node.domain for node in nodes}),
        "inputs": [entry.name for entry in model.graph.input],
        "outputs": [entry.name for entry in model.graph.output],
    }


def deploy(graph: np.ndarray, weights: dict[str, np.ndarray]) -> dict[str, str]:
    """Open a session. `weights` are for the baseline, which is asked the same."""
    try:
        state["session"] = kit.open_session(graph.tobytes())
    except Exception as error:  # as above
        return {"runs": "onnx", "problem": f"{type(error).__name__}: {error}"[:400]}
    return {"runs": "onnx", "problem": ""}


def answer(requests: list[np.ndarray]) -> dict[str, object]:
    """Logits of each request, one after the other."""
    try:
        return {"logits": [state["session"].run(["logits"], {"ids": ids})[0] for ids in requests], "problem": ""}
    except Exception as error:  # as above
        return {"logits": [], "problem": f"{type(error).__name__}: {error}"[:400]}
