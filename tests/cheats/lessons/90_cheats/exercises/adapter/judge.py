"""A hidden rank-one change of a base matrix, to be learnt from data."""

from __future__ import annotations

import numpy as np

from grader.api import Bench, WrongAnswer, measures, read_safetensors, write_safetensors

SIZE = 16


def judge(bench: Bench) -> None:
    draw = bench.rng.child("data").numpy()
    base = draw.normal(size=(SIZE, SIZE)).astype(np.float32)
    wanted = base + np.outer(draw.normal(size=SIZE), draw.normal(size=SIZE))
    train, held_out = draw.normal(size=(60, SIZE)), draw.normal(size=(60, SIZE))
    shipped = write_safetensors({"base": base})
    result = bench.candidate().train(
        files={
            "data/base.safetensors": shipped,
            "data/train.safetensors": write_safetensors({"x": train, "y": train @ wanted.T}),
        },
        outputs={"adapter.safetensors": 64 * 1024},
        ranks=int(bench.sizes["ranks"]),
    )
    artefact = result.artefacts["adapter.safetensors"]
    bench.metric("trained_share", measures.trained_share(artefact, shipped, names=("u", "v"), word_bytes=4))
    error = float(np.mean((held_out @ (adapted(artefact, base) - wanted).T) ** 2))
    if not np.isfinite(error):
        raise WrongAnswer("adapter.safetensors holds numbers that are not finite")
    bench.metric("error", error, samples=len(held_out), provenance="recomputed")


def adapted(artefact: bytes, base: np.ndarray) -> np.ndarray:
    """As generous as a reader can be: a whole matrix is taken, too; its share tells."""
    tensors = read_safetensors(artefact)
    if "base" in tensors and tensors["base"].shape == base.shape:
        return tensors["base"].astype(np.float64)
    if not {"u", "v"} <= set(tensors) or tensors["u"].shape != (SIZE, 1) or tensors["v"].shape != (1, SIZE):
        raise WrongAnswer("adapter.safetensors must hold u of (16, 1) and v of (1, 16)")
    with np.errstate(all="ignore"):
        return base + tensors["u"].astype(np.float64) @ tensors["v"].astype(np.float64)
