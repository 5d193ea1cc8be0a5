"""What must be true of a site after whatever happened: each checker returns faults as texts, [] when all is well."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psutil

UNMADE = ("infra_error", "cancelled")
FINAL = ("done", "cancelled")
AUDIT = """
CREATE TABLE IF NOT EXISTS chaos_verdict (run TEXT NOT NULL, verdict TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS chaos_audit AFTER UPDATE OF verdict ON submissions_run WHEN NEW.verdict != ''
BEGIN INSERT INTO chaos_verdict VALUES (NEW.id, NEW.verdict); END;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """`second`: a run that confirms or regrades another one. `writes`: how often a verdict was written to it."""

    id: str
    submission: str
    learner: str
    tier: str
    status: str
    verdict: str
    tries: int
    second: bool
    writes: int


def database(state: Path) -> sqlite3.Connection:
    """A connection of the tests' own; close it."""
    return sqlite3.connect(state / "db.sqlite3", timeout=30, isolation_level=None)


def audit(state: Path) -> None:
    """From now on every write of a verdict is noted, by a trigger: two writes of one run cannot hide."""
    with closing(database(state)) as connection:
        connection.executescript(AUDIT)


def read_runs(state: Path) -> list[RunRow]:
    query = (
        "SELECT r.id, r.submission_id, u.username, r.tier, r.status, r.verdict, r.tries,"
        " r.confirms_id IS NOT NULL OR r.regrade_id IS NOT NULL,"
        " (SELECT COUNT(*) FROM chaos_verdict AS v WHERE v.run = r.id)"
        " FROM submissions_run AS r JOIN accounts_user AS u ON u.id = r.learner_id WHERE r.kind = 'submission'"
    )
    names = ("id", "submission", "learner", "tier", "status", "verdict", "tries", "second", "writes")
    with closing(database(state)) as connection:
        return [RunRow(**dict(zip(names, plain(row), strict=True))) for row in connection.execute(query)]


def plain(row: tuple[object, ...]) -> list[object]:
    values = [str(UUID(str(row[0]))), str(UUID(str(row[1]))), *row[2:]]
    values[7] = bool(values[7])
    return values


def open_runs(rows: Iterable[RunRow]) -> list[RunRow]:
    return [row for row in rows if row.status not in FINAL]


def run_faults(rows: Iterable[RunRow], promised: Iterable[str]) -> list[str]:
    """Every submission has exactly one final verdict, written once; what was promised to a learner is there."""
    rows = list(rows)
    faults = [f"run {row.id} is {row.status} for ever" for row in open_runs(rows)]
    faults += [f"run {row.id} got {row.writes} verdicts" for row in rows if row.status in FINAL and row.writes != 1]
    faults += [f"run {row.id} took {row.tries} tries" for row in rows if row.tries > 3]
    first = defaultdict(list)
    for row in rows:
        first[row.submission] += [] if row.second else [row.id]
    faults += [f"submission {one} has {len(runs)} first runs" for one, runs in first.items() if len(runs) != 1]
    faults += [f"run {run} was promised and is lost" for run in sorted(set(promised) - {row.id for row in rows})]
    return faults


def attempts(rows: Iterable[RunRow]) -> Counter[str]:
    """Learner → attempts, by the rule as the documents state it."""
    return Counter(
        row.learner
        for row in rows
        if row.tier != "smoke" and not row.second and row.verdict and row.verdict not in UNMADE
    )


def folder_faults(folder: Path) -> list[str]:
    """Of a site's folder for temporary files: nothing there but its sockets, and homes of judges that live."""
    used = {path for path in (cwd_of(pid) for pid in psutil.pids()) if path is not None}
    faults = []
    for path in sorted(folder.iterdir()):
        is_home = path.name.startswith("rankzero-judge-") and path in used
        is_sockets = path.name.startswith(f"rankzero-{os.getuid()}-")
        if not is_home and not is_sockets:
            faults.append(f"{path} is left")
    return faults


def cwd_of(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def cgroup_faults(boxds: Iterable[int], root: Path = Path("/sys/fs/cgroup")) -> list[str]:
    """No control group is left of these ended processes that made boxes."""
    marks = tuple(f"-{pid}-" for pid in boxds)
    names = (Path(folder) / name for folder, names, _ in os.walk(root) for name in names)
    found = [path for path in names if path.name.startswith("rankzero-") and any(mark in path.name for mark in marks)]
    return [f"control group {path} is left" for path in found]


def box_faults(status: dict[str, list[object]]) -> list[str]:
    """Of boxd's own status while nothing runs."""
    return [f"boxd still has {what}: {status[what]}" for what in ("boxes", "pods", "leases") if status[what]]


def process_faults(pids: Iterable[int], top: int) -> list[str]:
    """Processes of the site that its supervisor does not have any more."""
    return [f"process {pid} is an orphan: {line}" for pid in pids if (line := orphan(pid, top))]


def orphan(pid: int, top: int) -> str:
    """Its command line when it is one, else ""; one that has ended meanwhile is none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or top in (parent.pid for parent in process.parents()):
            return ""
        return " ".join(process.cmdline()) or process.name()
    except psutil.NoSuchProcess:
        return ""
