"""One run, one folder: made, gone on with, looked at, stopped, and found again after a crash."""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from voicewright.engines.options import LoraOptions
from voicewright.errors import BadPlan, BadRun
from voicewright.settings import save
from voicewright.training.changes import FIXED, FREE
from voicewright.training.options import AuditionOptions, TrainingPlan
from voicewright.training.run import Run, RunState, step_name


def a_plan(folder: Path, **changes: Any) -> TrainingPlan:
    return replace(TrainingPlan(dataset="datasets/narrator", run=str(folder)), **changes)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "narrator", a_plan(tmp_path / "narrator"))


def gone_pid() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    done.wait()
    return done.pid


def write_rows(run: Run, steps: range) -> None:
    run.metrics.write_text("".join(json.dumps({"kind": "step", "step": n, "loss": 1 / n}) + "\n" for n in steps))


def trained_until(run: Run, problem: BaseException) -> None:
    with run.lock():
        run.update(status="training")
        raise problem


def test_a_new_run_says_that_it_is_new(run: Run) -> None:
    assert Run.open(run.folder).plan == run.plan
    assert run.state().status == "new"
    assert list(run.rows()) == []
    assert not run.stopping
    assert step_name(120) == "step-00000120"


@pytest.mark.parametrize("there", ["thesis.odt", "clips/1.wav", "state.json"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, there: str) -> None:
    stranger = tmp_path / "r" / there
    stranger.parent.mkdir(parents=True)
    stranger.write_text("mine")
    with pytest.raises(BadRun, match="holds something else"):
        Run.create(tmp_path / "r", a_plan(tmp_path))
    assert stranger.read_text() == "mine"
    assert not (tmp_path / "r" / "plan.yaml").exists()


def test_a_file_in_the_folders_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("mine")
    with pytest.raises(BadRun, match="no run can be made here"):
        Run.create(tmp_path / "r", a_plan(tmp_path))


def test_a_plan_written_into_its_runs_folder_becomes_that_run(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    save(a_plan(folder, epochs=3), folder / "plan.yaml")
    assert Run.create(folder, a_plan(folder, epochs=3)).plan.epochs == 3


def test_what_is_no_run_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="no training run"):
        Run.open(tmp_path)


def test_a_moved_run_knows_where_it_lies(run: Run, tmp_path: Path) -> None:
    run.update(step=7)
    shutil.move(run.folder, tmp_path / "elsewhere")
    moved = Run.open(tmp_path / "elsewhere")
    assert moved.state().step == 7
    assert moved.plan.run == str(tmp_path / "elsewhere")
    assert Run.create(tmp_path / "elsewhere", run.plan).state().step == 7


def test_every_field_of_a_plan_is_known_to_be_fixed_or_free() -> None:
    assert {field.name for field in fields(TrainingPlan)} == set(FIXED) | FREE | {"ema"}


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "datasets/other"},
        {"engine": "sovits"},
        {"speaker": "anna"},
        {"lora": LoraOptions(rank=4)},
        {"recipe": {"crop_s": 2.0}},
        {"seed": 1},
        {"batch_size": 8},
        {"ema": 0.999},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_makes_it_another_run_is_refused_by_name(run: Run, change: dict[str, Any]) -> None:
    with pytest.raises(BadPlan, match=f"another {next(iter(change))}"):
        Run.create(run.folder, replace(run.plan, **change))
    assert Run.open(run.folder).plan == run.plan


def test_a_refusal_shows_both_values(run: Run) -> None:
    with pytest.raises(BadPlan, match=r"rank 8 -> 4\)"):
        Run.create(run.folder, replace(run.plan, lora=LoraOptions(rank=4)))


def test_what_may_change_is_taken_over(run: Run) -> None:
    run.update(step=9)
    new = replace(run.plan, epochs=80, learning_rate=5e-5, save_every=1, audition=AuditionOptions(sentences=2))
    again = Run.create(run.folder, new)
    assert again.plan == Run.open(run.folder).plan == new
    assert again.state().step == 9


def test_another_spelling_of_a_place_is_the_same_place(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Run.create(run.folder, replace(run.plan, dataset=str(tmp_path / "datasets" / "narrator")))


def test_an_average_may_change_its_decay(tmp_path: Path) -> None:
    Run.create(tmp_path / "r", a_plan(tmp_path, ema=0.99))
    assert Run.create(tmp_path / "r", a_plan(tmp_path, ema=0.999)).plan.ema == 0.999


def test_one_trainer_at_a_time(run: Run) -> None:
    with run.lock():
        run.update(status="training")
        with pytest.raises(BadRun, match=f"by process {os.getpid()} on {platform.node()}"), Run.open(run.folder).lock():
            pass
        with pytest.raises(BadRun, match="is being trained"):
            Run.create(run.folder, replace(run.plan, epochs=2))
        assert Run.create(run.folder, run.plan).state().status == "training"
    with run.lock():
        pass


def test_what_became_of_a_trainer_is_written_down(run: Run) -> None:
    with run.lock():
        run.update(status="training")
    assert run.state().status == "stopped"
    with pytest.raises(ValueError, match="too loud"):
        trained_until(run, ValueError("too loud"))
    assert (run.state().status, run.state().message) == ("failed", "too loud")
    with pytest.raises(KeyboardInterrupt):
        trained_until(run, KeyboardInterrupt())
    assert run.state().status == "stopped"
    with run.lock():
        run.update(status="finished")
    assert run.state().status == "finished"


@pytest.mark.parametrize("pid", ["gone", "taken by another"])
def test_a_trainer_that_died_without_a_word_is_told_as_stopped(run: Run, pid: str) -> None:
    number = gone_pid() if pid == "gone" else os.getpid()
    run.update(status="training", step=40, pid=number, host=platform.node(), birth="1", eta_s=60.0)
    state = run.state()
    assert state.status == "stopped"
    assert state.step == 40
    assert state.message == f"its process is gone; go on with: voicewright train {run.folder / 'plan.yaml'}"
    with run.lock():
        assert run.state().pid == os.getpid()


def test_a_trainer_that_nobody_waited_for_is_gone_too(run: Run) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        run.update(status="training", pid=child.pid, host=platform.node())
        assert run.state().busy
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table of processes
        assert run.state().status == "stopped"


def test_a_trainer_on_another_machine_is_believed(run: Run) -> None:
    run.update(status="training", pid=gone_pid(), host="another-machine")
    assert run.state().busy


def test_a_stop_is_for_the_trainer_that_runs(run: Run) -> None:
    with pytest.raises(BadRun, match="nothing to stop"):
        run.request_stop()
    with run.lock():
        run.update(status="training")
        Run.open(run.folder).request_stop()
        assert run.stopping
    assert not run.stopping
    (run.folder / "stop").touch()  # asked of a trainer that was killed before it saw it
    with run.lock():
        assert not run.stopping


def test_a_stop_before_a_started_trainer_took_over_is_not_lost(run: Run) -> None:
    run.update(status="preparing", pid=os.getpid(), host=platform.node())
    run.request_stop()
    with run.lock():
        assert run.stopping


def test_a_torn_or_damaged_line_is_left_out(run: Run) -> None:
    write_rows(run, range(1, 4))
    with run.metrics.open("a") as file:
        file.write('{"kind": "val\n[1, 2]\n{"kind": "validation", "step": 3, "loss": 0.5}\n{"kind": "step", "step": 4')
    assert [row["step"] for row in run.rows("step")] == [1, 2, 3]
    assert [row["kind"] for row in run.rows()] == ["step"] * 3 + ["validation"]


def test_rows_after_a_step_are_forgotten(run: Run) -> None:
    write_rows(run, range(1, 11))
    assert run.forget_after(6) == 4
    assert [row["step"] for row in run.rows()] == [1, 2, 3, 4, 5, 6]
    assert run.forget_after(6) == 0
    assert sorted(each.name for each in run.folder.iterdir()) == ["metrics.jsonl", "plan.yaml", "state.json"]


def test_a_state_that_cannot_be_written_leaves_the_old_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.update(step=3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.update(step=4)
    monkeypatch.undo()
    assert run.state().step == 3
    assert not list(run.folder.glob("*.part"))


@pytest.mark.parametrize("content", ["", "[]", '{"status": "dancing"}', '{"step": "many"}'])
def test_a_damaged_state_is_an_error(run: Run, content: str) -> None:
    (run.folder / "state.json").write_text(content)
    with pytest.raises(BadRun, match=r"state\.json"):
        run.state()


def test_a_state_is_plain_data(run: Run) -> None:
    run.update(step=5, epoch=0.5, message="Grüße")
    assert RunState(**json.loads((run.folder / "state.json").read_text("utf-8"))) == run.state()
    assert asdict(run.state())["message"] == "Grüße"


def test_looking_at_a_run_needs_nothing_heavy() -> None:
    code = "import sys, voicewright.training.run; sys.exit(bool({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
