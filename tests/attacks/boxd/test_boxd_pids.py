"""Which processes a box is made of, asked through boxd: for whoever watches a device that they share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.boxd_process import soon, spec

pytestmark = pytest.mark.box


def names(pids: list[int]) -> set[str]:
    found = set()
    for pid in pids:
        try:
            found.add(Path(f"/proc/{pid}/comm").read_text().strip())
        except OSError:
            continue
    return found


def test_a_box_names_its_own_processes_and_no_others(remote):
    boxes = [remote.prepare(spec()) for _ in range(2)]
    assert [box.pids() for box in boxes] == [[], []]
    processes = [box.start(["/bin/sh", "-c", "sleep 50 & sleep 51"]) for box in boxes]
    assert soon(lambda: all("sleep" in names(box.pids()) and len(box.pids()) >= 3 for box in boxes))
    first, second = (set(box.pids()) for box in boxes)
    assert not first & second
    processes[0].close()
    assert boxes[0].pids() == []
    assert "sleep" in names(boxes[1].pids())
    processes[1].close()
