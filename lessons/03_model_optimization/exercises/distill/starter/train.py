"""Trains a small network on the few labels. There is a teacher, and many rows without labels: use them.

Run this file (`python train.py`) to rehearse on a task of its own.
"""

from __future__ import annotations

import kit
import torch
from torch.nn import functional as F

SIZES = (kit.INPUTS, 80, 80, kit.CLASSES)  # 0.123 of the teacher
STEPS, BATCH, RATE = 400, 64, 3e-3


def main() -> None:
    torch.manual_seed(0)
    data = kit.read_data()
    student = kit.Network(*SIZES)
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)
    for _ in range(STEPS):
        some = torch.randint(len(data.labels), (BATCH,))
        loss = F.cross_entropy(student(data.labelled[some]), data.labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    kit.save_student(student)


if __name__ == "__main__":
    kit.launch(main)
