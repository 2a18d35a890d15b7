"""A board of clips does not read the whole manifest for every sound that it plays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from voicewright.apps.http.clips import KEPT, Clips
from voicewright.data.dataset import Dataset
from voicewright.data.edits import Anchor, SetText
from voicewright.data.utterance import Utterance
from voicewright.errors import BadDataset, UnknownName


class Counted(Dataset):
    """Counts how often its manifest is read from beginning to end."""

    reads = 0

    def utterances(self) -> Iterator[Utterance]:
        self.reads += 1
        return super().utterances()


def dataset_in(folder: Path) -> Counted:
    dataset = Counted.create(folder)
    told = {"audio": "clips/a.flac", "sha256": "0" * 64, "seconds": 2.0, "rate": 16_000, "speaker": "she"}
    dataset.replace_base([Utterance(id=f"clip-{n}", text=f"sentence {n}", **told) for n in range(3)])
    dataset.reads = 0
    return dataset


def test_a_manifest_is_read_once_and_again_when_it_changed(tmp_path: Path) -> None:
    dataset, clips = dataset_in(tmp_path / "book"), Clips()
    for _ in range(5):
        assert list(clips.of(dataset)) == ["clip-0", "clip-1", "clip-2"]
    assert clips.one(dataset, "clip-1").text == "sentence 1"
    assert dataset.reads == 1
    dataset.edit(SetText(at=Anchor(id="clip-1"), text="corrected"))
    assert clips.one(dataset, "clip-1").text == "corrected"


def test_only_what_was_looked_at_last_is_held(tmp_path: Path) -> None:
    clips, sets = Clips(), [dataset_in(tmp_path / str(n)) for n in range(KEPT + 1)]
    for each in [*sets, sets[-1], sets[0]]:
        clips.of(each)
    assert [each.reads for each in sets] == [2, *[1] * KEPT]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    dataset, clips = dataset_in(tmp_path / "book"), Clips()
    with pytest.raises(UnknownName, match="no clip 'clip-9'"):
        clips.one(dataset, "clip-9")
    clips.of(dataset)
    dataset.manifest.unlink()
    with pytest.raises(BadDataset, match="no such file"):
        clips.of(dataset)
