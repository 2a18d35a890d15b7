"""Runs by name: what lies in a folder, and nothing that only looks as if it did."""

from pathlib import Path

import pytest

from voicewright.errors import BadRun
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run
from voicewright.training.runs import Runs


def make(folder: Path) -> Run:
    return Run.create(folder, TrainingPlan(dataset="d", run=str(folder), voice="anna"))


def test_every_run_is_listed_even_a_damaged_one(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        make(tmp_path / "runs" / name)
    (tmp_path / "runs" / "c" / "state.json").write_text("{")
    (tmp_path / "runs" / "not a run").mkdir()
    a, b, c = Runs(tmp_path / "runs").list()
    assert (a.name, b.name, c.name) == ("a", "b", "c")
    assert a.state is not None
    assert (a.state.status, a.voice, a.damaged) == ("new", "anna", "")
    assert c.state is None
    assert "state.json" in c.damaged


def test_a_run_is_its_own_list_and_nothing_is_an_empty_one(tmp_path: Path) -> None:
    make(tmp_path / "a")
    assert [each.name for each in Runs(tmp_path / "a").list()] == ["a"]
    assert Runs(tmp_path / "nowhere").list() == []


def test_a_run_is_opened_by_its_name(tmp_path: Path) -> None:
    make(tmp_path / "Mara älter 2")
    assert Runs(tmp_path).open("Mara älter 2").plan.voice == "anna"
    with pytest.raises(BadRun, match="no training run"):
        Runs(tmp_path).open("ben")


@pytest.mark.parametrize(
    "name", ["", "..", ".", "../outside", "/etc", "a/../../outside", "a\\b", "a\0b", ".hidden", "a\nb", "x" * 300]
)
def test_a_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    make(tmp_path / "outside")
    make(tmp_path / "runs" / "a")
    with pytest.raises(BadRun, match="cannot be a run's name"):
        Runs(tmp_path / "runs").open(name)


def test_a_link_that_leads_out_is_neither_listed_nor_opened(tmp_path: Path) -> None:
    make(tmp_path / "outside")
    make(tmp_path / "runs" / "a")
    (tmp_path / "runs" / "b").symlink_to(tmp_path / "outside", target_is_directory=True)
    runs = Runs(tmp_path / "runs")
    assert [each.name for each in runs.list()] == ["a"]
    with pytest.raises(BadRun, match="link that leads out"):
        runs.open("b")


def test_the_folder_of_runs_may_be_a_link_itself(tmp_path: Path) -> None:
    make(tmp_path / "disk" / "a")
    (tmp_path / "runs").symlink_to(tmp_path / "disk", target_is_directory=True)
    assert [each.name for each in Runs(tmp_path / "runs").list()] == ["a"]
    assert Runs(tmp_path / "runs").open("a").folder == tmp_path / "runs" / "a"
