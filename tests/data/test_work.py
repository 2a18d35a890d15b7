"""Intermediate results: found again by what they were made from, whole or not at all."""

from pathlib import Path

from voicewright.data.options import PrepareOptions
from voicewright.data.work import Work, key_of


def test_a_result_is_found_by_what_it_was_made_from(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.keep("speech", "a", key_of("sound", 1), {"spans": [[0.5, 1.5]]})
    assert (work.find("speech", "a", key_of("sound", 1)) or {})["spans"] == [[0.5, 1.5]]
    assert work.find("speech", "a", key_of("sound", 2)) is None
    assert work.find("speech", "b", key_of("sound", 1)) is None


def test_keys_follow_the_options() -> None:
    assert key_of(PrepareOptions()) == key_of(PrepareOptions())
    assert key_of(PrepareOptions()) != key_of(PrepareOptions(speaker="narrator"))


def test_a_torn_file_is_made_again(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.keep("words", "a/0000", "k", {"words": []})
    path = work.path("words", "a/0000")
    path.write_text(path.read_text("utf-8")[:-5], "utf-8")
    assert work.find("words", "a/0000", "k") is None
    path.write_text("[]", "utf-8")
    assert work.find("words", "a/0000", "k") is None


def test_what_belongs_to_nothing_is_tidied_away(tmp_path: Path) -> None:
    work = Work(tmp_path)
    for name in ("a/0000", "a/0001", "b/0000"):
        work.keep("words", name, "k", {})
    (tmp_path / "words" / "a" / "0000.json.123.part").write_text("half", "utf-8")
    work.tidy("words", ["a/0000"])
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["words/a/0000.json"]


def test_tidying_spares_names_with_dots_and_recordings_that_rest(tmp_path: Path) -> None:
    work = Work(tmp_path)
    for name in ("a", "a.b", "c", "c.d/0000", "e", "e/0000"):
        work.keep("words", name, "k", {})
    (tmp_path / "words" / "c.d" / "0000.json.123.part").write_text("half", "utf-8")
    work.tidy("words", ["a", "a.b"], resting=["c", "c.d"])
    left = sorted(path.relative_to(tmp_path / "words").as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["a.b.json", "a.json", "c.d/0000.json", "c.json"]
