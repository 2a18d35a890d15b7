"""What a trainer writes down: whole rows at once, clean curves after a crash, a state that is not written too often."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from voicewright.audio.clip import Clip
from voicewright.audio.files import write_clip
from voicewright.training.monitor import Monitor
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "r", TrainingPlan(dataset="d", run=str(tmp_path / "r")))


class Clock:
    """Seconds as a test wants them."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def steps_of(run: Run) -> list[int]:
    return [row["step"] for row in run.rows("step")]


def test_a_row_is_on_disk_at_once(run: Run) -> None:
    with Monitor(run, tensorboard=False) as monitor:
        monitor.row("step", 1, 0.5, loss=2.0, mel=1.5, lr=1e-4)
        row = next(Run.open(run.folder).rows())
        assert row["time"].endswith("+00:00")
        assert {**row, "time": ""} == {
            "kind": "step", "step": 1, "epoch": 0.5, "time": "", "loss": 2.0, "mel": 1.5, "lr": 1e-4,
        }  # fmt: skip


def test_numbers_of_all_kinds_become_plain_json(run: Run) -> None:
    with Monitor(run, tensorboard=False) as monitor:
        monitor.row("step", 1, 0.0, loss=float("nan"), mel=np.float32(0.5), lr=float("inf"), skipped=3)
    line = run.metrics.read_text()
    assert not {"NaN", "Infinity"} & set(line.replace(",", "").split())
    row = json.loads(line)
    assert (row["loss"], row["mel"], row["lr"], row["skipped"]) == (None, 0.5, None, 3)


def test_going_on_writes_no_step_twice(run: Run) -> None:
    with Monitor(run, tensorboard=False) as monitor:
        for step in range(1, 11):
            monitor.row("step", step, step / 10, loss=1.0)
    with run.metrics.open("a") as file:
        file.write('{"kind": "step", "step": 11, "lo')  # killed in the middle of a row
    with Monitor(run, tensorboard=False, resumed_step=6) as monitor:
        for step in range(7, 13):
            monitor.row("step", step, step / 10, loss=0.5)
    assert steps_of(run) == list(range(1, 13))
    assert [row["loss"] for row in run.rows()] == [1.0] * 6 + [0.5] * 6


def test_a_run_that_begins_again_begins_its_curves_again(run: Run) -> None:
    for _ in range(2):
        with Monitor(run, tensorboard=False) as monitor:
            monitor.row("step", 1, 0.1, loss=1.0)
    assert steps_of(run) == [1]


def test_the_state_is_written_once_a_second_and_tells_the_time_left(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, written = Clock(), []
    run.update(steps=100)
    really = Run.update
    monkeypatch.setattr(Run, "update", lambda self, **given: (written.append(given), really(self, **given))[1])
    with Monitor(run, tensorboard=False, clock=clock) as monitor:
        for step in range(1, 51):
            monitor.row("step", step, step / 10, loss=1.0, step_s=0.25)
            clock.now_s += 0.25
        assert len(written) == 13  # 50 steps took 12.25 s
        assert run.state().step == 49
        assert run.state().eta_s == pytest.approx((100 - 49) * 0.25)
    state = run.state()
    assert (state.step, state.epoch, state.step_s) == (50, 5.0, 0.25)


def test_the_time_left_counts_what_lies_between_the_steps(run: Run) -> None:
    clock = Clock()
    run.update(steps=20)
    with Monitor(run, tensorboard=False, clock=clock, resumed_step=0) as monitor:
        monitor.row("step", 5, 1.0, loss=1.0, step_s=1.0)
        clock.now_s += 60  # a checkpoint was heard
        monitor.row("step", 10, 2.0, loss=1.0, step_s=1.0)
    assert run.state().eta_s == pytest.approx(120)


def full_disk(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Nothing can be synced; the state stays as it is."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    return monkeypatch.undo


def test_a_full_disk_does_not_stop_training(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with Monitor(run, tensorboard=False, clock=clock) as monitor:
        monitor.row("step", 1, 0.1, loss=1.0)
        room = full_disk(run, monkeypatch)
        real, monitor._file = monitor._file, HalfFull(monitor._file)
        for step in (2, 3):
            clock.now_s += 5
            monitor.row("step", step, 0.2, loss=1.0)
        assert steps_of(run) == [1]
        assert run.metrics.read_bytes().endswith(b"\n")
        room()
        monitor._file = real
        monitor.row("step", 4, 0.4, loss=1.0)
    assert steps_of(run) == [1, 2, 3, 4]


class HalfFull:
    """A file on a disk with room for ten bytes, then none."""

    def __init__(self, file: Any) -> None:
        self._file, self._left = file, 10

    def write(self, data: bytes) -> int:
        if not self._left:
            raise OSError(28, "No space left on device")
        written: int = self._file.write(data[: self._left])
        self._left = 0
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_without_tensorboard_there_is_a_note_and_no_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with Monitor(run) as monitor:
        monitor.row("step", 1, 0.1, loss=1.0)
        monitor.sound(1, "a", Clip.silence(0.1, 8000))
    (note,) = run.rows("note")
    assert "pip install 'voicewright[train]'" in note["text"]
    assert steps_of(run) == [1]


def test_tensorboard_reads_what_was_written_and_no_step_twice(run: Run) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import AUDIO, SCALARS, EventAccumulator

    with Monitor(run) as monitor:
        for step in range(1, 6):
            monitor.row("step", step, 0.1, loss=1.0, mel=0.5, lr_styles=1e-3, step_s=0.1, grad_styles=2.0)
        monitor.row("validation", 5, 0.5, mel=0.25)
    with Monitor(run, resumed_step=3) as monitor:
        for step in range(4, 7):
            monitor.row("step", step, 0.1, loss=3.0, mel=0.5)
        monitor.row("audition", 6, 0.6, score=0.75)
        monitor.sound(6, "1", Clip(np.sin(np.arange(800) / 5) / 2, 8000))
    board = EventAccumulator(str(run.tensorboard), size_guidance={SCALARS: 0, AUDIO: 0}).Reload()
    assert set(board.Tags()["scalars"]) == {
        *("loss/total", "loss/mel", "lr/lr_styles", "speed/step_s", "gradients/grad_styles", "audition/score"),
        "validation/mel",
    }
    total = [(each.step, each.value) for each in board.Scalars("loss/total")]
    assert total == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 3.0), (5, 3.0), (6, 3.0)]
    assert board.Scalars("validation/mel") == []
    (sound,) = board.Audio("audition/1")
    assert sound.sample_rate == 8000


def test_an_audition_is_heard_and_seen_in_tensorboard(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    rising = np.sin(np.cumsum(np.linspace(0.1, 1.5, 8000))) / 2
    write_clip(tmp_path / "1.flac", Clip(rising, 8000))
    with Monitor(run) as monitor:
        monitor.heard(5, tmp_path)
    board = EventAccumulator(str(run.tensorboard)).Reload()
    assert len(board.Audio("audition/1")) == 1
    (picture,) = board.Images("audition/1")
    assert (picture.height, picture.step) == (80, 5)
    assert picture.width == pytest.approx(1.0 / 0.012, abs=2)
    light = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)).convert("L"))
    loudest = light.argmax(0)
    assert loudest[10] > loudest[40] > loudest[70]  # a rising tone rises in the picture
