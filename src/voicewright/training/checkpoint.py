"""`Checkpoint`: what a run is at one step, as a folder of safetensors and JSON; whole, or not there.

checkpoint.json     what it is: step, figures, plan, engine, parent, and the SHA-256 of the other files
weights.safetensors what learns, as "network/parameter", with the buffers that change along (norms' statistics)
average.safetensors their moving average, if the plan asks for one
state.safetensors   the optimizers' moments
state.json          the place in the data, the loss scaler, the optimizers' plain numbers
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from voicewright.errors import BadCheckpoint
from voicewright.training.run import step_name
from voicewright.weights.verified import sha256_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    Networks: TypeAlias = Mapping[str, Mapping[str, Tensor]]

FORMAT = 1
INFO, WEIGHTS, AVERAGE, STATE, STATE_INFO = (
    "checkpoint.json",
    "weights.safetensors",
    "average.safetensors",
    "state.safetensors",
    "state.json",
)
SCORE = "score"
"""The figure that ranks checkpoints, higher is better: their audition's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint that is on disk. Make one with `write_checkpoint`, get one with `read_checkpoint`."""

    folder: Path
    step: int
    """Steps of the optimizers that were taken."""
    steps: int
    """Steps of the whole run."""
    epoch: float
    """Times that the data were gone through."""
    engine: str
    weights: str
    """Content id (SHA-256, hex) of the engine's weights below it."""
    parent: str = ""
    """The checkpoint before it, or where the run started."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Losses, and what its audition found once it was heard."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """The plan that it was made with, as plain data."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file by name."""

    @property
    def score(self) -> float | None:
        """Its audition's mark, higher is better; None: not heard yet."""
        return self.figures.get(SCORE)

    @property
    def averaged(self) -> bool:
        """Whether a moving average is heard instead of the last weights."""
        return AVERAGE in self.files

    def networks(self, *, average: bool = True) -> "dict[str, dict[str, Tensor]]":
        """What was learned, on the CPU, by network and parameter: the moving average where there is one (`average`),
        or the last weights.

        Raises: BadCheckpoint.
        """
        found: dict[str, dict[str, Tensor]] = {}
        for key, value in self._tensors(AVERAGE if average and self.averaged else WEIGHTS).items():
            network, _, name = key.partition("/")
            found.setdefault(network, {})[name] = value
        return found

    def state(self) -> "tuple[dict[str, Tensor], dict[str, Any]]":
        """The optimizers' moments, and the plain part, as `write_checkpoint` was given them.

        Raises: BadCheckpoint: it was made to be used, not to go on from; or it is damaged.
        """
        if STATE_INFO not in self.files:
            raise BadCheckpoint(
                f"{self.folder} holds weights only and cannot be resumed; start a run from it: source: {self.folder}"
            )
        return self._tensors(STATE), _read_json(self.folder / STATE_INFO)

    def _tensors(self, name: str) -> "dict[str, Tensor]":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(self.folder / name)
        except (OSError, SafetensorError) as problem:
            raise _damaged(self.folder, f"{name} cannot be read ({problem})") from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What goes into a checkpoint. `info` holds its fields; its folder and files are found in writing."""

    info: Checkpoint
    networks: "Networks"
    average: "Networks | None" = None
    tensors: "Mapping[str, Tensor]" = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    """None: nobody will go on from it (a merge)."""


def write_checkpoint(folder: Path, snapshot: Snapshot) -> Checkpoint:
    """Write `folder`/step-N, as a whole or not at all; when this returns, a power cut cannot lose it.

    Raises:
        OSError: the disk is full or cannot be written to. Nothing of it is left, what was there before stays.
    """
    place = folder / step_name(snapshot.info.step)
    part = place.with_name(f"{place.name}.part")
    folder.mkdir(parents=True, exist_ok=True)
    _discard(part)
    try:
        part.mkdir()
        _write_tensors(part / WEIGHTS, _flat(snapshot.networks))
        if snapshot.average is not None:
            _write_tensors(part / AVERAGE, _flat(snapshot.average))
        if snapshot.state is not None:
            _write_tensors(part / STATE, snapshot.tensors)
            _write_json(part / STATE_INFO, snapshot.state)
        files = {path.name: sha256_of(path) for path in sorted(part.iterdir())}
        checkpoint = replace(snapshot.info, folder=place, files=files)
        _write_json(part / INFO, _header(checkpoint))
        _sync(part)
        if place.exists():
            _discard(place)
        part.replace(place)
        _sync(folder)
    except OSError:
        with suppress(OSError):
            _discard(part)
        raise
    return checkpoint


def read_checkpoint(folder: str | Path, *, verify: bool = True) -> Checkpoint:
    """The checkpoint in a folder.

    Args:
        verify: compare every file with its SHA-256 (a second for a gigabyte or two).

    Raises:
        BadCheckpoint: there is none, something of it is missing or was changed, or a newer version wrote it.
    """
    folder = Path(folder)
    if not (folder / INFO).is_file():
        if not folder.is_dir():
            raise BadCheckpoint(f"{folder}: no checkpoint is here; list a run's: voicewright runs show {folder}")
        raise _damaged(folder, f"{INFO} is missing")
    held = _read_json(folder / INFO)
    if held.pop("seal", None) != _seal(held):
        raise _damaged(folder, f"{INFO} was changed")
    if held.pop("format", None) != FORMAT:
        raise BadCheckpoint(f"{folder / INFO}: this version of voicewright reads format {FORMAT}; update voicewright")
    held.pop("created", None)
    try:
        checkpoint = Checkpoint(folder=folder, **held)
    except TypeError as problem:
        raise _damaged(folder, f"{INFO} is not a checkpoint's ({problem})") from None
    for name, sha256 in checkpoint.files.items():
        if not (folder / name).is_file():
            raise _damaged(folder, f"{name} is missing")
        if verify and sha256_of(folder / name) != sha256:
            raise _damaged(folder, f"{name} was changed or cut short")
    if WEIGHTS not in checkpoint.files:
        raise _damaged(folder, f"{INFO} lists no {WEIGHTS}")
    return checkpoint


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """A run's checkpoints, the oldest first. Their files are there; their bytes are not compared.

    Raises: BadCheckpoint.
    """
    return [read_checkpoint(each, verify=False) for each in _places(folder)]


def newest_in(folder: Path) -> Checkpoint | None:
    """The checkpoint to go on from, every byte of it compared; None only when there is none at all.

    Raises: BadCheckpoint. An older one is never taken in its place: that is for you to decide.
    """
    places = _places(folder)
    return read_checkpoint(places[-1]) if places else None


def best_in(folder: Path) -> Checkpoint | None:
    """The one whose audition went best, None where none was heard. Raises BadCheckpoint."""
    heard = [(each.score, each.step, each) for each in checkpoints_in(folder) if each.score is not None]
    return max(heard, key=lambda found: found[:2])[2] if heard else None


def with_figures(checkpoint: Checkpoint, figures: Mapping[str, float]) -> Checkpoint:
    """The checkpoint with more figures, on disk too: what was heard of it.

    Raises: OSError.
    """
    marks = {name: float(value) for name, value in figures.items()}
    new = replace(checkpoint, figures={**checkpoint.figures, **marks})
    part = checkpoint.folder / f"{INFO}.part"
    try:
        _write_json(part, _header(new))
        part.replace(checkpoint.folder / INFO)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return new


def load_into(networks: "Mapping[str, nn.Module]", checkpoint: Checkpoint, *, average: bool = True) -> None:
    """Put what was learned into networks (not wrapped, of a recipe made as for the run).

    Raises:
        BadCheckpoint: a network, a parameter or a shape is another one; the message names them.
    """
    from voicewright.training.state import put_weights

    try:
        put_weights(networks, checkpoint.networks(average=average))
    except ValueError as problem:
        raise BadCheckpoint(
            f"{checkpoint.folder} does not fit the engine and the settings of this plan: {problem}; use the plan that "
            f"it was made with (it is inside its {INFO})"
        ) from problem


def prune(folder: Path, last: int, best: int) -> list[Path]:
    """Remove all checkpoints but the `last` newest and, of the others, the `best` by their audition's score; also what
    a killed run left half written. The newest always stays, and so does a damaged one: it is for you to look at.

    Returns:
        The folders that were removed.
    """
    for rest in folder.glob("step-*.part"):
        _discard(rest)
    places = _places(folder)
    old = places[: -max(last, 1)]
    scored = []
    for place in old:
        try:
            score = read_checkpoint(place, verify=False).score
        except BadCheckpoint:
            continue
        scored.append((float("-inf") if score is None else score, place))
    heard = sorted((pair for pair in scored if pair[0] > float("-inf")), reverse=True)
    kept = {place for _, place in heard[:best]}
    removed = [place for _, place in scored if place not in kept]
    for place in removed:
        _discard(place)
    return removed


def _places(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((each for each in folder.iterdir() if re.fullmatch(r"step-\d{8,}", each.name)), key=_step)


def _step(place: Path) -> int:
    return int(place.name.removeprefix("step-"))


def _header(checkpoint: Checkpoint) -> dict[str, Any]:
    names = ("step", "steps", "epoch", "engine", "weights", "parent", "figures", "plan", "files")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    header = {"format": FORMAT, "created": created, **{name: getattr(checkpoint, name) for name in names}}
    return {**header, "seal": _seal(header)}


def _seal(header: Mapping[str, Any]) -> str:
    """SHA-256 of what checkpoint.json says, in one way of writing it."""
    return hashlib.sha256(json.dumps(header, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _flat(networks: "Networks") -> "dict[str, Tensor]":
    return {f"{network}/{name}": value for network, own in networks.items() for name, value in own.items()}


def _write_tensors(path: Path, tensors: "Mapping[str, Tensor]") -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)
    except SafetensorError as problem:
        found = re.search(r"os error (\d+)", str(problem))
        raise OSError(int(found[1]) if found else errno.EIO, str(problem), str(path)) from problem
    _sync(path)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(data, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise _damaged(path.parent, f"{path.name} cannot be read ({problem})") from problem
    if not isinstance(held, dict):
        raise _damaged(path.parent, f"{path.name} is not a table of names and values")
    return held


def _damaged(folder: Path, what: str) -> BadCheckpoint:
    before = [each.name for each in _places(folder.parent) if _step(each) < _step(folder)] if _named(folder) else []
    instead = f"to go on from the one before, {before[-1]}" if before else "to begin the run again"
    return BadCheckpoint(f"{folder}: {what}; bring the folder back from a copy, or remove it {instead}")


def _named(folder: Path) -> bool:
    return re.fullmatch(r"step-\d{8,}", folder.name) is not None


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _discard(place: Path) -> None:
    """Remove a folder so that half of it never bears a checkpoint's name."""
    if place.exists():
        gone = place if place.name.endswith(".part") else place.with_name(f"{place.name}.old.part")
        if gone != place:
            shutil.rmtree(gone, ignore_errors=True)
            place.replace(gone)
        shutil.rmtree(gone)
