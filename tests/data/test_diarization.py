"""Who speaks: heard in sections, found over all of them."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.audio.files import read_clip
from voicewright.data.diarization import Diarization, DiarizationOptions, cluster, name_speakers
from voicewright.data.hearing import Listener, load_listener, window_starts
from voicewright.data.pyannote import PyannoteDiarizer
from voicewright.data.turns import Turn, spoken_s
from voicewright.data.voices import Piece, Voices
from voicewright.errors import BadDataset, BadSetting, MissingExtra, MissingWeights
from voicewright.measure.diarization import diarization_errors
from voicewright.samples import AUSTEN
from voicewright.weights.catalogue import BUNDLED

RATE = 16_000


def reading(name: str, *, child: bool = False) -> Clip:
    """A sentence of the sample reader; as a child, the same faster and higher, which is another voice to the ear."""
    clip = read_clip(AUSTEN / f"austen-{name}.flac")
    return Clip(resample(Clip(clip.samples, 22_400), RATE).samples, RATE) if child else clip


@pytest.fixture(scope="module")
def listener() -> Listener:
    return load_listener(BUNDLED / "segmentation.safetensors", "campplus", BUNDLED / "campplus.safetensors")


@pytest.fixture(scope="module")
def talk() -> tuple[Clip, list[Turn]]:
    """The reader and the child by turns, at last both at once."""
    parts = [reading("0870"), reading("0880", child=True), reading("0890"), reading("0920", child=True)]
    pause = Clip.silence(0.4, RATE)
    turns, at_s = [], 0.0
    for number, part in enumerate(parts):
        turns.append(Turn(at_s + 0.2, at_s + part.seconds - 0.2, "child" if number % 2 else "reader"))
        at_s += part.seconds + pause.seconds
    sound = join([each for part in parts for each in (part, pause)])
    return sound, turns


def test_two_voices_by_turns_are_two_speakers(listener: Listener, talk: tuple[Clip, list[Turn]]) -> None:
    sound, truth = talk
    found = cluster([listener.hear(sound)])
    assert list(found.centres) == ["speaker1", "speaker2"]
    errors = diarization_errors(truth, found.turns[0], collar_s=0.25)
    assert errors.confused == 0
    assert errors.der < 0.05


def test_a_speaker_is_the_same_in_another_recording(listener: Listener, talk: tuple[Clip, list[Turn]]) -> None:
    other = join([reading("0930"), reading("0890", child=True)])
    voices = [listener.hear(talk[0]), listener.hear(resample(other, 8_000))]
    found = cluster(voices)
    assert set(found.centres) == {"speaker1", "speaker2"}
    assert [turn.speaker for turn in found.turns[1]] == ["speaker1", "speaker2"]
    picked = name_speakers(found, "child", sample=listener.sound_of(reading("0870", child=True)))
    assert {turn.speaker for turn in picked.turns[1]} == {"speaker1", "child"}
    assert picked.turns[1][-1].speaker == "child"


def test_both_at_once_is_marked(listener: Listener) -> None:
    reader, child = reading("0870"), reading("0930", child=True)
    samples = reader.samples.copy()
    samples[3 * RATE : 3 * RATE + len(child)] += child.samples
    sound = join([reader, child, Clip(samples, RATE)])
    found = cluster([listener.hear(sound)])
    shared = [turn for turn in found.turns[0] if turn.overlap]
    assert {turn.speaker for turn in shared} == {"speaker1", "speaker2"}
    start_s = reader.seconds + child.seconds + 3
    assert all(start_s - 0.3 < turn.start_s and turn.end_s < start_s + child.seconds + 0.3 for turn in shared)
    assert sum(turn.seconds for turn in shared) / 2 > child.seconds / 2


def test_one_reader_is_one_speaker_and_silence_is_nobody(listener: Listener) -> None:
    found = cluster([listener.hear(reading("0870")), listener.hear(reading("0920"))])
    assert list(found.centres) == ["speaker1"]
    quiet = listener.hear(Clip.silence(12, RATE))
    assert quiet.pieces == ()
    assert cluster([Voices.from_dict(quiet.to_dict())]).turns == ((),)
    assert cluster([]).turns == ()
    with pytest.raises(BadSetting, match="nobody speaks"):
        name_speakers(cluster([quiet]), "narrator")
    with pytest.raises(BadSetting, match="too little speech"):
        listener.sound_of(Clip.silence(3, RATE))


def test_what_was_heard_survives_a_file(listener: Listener, talk: tuple[Clip, list[Turn]]) -> None:
    heard = listener.hear(talk[0])
    again = Voices.from_dict(json.loads(json.dumps(heard.to_dict())))
    assert cluster([again]).turns[0] == cluster([Voices.from_dict(again.to_dict())]).turns[0]
    assert np.array_equal(again.embeddings, heard.embeddings)
    assert [piece.row for piece in again.pieces] == [piece.row for piece in heard.pieces]
    for broken in ({}, heard.to_dict() | {"embeddings": "?"}, heard.to_dict() | {"pieces": [[0, 1, 0, 999]]}):
        with pytest.raises(BadDataset, match="run again"):
            Voices.from_dict(broken)


def test_unknown_encoders_are_refused() -> None:
    with pytest.raises(BadSetting, match="no speaker encoder 'dvector'"):
        load_listener(BUNDLED / "segmentation.safetensors", "dvector", BUNDLED / "campplus.safetensors")
    with pytest.raises(BadSetting, match="heard by ge2e"):
        cluster([made([], encoder="ge2e")])


def test_windows_cover_the_sound() -> None:
    assert window_starts(5, 10, 7) == [0]
    assert window_starts(10, 10, 7) == [0]
    assert window_starts(25, 10, 7) == [0, 7, 14, 15]


def made(people: list[tuple[int, float]], *, encoder: str = "campplus", scatter: float = 0.7, seed: int = 0) -> Voices:
    """A section in which people (number, seconds) speak one after another, as an encoder might hear them."""
    random = np.random.default_rng(seed)
    rows, pieces, at_s = [], [], 0.0
    for number, seconds in people:
        person = np.random.default_rng(1000 + number).standard_normal(192)
        row = person / np.linalg.norm(person) + scatter * random.standard_normal(192) / np.sqrt(192)
        rows.append(row / np.linalg.norm(row))
        pieces.append(Piece(at_s, at_s + seconds, len(pieces), len(pieces)))
        at_s += seconds + 0.5
    embeddings = np.array(rows, np.float16).reshape(len(rows), 192)
    return Voices(seconds=max(at_s, 1.0), encoder=encoder, pieces=tuple(pieces), embeddings=embeddings)


def owners(found: Diarization) -> list[list[str]]:
    return [[turn.speaker for turn in section] for section in found.turns]


def test_speakers_are_named_by_how_much_they_speak() -> None:
    sections = [made([(1, 3.5), (2, 4), (1, 3.5), (3, 4)] * 5, seed=1), made([(2, 4), (3, 2)] * 5, seed=2)]
    found = cluster(sections)
    assert owners(found) == [["speaker2", "speaker1", "speaker2", "speaker3"] * 5, ["speaker1", "speaker3"] * 5]
    seconds = spoken_s(turn for section in found.turns for turn in section)
    assert list(seconds) == ["speaker1", "speaker2", "speaker3"]
    assert cluster(sections).turns == found.turns


def test_a_stray_goes_to_whom_it_is_most_like() -> None:
    found = cluster([made([(1, 4), (2, 4)] * 10 + [(9, 1.0)])])
    assert list(found.centres) == ["speaker1", "speaker2"]


def test_the_number_of_speakers_can_be_given() -> None:
    sections = [made([(1, 4), (2, 3), (3, 2)] * 8)]
    assert len(cluster(sections).centres) == 3
    assert len(cluster(sections, DiarizationOptions(speakers=2)).centres) == 2


def test_many_sections_are_grouped_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    sections = [made([(1, 4), (2, 3)] * 8, seed=seed) for seed in range(30)]
    whole = cluster(sections)
    monkeypatch.setattr("voicewright.data.diarization.MOST_CENTRES", 12)
    assert owners(cluster(sections)) == owners(whole)
    assert list(whole.centres) == ["speaker1", "speaker2"]


def test_the_wanted_speaker_is_named() -> None:
    found = cluster([made([(1, 4), (2, 3)] * 5)])
    assert owners(name_speakers(found, "narrator"))[0][:2] == ["narrator", "speaker2"]
    sample = found.centres["speaker2"]
    assert owners(name_speakers(found, "guest", sample=sample))[0][:2] == ["speaker1", "guest"]
    with pytest.raises(BadSetting, match="nobody in these recordings sounds like the sample"):
        name_speakers(found, "guest", sample=-sample)
    with pytest.raises(BadSetting, match="name of another speaker"):
        name_speakers(found, "speaker1", sample=sample)
    assert owners(found.renamed({"speaker1": "Anna", "speaker2": "Bert"}))[0][:2] == ["Anna", "Bert"]


@pytest.mark.parametrize("wrong", [{"speakers": -1}, {"same_speaker": 1.0}, {"gap_s": -0.1}])
def test_options_have_limits(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSetting):
        DiarizationOptions(**wrong)  # type: ignore[arg-type]


@dataclass(frozen=True)
class FakeSegment:
    start: float
    end: float


class FakePipeline:
    """What `pyannote.audio.Pipeline` looks like from outside."""

    asked: int | None = None

    @classmethod
    def from_pretrained(cls, path: str) -> "FakePipeline":
        return cls()

    def __call__(self, sound: dict[str, object], *, num_speakers: int | None) -> "FakePipeline":
        self.asked = num_speakers
        return self

    def itertracks(self, *, yield_label: bool) -> Iterator[tuple[FakeSegment, str, str]]:
        yield FakeSegment(-0.01, 1.0), "A", "SPEAKER_01"
        yield FakeSegment(0.8, 5.2), "B", "SPEAKER_00"


def test_pyannote_can_take_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("pipeline:\n", "utf-8")
    monkeypatch.setitem(sys.modules, "pyannote", ModuleType("pyannote"))
    module = ModuleType("pyannote.audio")
    module.Pipeline = FakePipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyannote.audio", module)
    turns = PyannoteDiarizer(tmp_path).turns(Clip.silence(5, RATE), DiarizationOptions(speakers=2))
    assert turns == [
        Turn(0.0, 0.8, "speaker2"),
        Turn(0.8, 1.0, "speaker1", True),
        Turn(0.8, 1.0, "speaker2", True),
        Turn(1.0, 5.0, "speaker1"),
    ]


def test_without_pyannote_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"config\.yaml"):
        PyannoteDiarizer(tmp_path)
    (tmp_path / "config.yaml").write_text("pipeline:\n", "utf-8")
    monkeypatch.setitem(sys.modules, "pyannote.audio", None)
    with pytest.raises(MissingExtra, match="pyannote"):
        PyannoteDiarizer(tmp_path)


def test_voices_of_another_diarizer_are_compared_all_the_same(
    listener: Listener, talk: tuple[Clip, list[Turn]]
) -> None:
    clip, turns = talk
    voices = listener.hear(clip, turns)
    found = cluster([voices])
    assert len(found.centres) == len({turn.speaker for turn in turns})
    assert diarization_errors(turns, found.turns[0]).der < 0.01
