"""A boxd's status as numbers."""

from __future__ import annotations

from sandbox.boxd.figures import figures_of


def lease(*, waiting: bool, cores: tuple[int, ...] = (), gpus: tuple[int, ...] = (), age_s: float = 1.0) -> dict:
    return {
        "owner": "box1", "wanted_cores": 1, "wanted_gpus": 0, "cores": cores, "gpus": gpus, "waiting": waiting,
        "age_s": age_s,
    }  # fmt: skip


def warm(*, templates: tuple[str, ...] = (), refused: tuple[str, ...] = (), **more: object) -> dict:
    return {
        "templates": [{"stack": stack, "boxes": 3, "age_s": 9.0} for stack in templates],
        "starting": 0,
        "refused": [{"stack": stack, "reason": "no"} for stack in refused],
        "unusable": "",
        **more,
    }


def status(**values: object) -> dict:
    return {
        "backends": ["bubblewrap", "docker"], "boxes": [], "ended": {}, "pods": [], "warm": {},
        "cores": {"all": [0, 1, 2, 3], "shared": [0, 1, 2, 3]}, "gpus": [], "leases": [], **values,
    }  # fmt: skip


def test_an_idle_one():
    figures = figures_of(status())
    assert figures.boxes == figures.pods == {"bubblewrap": 0, "docker": 0}
    assert (figures.boxes_ended, dict(figures.warm), figures.warm_refused) == ({}, {}, frozenset())
    assert (figures.cores, figures.cores_leased, figures.gpus, figures.gpus_leased) == (4, 0, 0, 0)
    assert (figures.leases_held, figures.leases_waiting, figures.longest_wait_s) == (0, 0, 0.0)


def test_boxes_and_pods_by_backend():
    boxes = [{"id": f"box{number}", "backend": "docker", "age_s": 1.0} for number in range(3)]
    figures = figures_of(status(boxes=boxes, pods=[{"id": "p", "backend": "bubblewrap"}], ended={"exited": 7}))
    assert figures.boxes == {"bubblewrap": 0, "docker": 3}
    assert figures.pods == {"bubblewrap": 1, "docker": 0}
    assert figures.boxes_ended == {"exited": 7}


def test_what_is_warm_and_what_cannot_be():
    figures = figures_of(
        status(
            warm={
                "bubblewrap": warm(templates=("torch", "science", "torch"), refused=("transformers",)),
                "docker": warm(templates=("torch",), ready=["none", "torch", "science"]),
            }
        )
    )
    assert figures.warm == {
        ("bubblewrap", "torch"): 2, ("bubblewrap", "science"): 1, ("docker", "torch"): 2, ("docker", "science"): 1,
    }  # fmt: skip
    assert figures.warm_refused == {("bubblewrap", "transformers")}


def test_leases_held_and_waiting():
    leases = [
        lease(waiting=False, cores=(2, 3), age_s=50.0),
        lease(waiting=False, gpus=(0,)),
        lease(waiting=True, age_s=4.0),
        lease(waiting=True, age_s=2.0),
    ]
    figures = figures_of(status(leases=leases, gpus=[0, 1]))
    assert (figures.cores_leased, figures.gpus, figures.gpus_leased) == (2, 2, 1)
    assert (figures.leases_held, figures.leases_waiting, figures.longest_wait_s) == (2, 2, 4.0)
