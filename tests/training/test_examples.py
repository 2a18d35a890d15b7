"""A dataset becomes examples, or says which file is wrong and what to do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import sha256_of, write_clip
from voicewright.data.dataset import Dataset
from voicewright.data.utterance import TimedWord, Utterance
from voicewright.errors import BadDataset
from voicewright.training.examples import Examples, examples_of, require_unchanged

RATE = 24_000
Make = Callable[..., Dataset]


def utterance(folder: Path, number: int, seconds: float = 1.0, rate: int = RATE, **values: Any) -> Utterance:
    audio = f"clips/u{number}.wav"
    t = np.arange(round(seconds * rate)) / rate
    write_clip(folder / audio, Clip(0.2 * np.sin(2 * np.pi * (200 + number) * t), rate))
    usual: dict[str, Any] = {"text": f"Number {number}.", "speaker": "anna"}
    return Utterance(
        id=f"u{number}",
        audio=audio,
        sha256=sha256_of(folder / audio),
        seconds=seconds,
        rate=rate,
        words=(TimedWord(text="Number", start_s=0.1, end_s=0.5),),
        **(usual | values),
    )


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A dataset with a clip for each of some dictionaries of values."""

    def make(*values: dict[str, Any]) -> Dataset:
        dataset = Dataset.create(tmp_path / "anna")
        dataset.replace_base([utterance(dataset.folder, number, **each) for number, each in enumerate(values)])
        return dataset

    return make


def refused(dataset: Dataset, *about: Any, **named: Any) -> str:
    with pytest.raises(BadDataset) as refusal:
        examples_of(dataset, *about, **named)
    return str(refusal.value)


def remarks(examples: Examples) -> str:
    return "\n".join(map(str, examples.remarks))


VALIDATED: dict[str, Any] = {"split": "validation"}


def test_examples_are_the_kept_clips_by_split(make: Make) -> None:
    dataset = make({}, {"dropped": "too short (0.2 s)"}, VALIDATED, {"split": "test"}, {"seconds": 3.0})
    found = examples_of(dataset)
    assert [[each.id for each in side] for side in (found.train, found.validation, found.test)] == [
        ["u0", "u4"],
        ["u2"],
        ["u3"],
    ]
    first = found.train[0]
    assert first.audio == dataset.folder / "clips" / "u0.wav"
    assert (first.text, first.speaker, first.words) == ("Number 0.", "anna", (("Number", 0.1, 0.5),))
    assert (found.speaker, found.language, found.seconds) == ("anna", "en-us", 4.0)


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="voicewright prepare"):
        examples_of(Dataset.open(tmp_path / "none"))


def test_an_empty_dataset_and_one_whose_clips_are_all_dropped(make: Make) -> None:
    assert "manifest.jsonl: the dataset is empty; fill it: voicewright prepare" in refused(make())
    noisy = {"dropped": "noise close to the speech (9 dB, 14 dB wanted)"}
    told = refused(make({"dropped": "telephone sound (4000 Hz, 5000 Hz wanted)"}, noisy, noisy))
    assert "all 3 clips are dropped" in told
    assert told.index("noise close to the speech (2)") < told.index("telephone sound (1)")
    assert "--dropped" in told


def test_several_speakers_are_listed_and_one_has_to_be_named(make: Make) -> None:
    dataset = make({}, {"speaker": "bert", "seconds": 6.0}, {"speaker": "bert", "seconds": 6.0})
    assert "2 people" in refused(dataset)
    assert "'bert' (0.2 min), 'anna' (0.0 min)" in refused(dataset)
    assert "did you mean 'bert'?" in refused(dataset, "Bert")
    assert "there are: 'bert'" in refused(dataset, "zoë")
    assert [each.id for each in examples_of(dataset, "bert").train] == ["u1", "u2"]


def test_nothing_left_to_train_on(make: Make) -> None:
    assert "none is left to train on" in refused(make(VALIDATED))


def test_texts_are_wanted_by_engines_that_read(make: Make) -> None:
    dataset = make({"text": " "}, {"text": ""})
    assert "none of the 2 clips has a text, and kokoro learns from texts" in refused(dataset)
    assert len(examples_of(dataset, engine="sovits").train) == 2
    half = examples_of(make({}, {"text": ""}))
    assert [each.id for each in half.train] == ["u0"]
    assert "1 clip has no text and is left out, for kokoro learns from texts (u1)" in remarks(half)


def test_sound_that_is_missing_or_of_another_rate_or_length_is_named(make: Make) -> None:
    dataset = make({}, {}, {})
    (dataset.folder / "clips" / "u1.wav").unlink()
    (dataset.folder / "clips" / "u2.wav").unlink()
    told = refused(dataset)
    assert "u1.wav" in told
    assert "(and 1 more file)" in told
    assert "voicewright dataset check" in told
    dataset = make({})
    write_clip(dataset.folder / "clips" / "u0.wav", Clip(np.zeros(16_000), 16_000))
    assert "u0.wav has 16000 samples a second, the manifest says 24000" in refused(dataset)
    write_clip(dataset.folder / "clips" / "u0.wav", Clip(np.zeros(RATE // 2), RATE))
    assert "u0.wav lasts 0.5 s, the manifest says 1.0 s" in refused(dataset)


def test_changed_bytes_are_noticed_when_a_clip_is_prepared(make: Make) -> None:
    example = examples_of(make({})).train[0]
    require_unchanged(example)
    write_clip(example.audio, Clip(np.full(RATE, 0.1), RATE))
    with pytest.raises(BadDataset, match=r"u0\.wav was changed"):
        require_unchanged(example)
    example.audio.unlink()
    with pytest.raises(BadDataset, match=r"u0\.wav"):
        require_unchanged(example)


@pytest.mark.parametrize(
    ("minutes", "told"), [(0.5, "only 30 s"), (2.0, "2.0 minutes"), (3.5, "")], ids=["seconds", "two", "enough"]
)
def test_little_sound_is_told(make: Make, minutes: float, told: str) -> None:
    length_s = minutes * 6
    found = remarks(examples_of(make(*[{"seconds": length_s}] * 10, VALIDATED), engine="a plugin's"))
    assert told in found
    assert bool(found) == bool(told)


def test_no_clips_set_aside_is_told(make: Make) -> None:
    assert "auditions compare with clips that were trained on" in remarks(examples_of(make({})))
    assert "set aside" not in remarks(examples_of(make({}, VALIDATED)))


def test_several_languages_are_told(make: Make) -> None:
    found = examples_of(make({"seconds": 2.0}, {"language": "fr", "seconds": 6.0}))
    assert found.language == "fr"
    assert "2 languages: fr (0.1 min), en-us (0.0 min)" in remarks(found)
    assert [each.language for each in found.train] == ["en-us", "fr"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"seconds": 13.0}, "1 clip has more than the 12 s"),
        ({"seconds": 0.3}, "1 clip has less than the 0.6 s"),
        ({"rate": 16_000}, "1 clip has fewer than the 24000 samples a second"),
        ({"text": "la " * 200}, "1 clip has more than the 400 letters of text"),
    ],
)
def test_clips_that_were_cut_for_another_engine_are_told(make: Make, values: dict[str, Any], told: str) -> None:
    found = remarks(examples_of(make({}, values)))
    assert f"{told} that clips for kokoro should have (u1)" in found


def test_a_moved_dataset_gives_the_same_examples(make: Make, tmp_path: Path) -> None:
    dataset = make({}, VALIDATED)
    before = examples_of(dataset)
    moved = dataset.folder.rename(tmp_path / "elsewhere")
    after = examples_of(Dataset.open(moved))
    assert [replace(each, audio=Path()) for each in after.train] == [
        replace(each, audio=Path()) for each in before.train
    ]
