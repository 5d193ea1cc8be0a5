"""Backup and restore of everything that cannot be made again: the database, the secret key, the demo sign-ins.

An archive is a tar.gz (mode 600) of `manifest.json` and the named members, each with its SHA-256. SQLite is copied
by its online backup, PostgreSQL by pg_dump, both while the site runs. A restore keeps what it replaces.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from psycopg.conninfo import make_conninfo

from webapp.config.paths import state_dir

SCHEMA = 1
DATABASE = "database"
SMALL_FILES = ("secret_key", "demo_accounts.txt")
MANIFEST_CAP = 1024**2


class BackupError(Exception):
    """The archive cannot be written or used; the message says what to do."""


def backup_create(target: Path | None = None) -> Path:
    """Write an archive; returns its path. Raises BackupError."""
    path = target or state_dir() / "backups" / f"rankzero-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz"
    if path.exists():
        raise BackupError(f"{path} exists already: choose another name")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as folder:
        members = collect(Path(folder))
        partial = Path(folder) / "archive"
        write_archive(partial, members)
        partial.replace(path)
    return path


def collect(folder: Path) -> dict[str, Path]:
    members = {DATABASE: folder / DATABASE}
    dump_database(members[DATABASE])
    members |= {name: state_dir() / name for name in SMALL_FILES if (state_dir() / name).is_file()}
    return members


def dump_database(target: Path) -> None:
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(target)) as copy:
            connection.ensure_connection()
            assert connection.connection is not None
            connection.connection.backup(copy)
    else:
        run_postgres("pg_dump", "--format=custom", "--no-owner", f"--file={target}")


def run_postgres(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's client programs on the configured database; raises BackupError."""
    if shutil.which(program) is None:
        raise BackupError(f"{program} is not installed: install PostgreSQL's client programs")
    database = settings.DATABASES["default"]
    env = {**os.environ, **({"PGPASSWORD": database["PASSWORD"]} if database["PASSWORD"] else {})}
    argv = [program, f"--dbname={postgres_address(database)}", *arguments]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-500:]}")


def postgres_address(database: dict[str, Any]) -> str:
    """In libpq's words, without the password: other users of the machine see a program's arguments."""
    words = {"dbname": database["NAME"], "user": database["USER"], "host": database["HOST"], "port": database["PORT"]}
    return make_conninfo(**{**database["OPTIONS"], **{name: value for name, value in words.items() if value}})


def sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_archive(path: Path, members: dict[str, Path]) -> None:
    manifest = {
        "schema": SCHEMA,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "vendor": connection.vendor,
        "migrations": applied_migrations(),
        "members": {name: {"sha256": sha256(file), "bytes": file.stat().st_size} for name, file in members.items()},
    }
    raw = json.dumps(manifest, indent=1).encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle, tarfile.open(fileobj=handle, mode="w:gz") as archive:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(raw)
        archive.addfile(info, io.BytesIO(raw))
        for name, file in members.items():
            archive.add(file, arcname=name)


def applied_migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationLoader(connection).applied_migrations)


def backup_restore(source: Path) -> Path | None:
    """Replace the database and secrets by an archive's. The site must be stopped.

    Returns the folder that keeps what was replaced, None if there was nothing. Raises BackupError and changes nothing
    when the archive is damaged, made for another kind of database, or newer than this program.
    """
    with tempfile.TemporaryDirectory(dir=state_dir(), prefix=".restore-") as folder:
        manifest = unpack(source, Path(folder))
        check_manifest(manifest, Path(folder))
        kept = keep_current()
        connections.close_all()
        load_database(Path(folder) / DATABASE)
        for name in SMALL_FILES:
            if (Path(folder) / name).is_file():
                (Path(folder) / name).chmod(0o600)
                (Path(folder) / name).replace(state_dir() / name)
    return kept


def unpack(source: Path, folder: Path) -> dict[str, Any]:
    """Copy only the members that a manifest may name, as plain files; nothing else of the archive touches the disk."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            for info in archive:
                if info.name not in {"manifest.json", DATABASE, *SMALL_FILES} or not info.isfile():
                    raise BackupError(f"{source} holds {info.name!r}, which no backup of ours has")
                stream = archive.extractfile(info)
                assert stream is not None
                with (folder / info.name).open("wb") as target:
                    shutil.copyfileobj(stream, target)
        if (folder / "manifest.json").stat().st_size > MANIFEST_CAP:
            raise BackupError(f"{source}: the manifest is too large")
        manifest = json.loads((folder / "manifest.json").read_text())
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise BackupError(f"{source} is not a readable backup: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise BackupError(f"{source} was written by another version (schema {SCHEMA} is understood here)")
    return manifest


def check_manifest(manifest: dict[str, Any], folder: Path) -> None:
    for name, facts in manifest["members"].items():
        file = folder / name
        if not file.is_file() or sha256(file) != facts["sha256"]:
            raise BackupError(f"the backup is damaged: {name} does not have the checksum that was written with it")
    if DATABASE not in manifest["members"]:
        raise BackupError("the backup holds no database")
    if manifest["vendor"] != connection.vendor:
        raise BackupError(f"this backup is of {manifest['vendor']}, the site is set to {connection.vendor}")
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = sorted(set(manifest["migrations"]) - known)
    if unknown:
        raise BackupError(f"the backup is newer than this program (it knows {unknown[0]}): update, then restore")
    if connection.vendor == "sqlite":
        check_sqlite(folder / DATABASE)


def check_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as copy:
        try:
            verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise BackupError(f"the backup's database cannot be read: {error}") from error
    if verdict != "ok":
        raise BackupError(f"the backup's database is damaged: {verdict}")


def database_path() -> Path:
    return Path(settings.DATABASES["default"]["NAME"])


def keep_current() -> Path | None:
    if connection.vendor == "sqlite" and not database_path().exists():
        return None
    kept = state_dir() / "backups" / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    kept.mkdir(mode=0o700, parents=True)
    dump_database(kept / DATABASE)
    for name in SMALL_FILES:
        if (state_dir() / name).is_file():
            shutil.copy2(state_dir() / name, kept / name)
    return kept


def load_database(source: Path) -> None:
    if connection.vendor == "sqlite":
        for suffix in ("-wal", "-shm"):  # they belong to the database that is being replaced
            database_path().with_name(database_path().name + suffix).unlink(missing_ok=True)
        shutil.move(source, database_path())
    else:
        run_postgres("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(source))
