"""`voicewright plan`: a file with good values, what is said about it, and what is refused."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voicewright.apps.cli import main
from voicewright.engines.recipe import Example
from voicewright.progress import Progress
from voicewright.settings import load, save
from voicewright.studio import Studio
from voicewright.training.estimate import Estimate, Part
from voicewright.training.examples import Examples
from voicewright.training.options import TrainingPlan
from voicewright.training.planning import Planned
from voicewright.training.remarks import Remark

ONE = Example(id="u0", audio=Path("u0.wav"), sha256="", seconds=5.0, text="One.")
MEASURED = Estimate(
    steps_per_epoch=12,
    steps=480,
    checkpoints=8,
    parts=(
        Part(name="preparation", seconds=65.0, how="100 clips"),
        Part(name="training", seconds=3600.0, how="480 steps of 7.50 s"),
    ),
    disk_mb=120.0,
    disk_how="5 checkpoints of 20 MB",
    memory_gib=2.5,
    memory_how="the most that the trial had in use",
)
CHOSEN = Remark(kind="chosen", says="learns from 100 clips")
CHANGED = Remark(
    kind="changed", says="batch_size is 100 instead of 128: no more clips", field="batch_size", was=128, now=100
)
NOTE = Remark(kind="note", says="no clip is set aside")


class Planner:
    """Stands for the studio's training: remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def plan(self, dataset: Path, given: Mapping[str, Any], *, trial: bool, progress: Progress) -> Planned:
        self.asked = {"dataset": dataset, "given": dict(given), "trial": trial}
        values = {name: value for name, value in given.items() if not isinstance(value, dict)}
        plan = TrainingPlan(dataset=str(dataset), **({"run": "runs/anna", "batch_size": 8} | values))
        estimate = MEASURED if trial else replace(MEASURED, parts=())
        return Planned(plan=plan, examples=Examples(train=(ONE,)), estimate=estimate, remarks=(NOTE, CHANGED, CHOSEN))

    def check(self, plan: TrainingPlan, *, trial: bool, progress: Progress) -> Planned:
        changed = plan.batch_size > 100
        mended = replace(plan, batch_size=100) if changed else plan
        remarks = (CHANGED,) if changed else ()
        return Planned(plan=mended, examples=Examples(train=(ONE,)), estimate=MEASURED, remarks=remarks)


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Planner:
    found = Planner()
    monkeypatch.setattr(Studio, "training", found, raising=False)
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "plan.yaml"


def test_a_plan_is_written_and_explained(planner: Planner, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "datasets/anna", "-o", str(out)]) == 0
    told = capsys.readouterr().out
    assert told.index("learns from 100 clips") < told.index("batch_size is 100") < told.index("no clip is set aside")
    assert "480 steps, 12 an epoch; checkpoints: 8" in told
    assert "all of it    1:01:05" in told
    assert "training     1:00:00  480 steps of 7.50 s" in told
    assert "2.5 GiB" in told
    assert "120 MB (5 checkpoints of 20 MB)" in told
    assert f"voicewright train {out}" in told
    assert load(TrainingPlan, out).run == "runs/anna"
    assert "# The dataset's folder." in out.read_text("utf-8")


def test_flags_and_settings_are_given_on(planner: Planner, out: Path) -> None:
    words = ["--engine", "kokoro", "--run", "r", "--voice", "v", "--speaker", "s", "--start", "b", "--epochs", "7"]
    more = ["--batch-size", "4", "--learning-rate", "1e-5", "--consent", "I agree"]
    sets = ["--set", "lora.rank=4", "--set", "lora.alpha=8.5", "--set", "milestones=[2, 5]", "--set", "schedule=cosine"]
    assert main(["--device", "cuda", "plan", "d", "-o", str(out), *words, *more, *sets, "--no-trial"]) == 0
    assert planner.asked["dataset"] == Path("d")
    assert not planner.asked["trial"]
    assert planner.asked["given"] == {
        "device": "cuda",
        "engine": "kokoro",
        "run": "r",
        "voice": "v",
        "speaker": "s",
        "start": "b",
        "consent": "I agree",
        "epochs": 7,
        "batch_size": 4,
        "learning_rate": 1e-5,
        "lora": {"rank": 4, "alpha": 8.5},
        "milestones": [2, 5],
        "schedule": "cosine",
    }


def test_what_is_not_said_is_left_to_the_planner(planner: Planner, out: Path) -> None:
    assert main(["plan", "d", "-o", str(out)]) == 0
    assert planner.asked["given"] == {"device": "cpu"}
    assert planner.asked["trial"]


def test_without_a_trial_no_time_is_told(planner: Planner, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "d", "-o", str(out), "--no-trial"]) == 0
    assert "how long it takes was not tried" in capsys.readouterr().out


def test_no_plan_is_written_over(planner: Planner, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out.write_text("mine", "utf-8")
    assert main(["plan", "d", "-o", str(out)]) == 2
    assert "--replace" in capsys.readouterr().err
    assert (out.read_text("utf-8"), planner.asked) == ("mine", {})
    assert main(["plan", "d", "-o", str(out), "--replace"]) == 0
    assert load(TrainingPlan, out).dataset == "d"


def test_one_object_of_json(planner: Planner, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "d", "-o", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"]["dataset"] == "d"
    assert found["estimate"]["seconds"] == 3665.0
    assert [remark["kind"] for remark in found["remarks"]] == ["note", "changed", "chosen"]


def test_a_plan_is_checked_and_only_mended_when_asked(
    planner: Planner, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(TrainingPlan(dataset="d", run="r", batch_size=50), out)
    assert main(["plan", "--check", str(out)]) == 0
    save(TrainingPlan(dataset="d", run="r", batch_size=128), out)
    assert main(["plan", "--check", str(out)]) == 2
    printed = capsys.readouterr()
    assert "batch_size is 100 instead of 128" in printed.out
    assert "--replace" in printed.err
    assert load(TrainingPlan, out).batch_size == 128
    assert main(["plan", "--check", str(out), "--replace"]) == 0
    assert load(TrainingPlan, out).batch_size == 100


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["plan"], "voicewright plan DATASET"),
        (["plan", "--check", "nowhere.yaml"], "there is no plan nowhere.yaml"),
        (["plan", "d", "--check", "p.yaml"], "leave out the dataset"),
        (["plan", "--check", "p.yaml", "--epochs", "3"], "leave out --check"),
        (["plan", "d", "--set", "rank"], "NAME=VALUE"),
        (["plan", "d", "--set", "lora=4", "--set", "lora.rank=4"], "as a whole"),
    ],
)
def test_mistakes_are_told(planner: Planner, capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_a_plan_with_an_unknown_name_is_refused(
    planner: Planner, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out.write_text("dataset: d\nrun: r\nepoch: 3\n", "utf-8")
    assert main(["plan", "--check", str(out)]) == 2
    assert "did you mean 'epochs'" in capsys.readouterr().err


def test_rates_may_be_written_as_everybody_writes_them(planner: Planner, out: Path) -> None:
    out.write_text("dataset: d\nrun: r\nlearning_rate: 1e-4\n", "utf-8")
    assert load(TrainingPlan, out).learning_rate == 1e-4
    assert main(["plan", "--check", str(out)]) == 0
