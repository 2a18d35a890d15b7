"""A folder of recordings becomes a folder of results, whatever else lies in it."""

from pathlib import Path

import pytest

from voicewright.conversion.folder import convert_folder
from voicewright.errors import BadClip, NotWritten


def write(recording: Path, made: Path) -> None:
    if "broken" in recording.name:
        raise BadClip(f"{recording} is damaged")
    made.write_text(f"from {recording.name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "in"
    names = ["a.wav", "b/c.mp3", "b/c.flac", "b/d.ogg", "b/c.mp3.wav", "E.wav"]
    names += ["broken.wav", "notes.txt", ".hidden.wav", ".git/x.wav"]
    for name in names:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return source


def test_every_recording_gets_a_file_of_its_own_and_one_failure_stops_nothing(folder: Path) -> None:
    out = folder.with_name("out")
    report = convert_folder(folder, out, write)
    made = {str(path.relative_to(out)): path.read_text() for path in report.done}
    assert made == {
        "a.wav": "from a.wav",
        "E.wav": "from E.wav",
        "b/c.flac.wav": "from c.flac",
        "b/c.mp3-2.wav": "from c.mp3",
        "b/c.mp3.wav": "from c.mp3.wav",
        "b/d.wav": "from d.ogg",
    }
    assert list(report.failed) == [folder / "broken.wav"]
    assert "damaged" in report.failed[folder / "broken.wav"]
    assert report.ignored == (folder / "notes.txt",)


def test_what_is_there_already_is_not_made_again_unless_asked(folder: Path) -> None:
    out = folder / "out"  # results among the recordings are not converted again
    first = convert_folder(folder, out, write)
    second = convert_folder(folder, out, write)
    assert second.done == ()
    assert second.skipped == first.done
    assert convert_folder(folder, out, write, again=True).done == first.done


def test_a_stop_loses_the_file_in_hand_at_most(folder: Path) -> None:
    out, calls = folder.with_name("out"), list[Path]()

    def stopped(recording: Path, made: Path) -> None:
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(recording)
        made.write_text("")

    with pytest.raises(KeyboardInterrupt):
        convert_folder(folder, out, stopped)
    report = convert_folder(folder, out, write)
    assert len(report.skipped) == 3
    assert len(report.done) == 3


def test_a_folder_that_holds_the_source_is_a_fine_place(folder: Path) -> None:
    assert convert_folder(folder, folder.parent, write).done


def test_a_full_disk_ends_it(folder: Path) -> None:
    def full(recording: Path, made: Path) -> None:
        raise NotWritten("the disk is full")

    with pytest.raises(NotWritten):
        convert_folder(folder, folder.with_name("out"), full)


def test_a_folder_without_recordings_or_without_a_place_for_results_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="no folder"):
        convert_folder(tmp_path / "none", tmp_path / "out", write)
    with pytest.raises(BadClip, match="themselves"):
        convert_folder(folder, folder, write)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadClip, match="no recordings"):
        convert_folder(tmp_path / "empty", tmp_path / "out", write)
