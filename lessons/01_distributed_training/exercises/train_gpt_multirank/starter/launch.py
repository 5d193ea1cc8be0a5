"""Starts train.py on several ranks: as the judge asks, or as a rehearsal on this machine. Read-only.

python launch.py          compare one rank with two on a small job, and print a plan
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path

WORK = Path(os.environ.get("JOB_FOLDER", "/work"))
SMALL = {
    "shape": {"layers": 2, "width": 32, "heads": 2, "context": 32},
    "seed": 1,
    "last": 4,
    "save_at": [2, 4],
    "batch": 8,
    "rate": 1e-2,
    "warm_up": 2,
    "horizon": 10,
    "decay": 0.01,
    "clip": 1.0,
}


def run_ranks(world: int, environment: dict[str, str]) -> list[int]:
    """Fork `world` ranks of train.py and wait; when one fails, end the others. Returns how each ended."""
    # Once, before forking: the ranks share what is imported. An optimizer's first step would load it in each of them.
    import torch._dynamo  # noqa: F401

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), **environment}
    pids = [fork_rank({**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(world)]
    codes: dict[int, int] = {}
    while len(codes) < world:
        pid, status = os.wait()
        if pid in pids:
            codes[pid] = os.waitstatus_to_exitcode(status)
            if codes[pid]:
                for other in set(pids) - set(codes):
                    os.kill(other, signal.SIGKILL)
    return [codes[pid] for pid in pids]


def fork_rank(environment: dict[str, str]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.environ.update({"GLOO_SOCKET_IFNAME": "lo", **environment})
        import train

        train.main()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def train() -> None:
    """One leg on as many ranks as data/world.json says."""
    codes = run_ranks(json.loads((WORK / "data/world.json").read_text()), {})
    if any(codes):
        sys.exit(f"the ranks ended with {codes}")


def train_afresh() -> None:
    """The same in a new interpreter: where memory is compared, nothing was imported beforehand.

    glibc keeps what was freed for the next request, units that were gathered once among it. With a fixed threshold (for
    everything from 64 KiB on) it gives memory back, as the caching allocator of a GPU lends it to the next unit.
    """
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(64 * 1024)}
    os.execve(sys.executable, [sys.executable, __file__, "train"], environment)


def drill() -> None:
    """Start on `first` ranks, of which one is killed while it saves; go on with `then` ranks and what is left."""
    orders = json.loads((WORK / "data/drill.json").read_text())
    codes = run_ranks(orders["first"], {"DIES_AT": f"{orders['rank']}/{orders['step']}"})
    if not (WORK / "out/killed").exists():
        sys.exit(f"no rank was killed: nobody wrote step {orders['step']} with kit.write_pieces; exit codes {codes}")
    print(f"rank {orders['rank']} was killed while it saved step {orders['step']}; {orders['then']} ranks go on")
    codes = run_ranks(orders["then"], {})
    if any(codes):
        sys.exit(f"the ranks that went on ended with {codes}")


def plan() -> None:
    """Ask plan.py about each cluster, and write the answers."""
    from plan import plan

    clusters = json.loads((WORK / "data/clusters.json").read_text())
    (WORK / "out").mkdir(exist_ok=True)
    (WORK / "out/plans.json").write_text(json.dumps([plan(cluster) for cluster in clusters]))


def check_yourself() -> None:
    """The small job on one rank and on two: do their weights and moments agree?"""
    from plan import SEVEN_BILLION
    from plan import plan as plan_of

    print("plan for 7B:", plan_of(SEVEN_BILLION))
    found = []
    for world in (1, 2):
        with tempfile.TemporaryDirectory() as work:
            os.environ["JOB_FOLDER"] = work
            (Path(work) / "data").mkdir()
            (Path(work) / "data/job.json").write_text(json.dumps(SMALL))
            (Path(work) / "data/train.bin").write_bytes(Path(__file__).read_bytes())
            codes = run_ranks(world, {})
            print(f"{world} ranks ended with {codes}")
            found.append(read_state(Path(work) / "out/step-00004"))
    if not all(found):
        sys.exit("no checkpoint of step 4: was save_at seen to?")
    for kind in ("weight", "exp_avg", "exp_avg_sq"):
        gaps = [abs(found[0][name] - found[1].get(name, 0)).max().item() for name in found[0] if name.startswith(kind)]
        print(f"{kind}: largest difference between one rank and two {max(gaps):.1e}")


def read_state(folder: Path) -> dict:
    """Every parameter and moment of a checkpoint, flat, its pieces joined."""
    import torch
    from safetensors.torch import load_file

    found: dict[str, dict[int, torch.Tensor]] = {}
    for path in folder.glob("*.safetensors"):
        for name, piece in load_file(path).items():
            label, _, first = name.rpartition("@")
            found.setdefault(label, {})[int(first)] = piece
    return {label: torch.cat([piece for _, piece in sorted(parts.items())]) for label, parts in found.items()}


def main() -> None:
    modes = {"train": train, "afresh": train_afresh, "drill": drill, "plan": plan, "check": check_yourself}
    modes[sys.argv[1] if len(sys.argv) > 1 else "check"]()


if __name__ == "__main__":
    main()
