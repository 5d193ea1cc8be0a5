"""`verified.lock`: the state of each exercise that was last verified: content, grader and the lab's exact versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from grader.boxes import ROOT
from lessons.files import content_hash
from lessons.loader import Exercise
from lessons.schema import Tier


class VerifiedLock:
    """Maps `<lesson>/<exercise>` to tier → state; one file for each folder of lessons."""

    def __init__(self, root: Path) -> None:
        self._path = path = root / "verified.lock"
        self._states: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}

    @classmethod
    def of(cls, exercise: Exercise) -> VerifiedLock:
        """The lock of the lessons that this exercise is among."""
        return cls(exercise.folder.parents[2])

    def is_current(self, exercise: Exercise, tiers: Sequence[Tier]) -> bool:
        verified = self._states.get(exercise.key, {})
        return bool(tiers) and all(verified.get(tier) == state_of(exercise) for tier in tiers)

    def record(self, exercise: Exercise, tiers: Sequence[Tier]) -> None:
        """Note these tiers as verified, and write the file."""
        state = state_of(exercise)
        kept = {tier: old for tier, old in self._states.get(exercise.key, {}).items() if old == state}
        self._states[exercise.key] = kept | dict.fromkeys(tiers, state)
        self._path.write_text(json.dumps(self._states, indent=1, sort_keys=True) + "\n")


def state_of(exercise: Exercise) -> str:
    """sha256 over content, grader, guest programs and the lab's exact versions."""
    return hashlib.sha256(f"{exercise.content_hash}\0{_machinery_hash()}".encode()).hexdigest()


@cache
def _machinery_hash() -> str:
    lab = (ROOT / "requirements" / "lab-cpu.txt").read_bytes()
    parts = [content_hash(ROOT / "grader"), content_hash(ROOT / "sandbox" / "guest"), hashlib.sha256(lab).hexdigest()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
