"""An engine that only converts is heard converting: recordings of the speaker, and of somebody else."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `made_up` lies beside this file

from made_up import LEARNED, RATE, World, held_out, recordings, tones_of, voice

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.pitch import Pitch
from voicewright.audio.yin import YinPitch
from voicewright.engines.base import ConvertOptions
from voicewright.errors import BadPlan, BadSetting
from voicewright.measure.intelligibility import Transcript
from voicewright.samples import samples
from voicewright.training.audition import Auditor
from voicewright.training.comparison import Side, compare_voices
from voicewright.training.options import AuditionOptions
from voicewright.training.texts import conversion_tasks
from voicewright.voice.voice import Voice


class Copies:
    """Gives the recording back: with the voice's own tones in it, without its melody, or hardly to be heard."""

    rate, home_hz, context_s, longest_s = RATE, 0.0, 0.1, 30.0

    def __init__(self, voice: Voice) -> None:
        self.fault, _ = voice.tensors["faults"]
        self.tones = voice.tensors["tones"]

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0, part_s: object = None) -> Clip:
        heard = resample(clip, RATE).samples
        if self.fault == 1:
            hz = 150 + 20 * np.sin(np.arange(len(heard)) / 4000)
            heard = 0.1 * np.sin(2 * np.pi * np.cumsum(hz) / RATE)
        if self.fault == 2:
            heard = 1e-4 * heard
        tones = np.resize(tones_of(self.tones, "tones").samples, len(heard))
        return Clip((0.5 * heard + 0.05 * tones).astype(np.float32), RATE)


class Singing(World):
    """It converts, and says nothing; words are heard wherever there is sound enough."""

    def __init__(self) -> None:
        super().__init__(missing=("dnsmos",), name="sovits-tiny")

    def converter(self, voice: Voice, options: ConvertOptions) -> Copies:
        return Copies(voice)

    def pitch(self, name: str = "swift") -> YinPitch:
        return YinPitch()

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript:
        loud = np.abs(clip.samples).max() > 0.03
        return Transcript(text="the cat sat on the mat" if loud else "")


Make = Callable[..., Auditor]


@pytest.fixture
def world() -> Singing:
    return Singing()


@pytest.fixture
def auditor(world: Singing, tmp_path: Path) -> Make:
    def make(sentences: int = 2, **options: object) -> Auditor:
        return Auditor(
            world,
            AuditionOptions(sentences=sentences, **options),
            language="en-us",
            held=held_out(tmp_path / "held"),
            train=recordings(tmp_path / "train", [LEARNED]),
            converts=True,
        )

    return make


def test_it_is_heard_on_recordings_of_the_speaker_and_of_somebody_else(auditor: Make, tmp_path: Path) -> None:
    tasks = auditor(4).tasks
    assert [task.recording.parent.name for task in tasks if task.recording] == ["held", "austen", "held", "austen"]
    assert len({task.sha256 for task in tasks}) == 4


def test_what_counts_is_lost_against_the_recording_and_not_against_the_start(
    world: Singing, auditor: Make, tmp_path: Path
) -> None:
    ears = auditor()
    start = ears.hear(world, voice(0.5, mumbles=1), tmp_path / "a", 0)
    followed = ears.hear(world, voice(0.5), tmp_path / "a", 10)
    assert any("melody" in reason for reason in start.reasons)
    assert followed.figures()["melody"] > 0.9
    assert start.figures()["melody"] < 0.7
    assert followed.score > start.score
    assert followed.figures()["words_wrong"] == 0


def test_words_that_are_gone_cost(world: Singing, auditor: Make, tmp_path: Path) -> None:
    faint = auditor().hear(world, voice(0.0, mumbles=2), tmp_path / "a", 0)
    plain = auditor().hear(world, voice(0.0), tmp_path / "b", 0)
    assert plain.figures()["words"] == 12  # what the recogniser hears in the two recordings
    assert (plain.figures()["words_wrong"], faint.figures()["words_wrong"]) == (0, 12)
    assert faint.score < plain.score - 0.9


def test_texts_are_for_engines_that_speak(auditor: Make) -> None:
    with pytest.raises(BadPlan, match="converts recordings"):
        auditor(texts=("A text to speak.",))


def test_without_held_out_recordings_it_takes_those_that_are_learned_from(tmp_path: Path) -> None:
    train = recordings(tmp_path / "train", [LEARNED])
    assert conversion_tasks((), train)[0].recording == train[0].audio
    assert len(conversion_tasks((), ())) == len(samples())


def test_two_voices_are_compared_on_recordings_that_no_audition_used(
    world: Singing, auditor: Make, tmp_path: Path
) -> None:
    ears = auditor(2)
    heard = {task.sha256 for task in ears.tasks}
    assert not heard & {task.sha256 for task in ears.more(24)}
    sides = [Side(name=name, open=lambda at=at: (world, at)) for name, at in (("a", voice(1.0)), ("b", voice(0.0)))]
    found = compare_voices(*sides, ears, tmp_path / "comparison", sentences=6)
    assert len(found.heard_b) == 6
    assert {"melody", "likeness"} <= {difference.meter for difference in found.differences}
    assert (tmp_path / "comparison" / "b" / "01.flac").is_file()
    with pytest.raises(BadSetting, match="recordings or more"):
        compare_voices(*sides, ears, tmp_path / "other", sentences=3)


def test_the_speaker_is_heard_in_what_is_converted(world: Singing, auditor: Make, tmp_path: Path) -> None:
    ears = auditor()
    near, far = (ears.hear(world, voice(at), tmp_path / str(at), 0).figures() for at in (0.0, 1.0))
    assert near["ge2e"] > far["ge2e"]
