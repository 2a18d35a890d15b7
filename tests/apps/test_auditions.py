import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))  # `made_up` is that room's

from made_up import LEARNED, World, held_out, recordings, voice

from voicewright.apps import auditions
from voicewright.apps.session import Session
from voicewright.engines.loaded import Engines
from voicewright.errors import BadRun, BadSetting
from voicewright.studio import Studio
from voicewright.training.audition import Auditor
from voicewright.training.checkpoint import Checkpoint, Snapshot, write_checkpoint
from voicewright.training.comparison import Comparison, compare
from voicewright.training.options import AuditionOptions, TrainingPlan
from voicewright.training.run import Run
from voicewright.voice.file import read_voice, write_voice
from voicewright.voice.voice import Voice

FAR = {0: 0.5, 10: 0.4, 20: 0.15, 30: 0.3}


class MadeUpTraining:
    """What the studio's training does, for runs of the made-up speaker."""

    def __init__(self, world: World, auditor: Auditor) -> None:
        self._world, self._auditor = world, auditor

    def at(self, run: Run, checkpoint: Checkpoint | None) -> tuple[World, Voice]:
        return self._world, voice(FAR[checkpoint.step if checkpoint else 0])

    def auditor(self, run: Run) -> Auditor:
        return self._auditor

    def compare(self, run: Run, **more: object) -> Comparison:
        return compare(run, lambda each: self.at(run, each), self._auditor, **more)  # type: ignore[arg-type]

    def voice_of(self, run: Run) -> Voice:
        return voice(FAR[20])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    world = World()
    held, train = held_out(tmp_path / "held"), recordings(tmp_path / "train", [LEARNED])
    auditor = Auditor(world, AuditionOptions(sentences=2), language="en-us", held=held, train=train)
    monkeypatch.setattr(Studio, "training", property(lambda self: MadeUpTraining(world, auditor)))
    monkeypatch.setattr(Engines, "get", lambda self, name: world)
    run = Run.create(tmp_path / "run", TrainingPlan(dataset="d", run="r"))
    write_voice(voice(0.5), run.start_voice)
    for step in (10, 20, 30):
        info = Checkpoint(folder=tmp_path, step=step, steps=30, epoch=step / 10, engine="tones", weights="0")
        write_checkpoint(run.checkpoint_folder, Snapshot(info=info, networks={}))
    return run


@pytest.fixture
def call(run: Run, tmp_path: Path) -> Callable[..., str]:
    """One command; what it printed."""
    app = typer.Typer()
    for command in (auditions.audition, auditions.best, auditions.compare, auditions.merge, auditions.export):
        app.command()(command)

    def made(*words: str | Path) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words], obj=Session(home=tmp_path / "home"))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return made


def test_every_checkpoint_is_heard_once_and_the_best_is_told(run: Run, call: Callable[..., str]) -> None:
    shown = call("audition", run.folder)
    assert [line.split()[0] for line in shown.splitlines()] == ["step", "0", "10", "20", "30"]
    assert {each.step: each.score is not None for each in run.checkpoints()} == {10: True, 20: True, 30: True}
    before = (run.auditions / "step-00000010" / "scores.json").stat().st_mtime_ns
    call("audition", run.folder)
    assert (run.auditions / "step-00000010" / "scores.json").stat().st_mtime_ns == before
    told = json.loads(call("audition", run.folder, "--step", "10", "--json"))
    assert [each["step"] for each in told["auditions"]] == [0, 10, 20, 30]
    assert (run.auditions / "step-00000010" / "scores.json").stat().st_mtime_ns > before
    assert "Take step 20" in call("best", run.folder)
    assert json.loads(call("best", run.folder, "--json"))["checkpoint"].endswith("step-00000020")
    with pytest.raises(BadRun, match="no checkpoint of step 7"):
        call("audition", run.folder, "--step", "7")


def test_compare_tells_the_verdict_and_makes_a_listening_test(
    run: Run, call: Callable[..., str], tmp_path: Path
) -> None:
    call("audition", run.folder)
    shown = call("compare", run.folder, "--sentences", "6", "--blind", tmp_path / "listening")
    assert shown.startswith("step 20 against start: better")
    assert (tmp_path / "listening" / "index.html").is_file()
    key = json.loads((tmp_path / "listening.key.json").read_text("utf-8"))
    rows = [{"pair": i, "choice": "first" if side == "b" else "second"} for i, side in enumerate(key["first"], 1)]
    (tmp_path / "answers.json").write_text(json.dumps({"set": key["set"], "answers": rows}), "utf-8")
    scored = ("compare", run.folder, "--blind", tmp_path / "listening", "--answers", tmp_path / "answers.json")
    assert "6 for step 20, 0 for start: step 20 is preferred" in call(*scored)
    assert json.loads(call(*scored, "--json"))["b"] == 6
    assert json.loads(call("compare", run.folder, "--sentences", "6", "--step", "10", "--json"))["b"] == "step 10"
    with pytest.raises(BadSetting, match="--blind"):
        call("compare", run.folder, "--answers", tmp_path / "answers.json")


def test_runs_are_compared_with_each_other(run: Run, call: Callable[..., str]) -> None:
    call("audition", run.folder)
    found = json.loads(call("compare", run.folder, "--against", run.folder, "--sentences", "6", "--json"))
    assert found["verdict"] == "no difference heard"
    assert found["a"] == "run, step 20"


def test_merge_and_export(run: Run, call: Callable[..., str], tmp_path: Path) -> None:
    call("audition", run.folder)
    places = [each.folder for each in run.checkpoints()[:2]]
    told = json.loads(call("merge", *places, "--weight", "3", "--weight", "1", "-o", tmp_path / "both", "--json"))
    assert told["parent"].startswith("0.75 × ")
    assert Run.holds(tmp_path / "both")
    call("merge", run.folder, places[0], "-o", tmp_path / "again")
    (path,) = json.loads(call("export", run.folder, "--name", "mine", "--json"))["files"]
    assert read_voice(Path(path)).name == "mine"
    assert Path(path).is_relative_to(tmp_path / "home")
    call("export", run.folder, "--step", "0", "-o", tmp_path / "start.voice")
    tones = [read_voice(each).tensors["tones"].tolist() for each in (tmp_path / "start.voice", run.start_voice)]
    assert tones[0] == tones[1]
    with pytest.raises(BadSetting, match="exports no 'onnx'"):
        call("export", run.folder, "--format", "onnx", "-o", tmp_path / "onnx")
    with pytest.raises(BadSetting, match="needs a folder"):
        call("export", run.folder, "--format", "onnx")
