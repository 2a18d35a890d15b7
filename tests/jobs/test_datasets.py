"""What becomes of recordings that a dataset is made of."""

from pathlib import Path

from voicewright.jobs.datasets import _kept


def test_two_recordings_of_one_name_are_both_kept(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    found = []
    for folder, data in (("first", b"one"), ("second", b"two"), ("again", b"one")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rec.wav").write_bytes(data)
        found.append(_kept(tmp_path / folder / "rec.wav", kept))
    assert [path.name for path in found] == ["rec.wav", "rec-2.wav", "rec.wav"]
    assert [path.read_bytes() for path in found] == [b"one", b"two", b"one"]
