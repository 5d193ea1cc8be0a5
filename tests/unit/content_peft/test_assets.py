"""Assets are built once, from exactly the listed file. The package here is a real one: pytest, which is installed."""

from __future__ import annotations

import hashlib
import shutil
import threading
from importlib import metadata
from pathlib import Path

import pytest

from grader import assets

SOURCE = "pytest/__init__.py"


def write_list(path: Path, **changes: object) -> None:
    source = Path(str(metadata.distribution("pytest").locate_file(SOURCE)))
    entry = {
        "name": "sample",
        "title": "A file of pytest's",
        "kind": "data",
        "package": "pytest",
        "version": metadata.version("pytest"),
        "source": SOURCE,
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "licence": "MIT",
        "attribution": "pytest's authors",
        "homepage": "https://pytest.org",
        "builder": "llama_from_gguf",
        "revision": 1,
        "megabytes": 1,
    } | changes
    lines = [f"{key} = {value!r}" for key, value in entry.items() if value is not None]
    path.write_text("\n".join(["schema = 1", "[[asset]]", *lines]) + "\n")


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A list and a state folder of this test's own, and a builder that copies; returns what it was called with."""
    calls: list[Path] = []

    def copy(source: Path, folder: Path, progress: assets.Progress) -> None:
        calls.append(source)
        shutil.copy(source, folder / "copy")
        (folder / "copy").chmod(0o600)

    monkeypatch.setenv("RANKZERO_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / "assets.toml")
    monkeypatch.setattr(assets.load_assets, "__defaults__", (tmp_path / "assets.toml",))
    monkeypatch.setitem(assets._BUILDERS, "llama_from_gguf", copy)
    write_list(tmp_path / "assets.toml")
    return calls


def quiet(_line: str) -> None:
    pass


def test_it_lists_the_model_of_the_course() -> None:
    listed = assets.load_assets(assets.ROOT / "lessons" / "assets.toml")
    assert listed["smollm2-135m-instruct"].licence == "Apache-2.0"


def test_it_builds_once_and_finds_it_again(builds: list[Path]) -> None:
    folder = assets.ensure("sample", quiet)
    assert assets.ensure("sample", quiet) == assets.locate("sample") == folder
    assert len(builds) == 1


def test_it_makes_files_readable_for_the_boxes_user(builds: list[Path]) -> None:
    folder = assets.ensure("sample", quiet)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert folder.stat().st_mode & 0o777 == 0o755


def test_it_builds_once_for_two_that_ask_together(builds: list[Path]) -> None:
    threads = [threading.Thread(target=assets.ensure, args=("sample", quiet)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1


def test_it_says_how_to_build_what_is_missing(builds: list[Path]) -> None:
    with pytest.raises(assets.AssetError, match=r"python -m grader\.assets build sample"):
        assets.locate("sample")


def test_it_names_what_there_is_when_asked_for_another(builds: list[Path]) -> None:
    with pytest.raises(assets.AssetError, match="has: sample"):
        assets.locate("gpt-5")


def test_it_notices_a_file_that_was_cut_short(builds: list[Path]) -> None:
    (assets.ensure("sample", quiet) / "copy").write_text("")
    with pytest.raises(assets.AssetError, match="is not built"):
        assets.locate("sample")
    assets.ensure("sample", quiet)
    assert len(builds) == 2


def test_it_builds_again_for_a_new_revision(builds: list[Path], tmp_path: Path) -> None:
    assets.ensure("sample", quiet)
    write_list(tmp_path / "assets.toml", revision=2)
    with pytest.raises(assets.AssetError):
        assets.locate("sample")
    assets.ensure("sample", quiet)
    assert len(builds) == 2


def test_it_refuses_another_file_than_the_listed(builds: list[Path], tmp_path: Path) -> None:
    write_list(tmp_path / "assets.toml", sha256="0" * 64)
    with pytest.raises(assets.AssetError, match="reinstall pytest"):
        assets.ensure("sample", quiet)
    assert not builds


def test_it_refuses_another_version_of_the_package(builds: list[Path], tmp_path: Path) -> None:
    write_list(tmp_path / "assets.toml", version="0.0.1")
    with pytest.raises(assets.AssetError, match=r"needs pytest 0\.0\.1"):
        assets.ensure("sample", quiet)


def test_it_names_the_package_that_is_missing(builds: list[Path], tmp_path: Path) -> None:
    write_list(tmp_path / "assets.toml", package="no-such-package-here")
    with pytest.raises(assets.AssetError, match="needs the package no-such-package-here"):
        assets.ensure("sample", quiet)


def test_it_leaves_nothing_half_built(builds: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Path, folder: Path, progress: assets.Progress) -> None:
        (folder / "half").write_text("half")
        raise OSError("disk full")

    monkeypatch.setitem(assets._BUILDERS, "llama_from_gguf", fail)
    with pytest.raises(OSError, match="disk full"):
        assets.ensure("sample", quiet)
    assert [path.name for path in assets.assets_dir().iterdir()] == [".sample.lock"]


@pytest.mark.parametrize("field", ["licence", "attribution", "sha256", "version", "package", "builder"])
def test_it_refuses_an_entry_that_lacks_a_field(tmp_path: Path, field: str) -> None:
    write_list(tmp_path / "list.toml", **{field: None})
    with pytest.raises(assets.AssetError, match=field):
        assets.load_assets(tmp_path / "list.toml")


def test_it_needs_no_torch_to_locate() -> None:
    source = Path(assets.__file__).read_text()
    top = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert not [line for line in top if "torch" in line or "transformers" in line]


def test_it_answers_a_bad_command_with_one_line(builds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert assets.main(["build", "nothing"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
