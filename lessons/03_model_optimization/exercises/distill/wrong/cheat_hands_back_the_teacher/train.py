"""The teacher, under another name."""

from __future__ import annotations

import kit


def main() -> None:
    kit.save_student(kit.read_teacher())


if __name__ == "__main__":
    kit.launch(main)
