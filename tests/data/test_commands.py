"""`voicewright dataset …` on a small dataset: shown, corrected, shared out, moved, checked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voicewright.apps.cli import main
from voicewright.data.dataset import Dataset
from voicewright.data.options import PrepareOptions, SplitOptions

Make = Callable[..., Dataset]


@pytest.fixture
def folder(make_dataset: Make) -> Path:
    return make_dataset().folder


def done(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command prints when it succeeds."""
    code = main(["dataset", *map(str, words)])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return printed.out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["dataset", *map(str, words)]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    return told


def figures(capsys: pytest.CaptureFixture[str], folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done(capsys, "show", folder, "--all", "--json"))
    return found


def test_a_dataset_is_shown_in_figures_and_line_by_line(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert done(capsys, "show", folder).startswith("kept: 4 clips, 0:00:05")
    assert "Seven eight." in done(capsys, "show", folder, "--all")
    assert "Seven eight." not in done(capsys, "show", folder, "--dropped")
    assert [each["id"] for each in figures(capsys, folder)["utterances"]] == ["u0", "u1", "u2", "u3"]
    assert "is not a dataset" in refused(capsys, "show", folder.parent / "nowhere")


def test_corrections_are_carried_out_and_taken_back(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert "Four. Five. Six!" in done(capsys, "edit", folder, "u1", "--text", "Four. Five. Six!", "--speaker", "berta")
    done(capsys, "edit", folder, "u0", "--drop", "a cough")
    assert "a cough" in done(capsys, "show", folder, "--dropped")
    done(capsys, "undo", folder)
    assert "a cough" not in done(capsys, "show", folder, "--dropped")
    assert {each["speaker"] for each in figures(capsys, folder)["utterances"]} == {"anna", "berta"}
    done(capsys, "edit", folder, "u0", "--merge-with", "u1")
    assert len(figures(capsys, folder)["utterances"]) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["u9", "--keep"], "u9"),
        (["u0"], "say what is to be corrected"),
        (["u0", "--keep", "--drop", "noise"], "contradict"),
        (["u0", "--split-at", "77"], "77"),
    ],
)
def test_corrections_that_make_no_sense_change_nothing(
    capsys: pytest.CaptureFixture[str], folder: Path, words: list[str], told: str
) -> None:
    before = (folder / "manifest.jsonl").read_bytes()
    assert told in refused(capsys, "edit", folder, *words)
    assert (folder / "manifest.jsonl").read_bytes() == before
    assert not (folder / "edits.jsonl").exists()


def test_sharing_out_anew_changes_only_what_was_said(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    Dataset.create(folder, options=PrepareOptions(split=SplitOptions(validation=0.3, test=0.2)))
    done(capsys, "split", folder, "--seed", "5")
    assert Dataset.open(folder).info.options.split == SplitOptions(validation=0.3, test=0.2, seed=5)
    assert (folder / "report.html").is_file()


@pytest.mark.parametrize("format_name", ["voicewright", "huggingface", "ljspeech"])
def test_a_dataset_goes_out_comes_back_and_is_checked(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, format_name: str
) -> None:
    """What comes back has no recordings behind it: scores and report come from the clips alone."""
    done(capsys, "export", folder, "-o", tmp_path / "out", "--format", format_name)
    done(capsys, "import", tmp_path / "out", "-o", tmp_path / "back", "--speaker", "anna")
    before, after = figures(capsys, folder), figures(capsys, tmp_path / "back")
    for name in ("text", "speaker"):
        assert sorted(each[name] for each in after["utterances"]) == sorted(each[name] for each in before["utterances"])
    assert "not empty" in refused(capsys, "import", tmp_path / "out", "-o", tmp_path / "back")
    done(capsys, "check", tmp_path / "back", "--workers", "1")
    assert all(each["scores"]["loudness_lufs"] for each in figures(capsys, tmp_path / "back")["utterances"])
    assert "Seven eight." in (tmp_path / "back" / "report.html").read_text("utf-8")


def test_clips_that_are_gone_are_told_by_a_check_and_used_when_they_are_back(
    capsys: pytest.CaptureFixture[str], folder: Path, recording_file: Path
) -> None:
    recording_file.unlink()
    (folder / "clips" / "u2.wav").rename(folder / "away.wav")
    assert "the clip cannot be read" in done(capsys, "check", folder, "--workers", "1")
    (gone,) = [each for each in figures(capsys, folder)["utterances"] if "cannot be read" in each["dropped"]]
    assert gone["id"] == "u2"
    (folder / "away.wav").rename(folder / "clips" / "u2.wav")
    assert "the clip cannot be read" not in done(capsys, "check", folder, "--workers", "1")


def test_one_lost_clip_does_not_stop_an_import(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    (folder / "clips" / "u2.wav").unlink()
    done(capsys, "import", folder, "-o", tmp_path / "back")
    assert [each["id"] for each in figures(capsys, tmp_path / "back")["utterances"]] == ["u0", "u1", "u3"]


def test_a_manifest_from_elsewhere_writes_nothing_outside(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    manifest = folder / "manifest.jsonl"
    wild = manifest.read_text("utf-8").replace('"recording": "tones"', '"recording": "../../../wild"')
    for path in (manifest, folder / "work" / "utterances.jsonl"):
        path.write_text(wild, "utf-8")
    done(capsys, "check", folder, "--workers", "1")
    assert not (folder.parent / "wild").exists()


def test_two_datasets_are_one(capsys: pytest.CaptureFixture[str], make_dataset: Make, tmp_path: Path) -> None:
    one, two = make_dataset("one"), make_dataset("two", speaker="berta", shift_s=0.1)
    done(capsys, "merge", one.folder, two.folder, "-o", tmp_path / "both")
    found = figures(capsys, tmp_path / "both")["utterances"]
    assert len(found) == 8
    assert {each["speaker"] for each in found} == {"anna", "berta"}


def test_a_move_that_is_interrupted_leaves_nothing_behind(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    done(capsys, "export", folder, "--format", "sovits", "-o", tmp_path / "whole")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("voicewright.data.formats.base.SoundWriter.write", interrupted)
    assert main(["dataset", "export", str(folder), "--format", "ljspeech", "-o", str(tmp_path / "out")]) == 130
    monkeypatch.setattr("voicewright.data.formats.intake.copy_file", interrupted)
    assert main(["dataset", "import", str(tmp_path / "whole"), "-o", str(tmp_path / "in")]) == 130
    assert main(["dataset", "merge", str(folder), "-o", str(tmp_path / "all")]) == 130
    assert sorted(tmp_path.iterdir()) == before


def test_everything_is_told_to_machines_too(capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert json.loads(done(capsys, "export", folder, "-o", out, "--json"))["utterances"] == 4
    taken = json.loads(done(capsys, "import", out, "-o", tmp_path / "in", "--json"))
    assert taken["dataset"] == str(tmp_path / "in")
    assert json.loads((tmp_path / "in" / "dataset.json").read_text("utf-8"))["name"] == "in"
    merged = json.loads(done(capsys, "merge", folder, tmp_path / "in", "-o", tmp_path / "all", "--json"))
    assert merged["summary"]["kept"]["utterances"] >= 4
    done(capsys, "edit", folder, "u0", "--drop", "a cough")
    assert [each["id"] for each in json.loads(done(capsys, "undo", folder, "--json"))] == ["u0"]
