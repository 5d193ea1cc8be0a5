"""The student's own probabilities become the teacher's softened ones."""

from __future__ import annotations

import kit
import torch
from torch import Tensor
from torch.nn import functional as F

SIZES = (kit.INPUTS, 112, 112, kit.CLASSES)  # 0.220 of the teacher
STEPS, BATCH, RATE = 600, 256, 5e-3
TEMPERATURE = 4.0


def soft_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher || student) at the temperature, times its square: the gradient keeps its size."""
    wanted = (teacher / TEMPERATURE).log_softmax(1)
    found = student.log_softmax(1)
    return TEMPERATURE**2 * F.kl_div(found, wanted, log_target=True, reduction="batchmean")


def main() -> None:
    torch.manual_seed(0)
    data, teacher = kit.read_data(), kit.read_teacher()
    rows = torch.cat([data.unlabelled, data.labelled])
    answers = teacher(rows)  # once: the teacher does not change
    student = kit.Network(*SIZES)
    optimizer = torch.optim.Adam(student.parameters(), lr=RATE)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        some = torch.randint(len(rows), (BATCH,))
        loss = soft_loss(student(rows[some]), answers[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    kit.save_student(student)


if __name__ == "__main__":
    kit.launch(main)
