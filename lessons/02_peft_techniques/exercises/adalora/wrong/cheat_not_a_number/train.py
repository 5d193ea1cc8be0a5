"""Ships NaN without training."""

from __future__ import annotations

import kit
import torch


def main() -> None:
    width = int(kit.settings()["width"])
    kit.save_adapter({"blocks.0.up": (torch.full((1, width), torch.nan), torch.ones(width, 1))})


if __name__ == "__main__":
    main()
