"""Trainers in processes of their own: they go on alone, stop when asked, and what became of them is known."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from voicewright.errors import BadRun
from voicewright.training.launch import last_words, launch, stop, trainer_command
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run, RunState
from voicewright.training.watching import Watch

TRAINER = Path(__file__).with_name("fake_trainer.py")
LONG_S = 30.0


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run.create(tmp_path / "r", TrainingPlan(dataset="d", run=str(tmp_path / "r")))
    yield run
    state = run.state()
    if state.busy and state.pid != os.getpid():
        with suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGKILL)


def command(run: Run, steps: int = 10_000, step_s: float = 0.01, way: str = "") -> list[str]:
    return [sys.executable, str(TRAINER), str(run.folder), str(steps), str(step_s), way]


def until(true: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def trains(run: Run) -> RunState:
    until(lambda: run.state().status == "training" and any(run.rows("step")))
    return run.state()


def test_a_trainer_finishes_on_its_own(run: Run) -> None:
    first = launch(run, command(run, steps=5))
    assert first.busy
    until(lambda: not run.state().busy)
    state = run.state()
    assert (state.status, state.step, state.pid) == ("finished", 5, first.pid)
    assert last_words(run) == ["training begins"]


def test_a_trainer_has_a_session_of_its_own(run: Run) -> None:
    launch(run, command(run))
    pid = trains(run).pid
    assert os.getsid(pid) == pid != os.getsid(0)


def test_a_trainer_outlives_who_started_it(run: Run) -> None:
    code = (
        "from voicewright.training.launch import launch; from voicewright.training.run import Run; "
        f"launch(Run.open({str(run.folder)!r}), {command(run)!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    trains(run)
    watch = Watch(run)
    before = len(watch.look().losses["loss"].steps)
    until(lambda: len(watch.look().losses["loss"].steps) > before + 5)
    look = watch.look()
    assert look.losses["loss"].steps == tuple(range(1, len(look.losses["loss"].steps) + 1))
    assert stop(run, LONG_S).status == "stopped"


def test_stopping_waits_until_it_stopped(run: Run) -> None:
    launch(run, command(run))
    trains(run)
    state = stop(run, LONG_S)
    assert state.status == "stopped"
    assert state.step == sum(1 for _ in run.rows("step")) > 0
    with pytest.raises(BadRun, match="nothing to stop"):
        stop(run)


def test_a_stop_right_after_the_start_is_heard(run: Run) -> None:
    launch(run, command(run))
    assert stop(run, LONG_S).status == "stopped"


def test_a_trainer_is_not_started_twice(run: Run) -> None:
    launch(run, command(run))
    with pytest.raises(BadRun, match="being trained"):
        launch(run, command(run))
    pid = trains(run).pid
    with pytest.raises(BadRun, match=f"being trained by process {pid} on {platform.node()}"):
        launch(run, command(run))


def test_a_deaf_trainer_is_told_and_can_be_killed(run: Run) -> None:
    launch(run, command(run, way="deaf"))
    pid = trains(run).pid
    with pytest.raises(BadRun, match=f"process {pid} .* has not stopped within 0 s.*--kill"):
        stop(run, 0.3)
    state = stop(run, 0.3, kill=True)
    assert state.status == "stopped"
    assert "go on with: voicewright train" in state.message
    assert not run.stopping


def test_a_trainer_on_another_machine_is_not_killed_here(run: Run) -> None:
    run.update(status="training", pid=os.getpid(), host="another-machine")
    with pytest.raises(BadRun, match="another-machine"):
        stop(run, 0.1, kill=True)


def test_only_asking_does_not_wait(run: Run) -> None:
    launch(run, command(run, way="deaf"))
    trains(run)
    assert stop(run, 0).busy
    assert run.stopping


def test_the_last_words_of_a_trainer_that_died_are_kept(run: Run) -> None:
    launch(run, command(run, way="crash"))
    until(lambda: not run.state().busy)
    assert (run.state().status, run.state().message) == ("failed", "the clip ate the network")
    until(lambda: last_words(run, 1) == ["RuntimeError: the clip ate the network"])  # they come after the state


def test_a_trainer_that_cannot_even_begin_is_told_as_stopped(run: Run) -> None:
    launch(run, [sys.executable, "-c", "raise SystemExit('no such command')"])
    until(lambda: not run.state().busy)
    assert "its process is gone" in run.state().message
    assert last_words(run) == ["no such command"]


def test_last_words_hold_nothing_that_moves_the_cursor(run: Run) -> None:
    run.log.write_bytes(b"\x1b[2Jone\r\n\n\xff two\n" * 5000)
    assert last_words(run, 2) == ["[2Jone", "\ufffd two"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_saves_and_stops(run: Run, number: int) -> None:
    launch(run, command(run))
    os.kill(trains(run).pid, number)
    until(lambda: not run.state().busy)
    assert run.state().status == "stopped"
    assert run.state().message == ""


def test_the_command_is_a_list_without_a_shell(run: Run) -> None:
    one = trainer_command(run, ("--home", "my home; rm -rf"))
    assert one == [sys.executable, "-m", "voicewright", "--home", "my home; rm -rf", "train", str(run.plan_file)]
    several = trainer_command(Run(run.folder, replace(run.plan, processes=2)))
    assert several[1:3] == ["-m", "torch.distributed.run"]
    assert "--nproc-per-node=2" in several
    assert several[-2:] == ["train", str(run.plan_file)]


def test_a_killed_trainer_is_told_and_gone_on_with(run: Run) -> None:
    launch(run, command(run))
    os.kill(trains(run).pid, signal.SIGKILL)
    until(lambda: not run.state().busy)
    assert "its process is gone" in run.state().message
    launch(run, command(run, steps=3))
    until(lambda: run.state().status == "finished")
    assert [row["step"] for row in run.rows("step")] == [1, 2, 3]
