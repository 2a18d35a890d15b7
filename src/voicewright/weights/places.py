"""Where a weight file may lie on this machine, without opening a socket and without importing any package."""

import importlib
import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voicewright.weights.catalogue import BUNDLED, Bundled, Hub, Package, WeightFile


@dataclass(frozen=True, slots=True)
class Place:
    """A path where a file may be, what to call it, and what helps if it is not there."""

    path: Path | None
    label: str
    advice: str = ""


def package_place(source: Package) -> Place:
    """Where an installed package keeps a file; `path` is None when it is not installed."""
    label = f"package {source.distribution}"
    importlib.invalidate_caches()  # the package may have been installed while this program runs
    try:
        spec = importlib.util.find_spec(source.module)
    except (ImportError, ValueError):
        spec = None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder).joinpath(*source.member.split("/"))
        if path.is_file():
            return Place(path, label, source.command)
    return Place(None, label, source.command)


def places(
    file: WeightFile, set_name: str, store: Path, extra: Path | None, bundled: Path = BUNDLED
) -> Iterator[Place]:
    """Every place of a whole file on this machine: local store, the user's folder, this package, other packages."""
    yield Place(store / set_name / file.name, "local store")
    if extra is not None:
        yield Place(extra / set_name / file.name, f"folder {extra}")
        for source in file.sources:
            if isinstance(source, Hub):
                yield from (Place(path, f"folder {extra}") for path in _hub_layouts(extra, source))
    for source in file.sources:
        match source:
            case Bundled(path):
                yield Place(bundled / path, "bundled", "install voicewright again, this file ships with it")
            case Package():
                yield package_place(source)


def _hub_layouts(folder: Path, source: Hub) -> Iterator[Path]:
    """A mirror's tree, a clone's tree, and the hub's own cache."""
    yield folder / source.repo / "resolve" / source.revision / source.file
    yield folder / source.repo / source.file
    yield folder / f"models--{source.repo.replace('/', '--')}" / "snapshots" / source.revision / source.file


def join_files(parts: list[Path], out: Path) -> None:
    """Write the files one after another into `out`."""
    with out.open("wb") as whole:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, whole, 1 << 20)
