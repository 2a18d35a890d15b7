"""What a recipe makes of each clip, kept on disk: made once, found again, read ahead in training.

An item's file is named by what it was made from. A run that is killed loses the one that it was at.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from voicewright.engines.recipe import Example, Recipe
from voicewright.errors import BadClip, BadDataset, BadText, NotWritten
from voicewright.progress import Progress, silent
from voicewright.training.examples import require_unchanged

if TYPE_CHECKING:
    from voicewright.engines.recipe import Item

AHEAD = 2
"""Batches that each worker reads ahead: more only costs memory."""


@dataclass(frozen=True, slots=True)
class Items:
    """Prepared clips, in the dataset's order, and why others are not among them."""

    folder: Path
    keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    """(example's id, why it is left out)"""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def fingerprint(self) -> str:
        """Stands for these items in this order: equal items, equal text."""
        return hashlib.sha256("\n".join(self.keys).encode()).hexdigest()[:16]

    def read(self, index: int) -> "Item":
        """One item, on the CPU. Raises BadDataset: its file is gone or damaged."""
        return _unpacked(self._bytes(index), self.folder)

    def _bytes(self, index: int) -> bytes:
        path = _file(self.folder, self.keys[index])
        try:
            return path.read_bytes()
        except OSError as problem:
            raise BadDataset(
                f"{path}: a prepared clip cannot be read ({problem.strerror}); start the run again: it is made anew"
            ) from problem


def key_of(example: Example, preparation: str) -> str:
    """32 hex digits that stand for all that an item is made from; not where its file lies."""
    made_from = [example.sha256, example.text, example.speaker, example.language, example.words, preparation]
    return hashlib.sha256(json.dumps(made_from, ensure_ascii=False).encode()).hexdigest()[:32]


def prepare_items(
    recipe: Recipe,
    examples: Sequence[Example],
    folder: Path,
    *,
    share: tuple[int, int] = (0, 1),
    known: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Items:
    """Make the items that are not there yet.

    Args:
        share: (number, of how many) processes: this one makes and gives back its share. When every process has
            finished, all is asked for again, to find it made.
        known: why examples are left out, by their ids, where that is known already.

    Raises:
        BadDataset: not one clip can be learned from; names the first reason.
        NotWritten: the disk is full or cannot be written to.
    """
    number, of = share
    mine = examples[number::of]
    found: list[tuple[str, Example, int]] = []
    problems: list[tuple[str, str]] = []
    seen: dict[str, str] = {}
    for done, example in enumerate(mine):
        progress("preparing", done, len(mine))
        key = key_of(example, recipe.preparation)
        if known and example.id in known:
            problems.append((example.id, known[example.id]))
            continue
        if key in seen:
            problems.append((example.id, f"the same sound and text as {seen[key]}"))
            continue
        seen[key] = example.id
        length = _kept_length(folder, key)
        if length is None:
            try:
                length = _make(recipe, example, folder, key)
            except NotWritten:
                raise
            except (BadClip, BadText, BadDataset) as problem:
                problems.append((example.id, str(problem)))
                continue
        found.append((key, example, length))
    progress("preparing", len(mine), len(mine))
    if not found and of == 1:
        why = f"{problems[0][0]}: {problems[0][1]}" if problems else "there is none"
        raise BadDataset(f"none of the {len(examples)} clips can be learned from ({why}); mend the dataset")
    return Items(
        folder,
        tuple(key for key, _, _ in found),
        tuple(example.id for _, example, _ in found),
        tuple(length for _, _, length in found),
        tuple(example.seconds for _, example, _ in found),
        tuple(problems),
    )


def _make(recipe: Recipe, example: Example, folder: Path, key: str) -> int:
    require_unchanged(example)
    with torch.no_grad():
        item = recipe.prepare(example)
    length = recipe.length(item)
    path = _file(folder, key)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    packed = save({name: value.contiguous() for name, value in item.items()}, {"length": str(length)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(packed)
        part.replace(path)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise NotWritten(
            f"{path}: a prepared clip cannot be written ({problem.strerror}); make room there"
        ) from problem
    return length


def _kept_length(folder: Path, key: str) -> int | None:
    """The length of an item that is there and whole; None: it has to be made. Looks at the file's header and size."""
    path = _file(folder, key)
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            return int(file.metadata()["length"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def _file(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.safetensors"


def _unpacked(packed: bytes, where: Path) -> "Item":
    try:
        return load(packed)
    except (SafetensorError, struct.error, ValueError) as problem:
        raise BadDataset(
            f"{where}: a prepared clip is damaged ({problem}); remove that folder and start the run again"
        ) from None


class _Files(torch.utils.data.Dataset[bytes]):
    """Items as their files' bytes: these cross from a worker without open handles, and any dtype fits in."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def __getitem__(self, index: int) -> bytes:
        return self._items._bytes(index)


def reader(items: Items, steps: Iterable[Sequence[int]], workers: int) -> Iterator[list["Item"]]:
    """The items of each step, read ahead by `workers` processes (0: read here, when they are asked for).

    At most `AHEAD` steps for each worker are in memory. Nothing is drawn from torch's own generator.

    Raises: BadDataset, as `Items.read`.
    """
    loader: Any = torch.utils.data.DataLoader(
        _Files(items),
        batch_sampler=_Steps(steps),
        collate_fn=list,
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        multiprocessing_context="forkserver" if workers else None,
        generator=torch.Generator(),
    )
    for step in loader:
        yield [_unpacked(packed, items.folder) for packed in step]


class _Steps(torch.utils.data.Sampler[list[int]]):
    def __init__(self, steps: Iterable[Sequence[int]]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[list[int]]:
        return (list(step) for step in self._steps)


def to_device(batch: "Mapping[str, torch.Tensor]", device: torch.device) -> dict[str, torch.Tensor]:
    """A batch where its networks are."""
    return {name: value.to(device, non_blocking=True) for name, value in batch.items()}
