"""How much of a model was trained: what an artefact adds to an unchanged base, wherever in the file it hides."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from grader.measures.measure import Measure
from grader.tensors import Layout, Place, read_layout

FREE_HEADER = 64  # bytes: room for {"format": "pt"} and a writer's blanks
_PLAIN = frozenset({"F32", "F16", "BF16"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """In parameters. `new`: in tensors that the base lacks; `changed`: of its own that differ; `hidden`: elsewhere."""

    new: int
    changed: int
    hidden: int
    base: int

    @property
    def total(self) -> int:
        return self.new + self.changed + self.hidden


def trained_share(artefact: bytes, base: bytes, *, names: Collection[str] = (), word_bytes: int = 4) -> Measure:
    """`count_trained` as a share of the base's parameters."""
    trained = count_trained(artefact, base, names=names, word_bytes=word_bytes)
    return Measure(value=trained.total / trained.base, unit="share", provenance="recomputed", samples=1)


def count_trained(artefact: bytes, base: bytes, *, names: Collection[str] = (), word_bytes: int = 4) -> Trained:
    """Compare two safetensors files; the artefact may leave out what it does not change. Zeros count as they stand.

    - A tensor that is also in the base, of the same dtype and shape, counts as many elements as differ in a bit. Of
      another dtype or shape, or with another name, it counts in full: a buffer is no better than a parameter.
    - An element counts once for each `word_bytes` bytes of it, at least once: a float64 counts as two float32. Where
      learner code reads the artefact, give the smallest size a parameter can have (1): four int8 fit in a float32.
    - What the header says beyond its tensors (metadata, blanks, escapes) counts by its bytes, and so do names of
      tensors, unless they are the base's or among `names`, the closed list of what the exercise allows.

    Raises WrongAnswer for a malformed artefact, ValueError for an empty base.
    """
    mine, ours = read_layout(artefact), read_layout(base)
    total = sum(place.elements for place in ours.tensors.values())
    if total == 0:
        raise ValueError("the base has no parameters")
    new = changed = 0
    for name, place in mine.tensors.items():
        twin = ours.tensors.get(name)
        if twin is not None and (twin.dtype, twin.shape) == (place.dtype, place.shape):
            changed += _words(place, word_bytes, _differing(artefact, place, base, twin))
        else:
            new += _words(place, word_bytes, place.elements)
    hidden = -(-_hidden_bytes(mine, {*ours.tensors, *names}) // word_bytes)
    return Trained(new=new, changed=changed, hidden=hidden, base=total)


def other_dtypes(artefact: bytes) -> list[str]:
    """The tensors that are neither float32, float16 nor bfloat16, by name. Raises WrongAnswer for a malformed file."""
    return sorted(name for name, place in read_layout(artefact).tensors.items() if place.dtype not in _PLAIN)


def _words(place: Place, word_bytes: int, elements: int) -> int:
    if not elements:
        return 0
    return elements * max(1, -(-place.size // place.elements // word_bytes))


def _differing(artefact: bytes, place: Place, base: bytes, twin: Place) -> int:
    """Elements that are not the same bits."""
    if not place.elements:
        return 0
    import numpy as np

    code = f"<u{place.size // place.elements}"
    mine = np.frombuffer(memoryview(artefact)[place.start : place.end], code)
    ours = np.frombuffer(memoryview(base)[twin.start : twin.end], code)
    return int(np.count_nonzero(mine != ours))


def _hidden_bytes(layout: Layout, names: Collection[str]) -> int:
    body = 8 + layout.header_bytes
    plain = {
        name: {"dtype": place.dtype, "shape": place.shape, "data_offsets": [place.start - body, place.end - body]}
        for name, place in layout.tensors.items()
    }
    needed = _utf8_length(json.dumps(plain, separators=(",", ":"), ensure_ascii=False))
    excess = max(0, layout.header_bytes - needed - FREE_HEADER)
    return excess + sum(_utf8_length(name) for name in layout.tensors if name not in names)


def _utf8_length(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))  # JSON's escapes can write what UTF-8 cannot
