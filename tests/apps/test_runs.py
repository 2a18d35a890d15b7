"""`voicewright runs`: what is shown of runs, as text and as JSON."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from voicewright.apps.runs import app, drawing
from voicewright.errors import BadRun, BadSetting
from voicewright.training.launch import launch, stop
from voicewright.training.monitor import Monitor
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run
from voicewright.training.watching import Watch

TRAINER = Path(__file__).parents[1] / "training" / "fake_trainer.py"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that was stopped after 40 of 50 steps."""
    folder = tmp_path / "runs" / "narrator"
    run = Run.create(folder, TrainingPlan(dataset="datasets/narrator", run=str(folder), voice="narrator"))
    with run.lock(), Monitor(run, tensorboard=False) as monitor:
        run.update(status="training", steps=50, epochs=5)
        monitor.row("audition", 0, 0.0, score=0.5, dnsmos=3.0, words=30)
        for step in range(1, 41):
            monitor.row("step", step, step / 10, loss=2 / step, mel=1 / step, lr=1e-4, step_s=0.25, memory_mb=900)
        monitor.row("validation", 40, 4.0, mel=0.125)
        monitor.row("audition", 40, 4.0, score=0.75, dnsmos=3.1, words=30)
        monitor.note(40, 4.0, "clip 7 was left out: it is silent")
    return run


def told(arguments: Sequence[str | Path], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Standard output and standard error of a command."""
    capsys.readouterr()
    app(args=[str(each) for each in arguments], standalone_mode=False)
    heard = capsys.readouterr()
    return heard.out, heard.err


def test_list_is_one_line_a_run(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(["list", run.folder.parent], capsys)
    head, row = out.splitlines()
    assert head.split() == ["RUN", "STATUS", "EPOCH", "STEP", "LEFT", "DATASET", "LAST"]
    assert row.split()[:5] == ["narrator", "stopped", "4.0/5", "40/50", "datasets/narrator"]
    (plain,) = json.loads(told(["list", run.folder.parent, "--json"], capsys)[0])["runs"]
    assert plain["state"]["step"] == 40


def test_list_looks_in_runs_by_default(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(run.folder.parents[1])
    assert "narrator" in told(["list"], capsys)[0]
    (tmp_path / "empty").mkdir()
    out, err = told(["list", tmp_path / "empty"], capsys)
    assert out == ""
    assert "voicewright plan" in err


def test_show_says_how_far_it_is_and_what_was_best(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(["show", run.folder], capsys)
    assert "stopped" in out
    assert "[epoch 4.00/5, step 40/50] [0.25 s/step] [LR 1.00e-04, loss" in out
    assert "best heard: step 40, score 0.7500; what it started from: 0.5000" in out
    assert "clip 7 was left out" in err


def test_show_draws_a_picture(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told(["show", run.folder, "--plot", tmp_path / "curves.png"], capsys)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(BadSetting, match=r"\.png"):
        told(["show", run.folder, "--plot", tmp_path / "curves.docx"], capsys)


def test_show_as_json_is_one_object(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(told(["show", run.folder, "--json"], capsys)[0])
    assert plain["best"] == {"step": 40, "score": 0.75}
    assert plain["losses"]["loss"]["steps"][-1] == 40
    assert plain["plan"]["dataset"] == "datasets/narrator"
    assert plain["checkpoints"] == []


def test_of_a_trainer_that_died_the_last_words_are_shown(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        pass
    run.update(status="training", pid=gone.pid, host=platform.node())
    run.log.write_text("Killed by the kernel\n")
    out, err = told(["show", run.folder], capsys)
    assert f"its process is gone; go on with: voicewright train {run.plan_file}" in out
    assert "Killed by the kernel" in err


def test_what_is_no_run_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("show", "watch", "stop"):
        with pytest.raises(BadRun, match="no training run"):
            told([command, tmp_path], capsys)


def test_watch_once_draws_every_curve(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(["watch", run.folder, "--once"], capsys)
    lines = out.splitlines()
    assert max(map(len, lines)) <= 130
    shown = "\n".join(lines)
    for expected in ("loss", "mel", "learning rate", "validation", "auditions", "score", "dnsmos", "900 MB", "note: "):
        assert expected in shown
    assert any(any("\u2801" <= c <= "\u28ff" for c in line) for line in lines)
    assert not any(line.split()[:1] == ["words"] for line in lines)


def test_watch_as_json_is_one_object(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(told(["watch", run.folder, "--json"], capsys)[0])["state"]["status"] == "stopped"


def test_watch_follows_a_run_to_its_end(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    launch(run, [sys.executable, str(TRAINER), str(run.folder), "40", "0.02", ""])
    out, _ = told(["watch", run.folder, "--every", "0.05"], capsys)
    assert out.splitlines()[-1].startswith("finished [epoch 1.00/1, step 40/40]")
    assert run.state().status == "finished"


def test_leaving_a_watch_does_not_stop_the_run(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ctrl_c(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("voicewright.apps.runs.time.sleep", ctrl_c)
    run.update(status="training", pid=os.getpid(), host=platform.node())
    _, err = told(["watch", run.folder], capsys)
    assert f"voicewright runs stop {run.folder}" in err
    assert not run.stopping


def test_stop_waits_and_says_how_to_go_on(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    launch(run, [sys.executable, str(TRAINER), str(run.folder), "100000", "0.02", ""])
    out, _ = told(["stop", run.folder, "--wait", "30"], capsys)
    assert "stopped" in out
    assert f"voicewright train {run.plan_file}" in out
    with pytest.raises(BadRun, match="nothing to stop"):
        told(["stop", run.folder], capsys)


def test_stop_without_waiting_only_asks(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    launch(run, [sys.executable, str(TRAINER), str(run.folder), "100000", "0.02", "deaf"])
    assert "asked to stop" in told(["stop", run.folder, "--wait", "0"], capsys)[0]
    assert stop(run, 0.1, kill=True).status == "stopped"


@pytest.mark.parametrize(("width", "height"), [(40, 10), (80, 24), (200, 60)])
def test_a_drawing_fits_its_width(run: Run, width: int, height: int) -> None:
    lines = drawing(Watch(run).look(), width, height).plain.splitlines()
    assert all(
        len(line) <= max(width, 64) for line in lines if "note" not in line and "[" not in line and "runs" not in line
    )
    if height == 24:
        assert len(lines) <= 24


def test_show_lists_checkpoints_and_what_was_heard_of_them(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    from voicewright.training.checkpoint import Checkpoint, Snapshot, write_checkpoint

    for step, score in ((20, 0.625), (40, 0.75)):
        info = Checkpoint(
            folder=run.folder, step=step, steps=50, epoch=step / 10, engine="e", weights="w", figures={"score": score}
        )
        write_checkpoint(run.checkpoint_folder, Snapshot(info=info, networks={}))
    out, _ = told(["show", run.folder], capsys)
    rows = [line.split() for line in out.splitlines()]
    assert ["step", "20", "40"] in rows
    assert ["epoch", "2.00", "4.00"] in rows
    assert ["score", "0.625", "0.75"] in rows
    (run.checkpoint_folder / "step-00000040" / "checkpoint.json").write_text("{")
    _, err = told(["show", run.folder], capsys)
    assert "step-00000040" in err
