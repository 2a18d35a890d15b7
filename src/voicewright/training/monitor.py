"""`Monitor`: what the trainer writes down while it works: rows, how far it is, and the same for TensorBoard."""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.audio.mel import MelSpec, mel
from voicewright.errors import MissingExtra
from voicewright.training.run import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch.utils.tensorboard import SummaryWriter

Kind = Literal["step", "validation", "audition", "checkpoint", "note"]
STATE_EVERY_S = 1.0
PICTURE = MelSpec(rate=16_000, n_fft=2048, hop_samples=256, bins=80, log="natural", floor=1e-10)
PICTURE_HOP_S = 0.012
PICTURE_DEPTH = 18.0
"""What is darker than the lightest by so many nepers of power (78 dB) is black."""
GROUPS = {"lr": "lr", "grad": "gradients", "step_s": "speed", "audio_s": "speed", "memory_mb": "speed"}
"""Where figures of a step are shown in TensorBoard; the others are losses."""


class Monitor:
    """Writes rows to a run's metrics.jsonl, each at once and whole, and the run's state at most once a second.

    A full disk does not stop training: rows wait in memory, and are written as soon as there is room. For the main
    process of a run only.

    Args:
        run: whose figures these are.
        tensorboard: write them for TensorBoard too. Without its package a note says so once.
        resumed_step: the step that training goes on from: what was written after it is forgotten, so that no step is
            in the curves twice.
        clock: seconds, for the time that is left.
    """

    def __init__(
        self,
        run: Run,
        tensorboard: bool = True,
        resumed_step: int = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run, self._clock = run, clock
        self._begun: tuple[float, int] | None = None
        self._last: tuple[int, float, float | None] | None = None
        self._told_s = -math.inf
        self._waiting = b""
        run.forget_after(resumed_step)
        self._file = run.metrics.open("ab", buffering=0)
        self._board: SummaryWriter | None = None
        if tensorboard:
            try:
                self._board = _board(run, resumed_step)
            except MissingExtra as problem:
                self.note(resumed_step, run.state().epoch, str(problem))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def row(self, kind: Kind, step: int, epoch: float, **figures: float | str | bool | None) -> None:
        """One event. Of a "step": `loss` is the whole loss; `lr` (or `lr_NETWORK`), `grad_NETWORK`, `step_s`, `audio_s`
        (seconds of audio in a second), `memory_mb` and `skipped` (steps so far) are what they say; any other name is a
        part of the loss. Numbers that are none (NaN, infinity) are written as null."""
        plain = {name: _plain(value) for name, value in figures.items()}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write({"kind": kind, "step": step, "epoch": round(epoch, 4), "time": now, **plain})
        self._show(kind, step, plain)
        if kind == "step":
            now_s, step_s = self._clock(), plain.get("step_s")
            self._last = (step, epoch, step_s if isinstance(step_s, int | float) else None)
            self._begun = self._begun or (now_s, step)
            if now_s - self._told_s >= STATE_EVERY_S:
                self._told_s = now_s
                self._tell()

    def note(self, step: int, epoch: float, text: str) -> None:
        """A sentence for whoever looks at the run."""
        self.row("note", step, epoch, text=text)

    def sound(self, step: int, name: str, clip: Clip) -> None:
        """Something to hear, in TensorBoard; the file itself is whoever's made it."""
        self._on_board(lambda board: board.add_audio(f"audition/{name}", clip.samples, step, clip.rate))

    def picture(self, step: int, name: str, clip: Clip) -> None:
        """A clip's mel spectrogram, in TensorBoard: louder is lighter, low is below."""
        shown = _picture(clip)
        if shown is not None:
            self._on_board(lambda board: board.add_image(f"audition/{name}", shown, step, dataformats="HW"))

    def heard(self, step: int, folder: Path) -> None:
        """The sounds of an audition, to be heard and seen in TensorBoard."""
        if self._board is None:
            return
        for path in sorted(folder.glob("*.flac")):
            clip = read_clip(path)
            self.sound(step, path.stem, clip)
            self.picture(step, path.stem, clip)

    def close(self) -> None:
        """Write what waits. The monitor cannot be used afterwards; closing it again does nothing."""
        if self._file.closed:
            return
        self._flush()
        self._file.close()
        self._tell()
        self._on_board(lambda board: board.close())
        self._board = None

    def _write(self, row: Mapping[str, Any]) -> None:
        self._waiting += json.dumps(row, ensure_ascii=False).encode() + b"\n"
        self._flush()

    def _flush(self) -> None:
        whole = self._file.tell()
        try:
            written = self._file.write(self._waiting) or 0
            if written < len(self._waiting):  # the disk took a part: nobody may see half a row
                os.ftruncate(self._file.fileno(), whole)
                self._file.seek(whole)
                return
        except OSError:
            return
        self._waiting = b""

    def _tell(self) -> None:
        """The last step into the run's state."""
        if self._last is None or self._begun is None:
            return
        step, epoch, step_s = self._last
        begun_s, first = self._begun
        steps = self._run.state().steps
        each_s = (self._clock() - begun_s) / (step - first) if step > first else None
        left_s = each_s * max(0, steps - step) if each_s is not None and steps else None
        with suppress(OSError):  # a full disk: the rows that wait tell it later
            self._run.update(step=step, epoch=epoch, eta_s=left_s, step_s=step_s)

    def _show(self, kind: Kind, step: int, figures: Mapping[str, Any]) -> None:
        if kind == "note":
            text = str(figures.get("text", ""))
            self._on_board(lambda board: board.add_text("notes", text, step))
            return
        for name, value in figures.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                self._on_board(partial(_add_scalar, tag=_tag(kind, name), value=value, step=step))

    def _on_board(self, show: "Callable[[SummaryWriter], object]") -> None:
        """TensorBoard's writer gives its thread's errors back at the next call; training does not end by them."""
        if self._board is None:
            return
        try:
            show(self._board)
        except OSError as problem:
            self._board = None
            state = self._run.state()
            self.note(state.step, state.epoch, f"TensorBoard's figures end here: {problem.strerror or problem}")


def _picture(clip: Clip) -> "NDArray[np.uint8] | None":
    """(bins, frames) of light; None for a clip that is too short to be seen."""
    spec = replace(PICTURE, rate=clip.rate, hop_samples=round(clip.rate * PICTURE_HOP_S))
    bins = mel(clip, spec)
    if not len(bins):
        return None
    light = 255 * (1 + (bins - bins.max()) / PICTURE_DEPTH)
    return np.ascontiguousarray(np.clip(light, 0, 255).astype(np.uint8).T[::-1])


def _board(run: Run, resumed_step: int) -> "SummaryWriter":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("tensorboard", needed_for="writing figures for TensorBoard", extra="train") from None
    return SummaryWriter(str(run.tensorboard), purge_step=resumed_step + 1)


def _add_scalar(board: "SummaryWriter", *, tag: str, value: float, step: int) -> None:
    board.add_scalar(tag, value, step)


def _tag(kind: Kind, name: str) -> str:
    """ "loss/total", "loss/mel", "lr", "speed/step_s", "validation/mel" … for TensorBoard's groups."""
    if kind != "step":
        return f"{kind}/{name}"
    group = GROUPS.get(name) or GROUPS.get(name.partition("_")[0]) or "loss"
    return f"{group}/{'total' if name == 'loss' else name}"


def _plain(value: Any) -> float | str | bool | None:
    """What JSON knows: numbers of numpy and tensors of one element included."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
