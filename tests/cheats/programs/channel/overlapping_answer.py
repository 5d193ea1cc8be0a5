"""Answers with a safetensors file in which two tensors share their bytes."""

from __future__ import annotations

import json
import os

from kit import asked, frame

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "overlaps"}


def ranked(values):
    place = {"dtype": "F32", "shape": [4, 6], "data_offsets": [0, 96]}
    head = json.dumps({"0": place, "1": place}).encode()
    tree = b'[{"a":0},{"a":1}]'
    payload = len(tree).to_bytes(4, "big") + tree + len(head).to_bytes(8, "little") + head + bytes(96)
    os.write(3, frame({"nonce": asked(), "kind": "value"}, payload))
    return values
