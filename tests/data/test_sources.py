"""Which files are recordings, and what each is called."""

from pathlib import Path

import pytest

from voicewright.data.sources import (
    Recording,
    find_recordings,
    read_recordings,
    recording_name,
    with_recordings,
    write_recordings,
)
from voicewright.errors import BadClip, BadDataset


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"sound")


def test_sound_files_below_a_folder_are_found_in_order(tmp_path: Path) -> None:
    make(tmp_path, "b.wav", "a/2.MP3", "a/1.flac", "notes.txt", ".hidden/x.wav", "cover.jpg")
    found, problems = find_recordings([tmp_path])
    assert [label for _, label in found] == ["a/1.flac", "a/2.MP3", "b.wav"]
    assert problems == []


def test_a_file_that_is_named_may_have_any_ending_and_is_taken_once(tmp_path: Path) -> None:
    make(tmp_path, "take", "take.wav")
    found, _ = find_recordings([tmp_path / "take", tmp_path, tmp_path / "take.wav"])
    assert sorted(path.name for path, _ in found) == ["take", "take.wav"]


@pytest.mark.parametrize("empty", [True, False])
def test_nothing_to_find_is_said_with_the_place(tmp_path: Path, empty: bool) -> None:
    where = tmp_path if empty else tmp_path / "nowhere"
    with pytest.raises(BadClip, match=str(where)):
        find_recordings([where])


def test_a_link_into_nothing_is_reported_and_the_rest_is_found(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "gone.wav")
    found, problems = find_recordings([tmp_path])
    assert [label for _, label in found] == ["a.wav"]
    assert [problem.where for problem in problems] == [str(tmp_path / "b.wav")]


def test_clips_of_datasets_are_no_recordings_unless_they_are_named(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "ds/clips/a.wav", "ds/dataset.json", "ds/manifest.jsonl", "mine/dataset.json")
    make(tmp_path, "mine/manifest.jsonl", "mine/clips/b.wav", "songs/dataset.json", "songs/c.wav")
    found, problems = find_recordings([tmp_path], beside=tmp_path / "mine")
    assert [label for _, label in found] == ["a.wav", "songs/c.wav"]
    assert [problem.where for problem in problems] == [str(tmp_path / "ds")]
    assert [label for _, label in find_recordings([tmp_path / "ds" / "clips"])[0]] == ["a.wav"]


def test_what_is_named_and_no_ordinary_file_is_refused() -> None:
    with pytest.raises(BadClip, match="ordinary"):
        find_recordings([Path("/dev/null")])


def test_a_link_to_a_folder_is_reported_and_never_followed(tmp_path: Path) -> None:
    make(tmp_path, "in/a.wav", "elsewhere/b.wav")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in" / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found, problems = find_recordings([tmp_path / "in"])
    assert [label for _, label in found] == ["a.wav"]
    assert [Path(problem.where).name for problem in problems] == ["more", "round"]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("day one/take 2.wav", "day-one-take-2"),
        ("digits/0.g722", "digits-0"),
        ("line\nbreak.wav", "line-break"),
        ("voice 🎙️.wav", "voice-🎙️"),
        ("..wav", "clip"),
        ("-o.wav", "o"),
    ],
)
def test_names_are_plain_file_names(label: str, name: str) -> None:
    assert recording_name(label) == name


def test_names_stay_and_never_clash(tmp_path: Path) -> None:
    first = with_recordings([], [(tmp_path / "one/a.wav", "a.wav")], transcript=None)
    both = with_recordings(
        first, [(tmp_path / "two/A.wav", "A.wav"), (tmp_path / "one/a.wav", "a.wav")], transcript=None
    )
    names = {recording.path: recording.name for recording in both}
    assert names[str(tmp_path / "one/a.wav")] == "a"
    assert len({name.casefold() for name in names.values()}) == 2


def test_a_transcript_given_once_is_remembered(tmp_path: Path) -> None:
    text = tmp_path / "episode.txt"
    found = [(tmp_path / "episode.mp3", "episode.mp3")]
    known = with_recordings([], found, transcript=text)
    assert (known[0].transcript, known[0].alone) == (str(text), True)
    assert with_recordings(known, found, transcript=None) == known


def test_the_list_is_kept(tmp_path: Path) -> None:
    listed = [Recording(name="a", path="/x/a 🎙️.wav", label="a 🎙️.wav", transcript="/x/t.srt", alone=True)]
    write_recordings(tmp_path / "list.jsonl", listed)
    assert read_recordings(tmp_path / "list.jsonl") == listed
    assert read_recordings(tmp_path / "none.jsonl") == []
    (tmp_path / "list.jsonl").write_text('{"name": "a"}\n', "utf-8")
    with pytest.raises(BadDataset, match="line 1"):
        read_recordings(tmp_path / "list.jsonl")


def test_the_datasets_own_folder_holds_no_recordings(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "made/clips/a.wav", "made/work/sound/a.flac")
    (tmp_path / "link").symlink_to(tmp_path / "made" / "clips" / "a.wav")
    found, _ = find_recordings([tmp_path], beside=tmp_path / "made")
    assert [label for _, label in found] == ["a.wav"]


def test_a_name_that_is_no_text_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", b"caf\xe9.wav".decode("utf-8", "surrogateescape"))
    found, problems = find_recordings([tmp_path])
    assert [label for _, label in found] == ["a.wav"]
    assert "UTF-8" in str(problems[0])


@pytest.mark.parametrize("order", [("a.wav", "a-00001200.wav"), ("a-00001200.wav", "a.wav")])
def test_no_recording_is_called_like_the_clip_of_another(tmp_path: Path, order: tuple[str, str]) -> None:
    known: list[Recording] = []
    for name in order:
        known = with_recordings(known, [(tmp_path / name, name)], transcript=None)
    assert {recording.name for recording in known} != {"a", "a-00001200"}
    dated = [(tmp_path / name, name) for name in ("talk-20240101.wav", "talk-20240102.wav")]
    assert [r.name for r in with_recordings([], dated, transcript=None)] == ["talk-20240101", "talk-20240102"]


def test_the_label_that_a_transcript_knows_stays(tmp_path: Path) -> None:
    known = with_recordings([], [(tmp_path / "one/a.wav", "one/a.wav")], transcript=tmp_path / "t.txt")
    assert with_recordings(known, [(tmp_path / "one/a.wav", "a.wav")], transcript=None) == known
