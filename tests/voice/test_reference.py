"""The reference doctor uses the best of one speaker, says what it did, and refuses with advice what cannot work."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicewright.audio.activity import EnergyActivity, SileroActivity, Span
from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.audio.files import read_clip, sha256_of, write_clip
from voicewright.audio.yin import YinPitch
from voicewright.errors import BadReference
from voicewright.measure.similarity import load_encoder
from voicewright.voice.findings import clock
from voicewright.voice.reference import Reference, ReferenceRules, ReferenceTools, examine
from voicewright.voice.segments import Pool, listen, phrases

PACKAGE = Path(__file__).parents[2] / "src/voicewright"
AUSTEN = sorted((PACKAGE / "samples/austen").glob("*.flac"))


@dataclass
class ByPitch:
    """Tells speakers apart by their pitch alone: an octave apart is at right angles."""

    name: str = "pitch"

    def embed(self, clip: Clip) -> np.ndarray:
        sound = resample(clip, 16_000).samples
        spectrum = np.abs(np.fft.rfft(sound, 2 * len(sound))) ** 2
        echo = np.fft.irfft(spectrum)[40:270]
        angle = np.log2(16_000 / (40 + int(echo.argmax())) / 100) * np.pi / 2
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


@dataclass
class Nobody:
    """Hears the same speaker in everything."""

    name: str = "nobody"

    def embed(self, clip: Clip) -> np.ndarray:
        return np.array([1, 0], np.float32)


@dataclass(frozen=True)
class Word:
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Transcript:
    words: Sequence[Word]
    language: str
    probability: float


@dataclass
class Clock:
    """A recogniser that says the second it is in, every second."""

    probability: float = 0.9

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript:
        words = [Word(str(s), s + 0.4, s + 0.6) for s in range(int(clip.seconds))]
        return Transcript(words, "en", self.probability)


TOOLS = ReferenceTools(activity=EnergyActivity(), encoder=Nobody())


@pytest.fixture(scope="module")
def speech() -> Clip:
    return join([read_clip(path) for path in AUSTEN])


def saved(path: Path, clip: Clip) -> Path:
    write_clip(path, clip)
    return path


def hummed(hz: float, seconds: float, seed: int = 0) -> Clip:
    """A voice-like sound: harmonics of a wavering pitch in syllables, with a pause every 2 s."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * np.cumsum(hz * (1 + 0.03 * np.sin(2 * np.pi * 0.7 * time_s))) / 16_000
    tone = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 3 * time_s) + 0.5, 0, None) * (time_s % 2 < 1.6)
    return Clip(0.1 * tone * syllables + 1e-4 * generator.standard_normal(len(time_s)), 16_000)


def kinds(reference: Reference) -> set[str]:
    return {finding.kind for finding in reference.findings if finding.severity != "info"}


def test_good_recordings_are_used_and_traced() -> None:
    reference = examine(AUSTEN, tools=TOOLS)
    assert reference.forecast.grade == "likely good"
    assert reference.seconds_used > 18
    assert [source.sha256 for source in reference.sources] == [sha256_of(path) for path in AUSTEN]
    assert [source.name for source in reference.sources] == [path.name for path in AUSTEN]
    assert {f.where for f in reference.findings if f.kind == "used"} == {path.name for path in AUSTEN}
    assert all(clip.rate >= 16_000 for clip in reference.clips)
    assert reference.language == "unknown"


def test_the_same_recordings_give_the_same_reference() -> None:
    one, two = examine(AUSTEN, tools=TOOLS), examine(AUSTEN, tools=TOOLS)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(one.clips, two.clips, strict=True))
    assert one.findings == two.findings


def test_clean_speech_is_preferred_to_noisy(tmp_path: Path, speech: Clip) -> None:
    noise = np.random.default_rng(0).standard_normal(len(speech)) * 0.05
    noisy = saved(tmp_path / "street.wav", speech.with_samples(speech.samples + noise))
    clean = saved(tmp_path / "desk.wav", speech)
    reference = examine([noisy, clean], tools=TOOLS)
    assert [source.name for source in reference.sources] == ["desk.wav"]
    assert any(f.where == "street.wav" and "noisier" in f.sentence for f in reference.findings)
    assert reference.forecast.grade == "likely good"
    alone = examine([noisy], tools=TOOLS)
    assert alone.forecast.grade != "likely good"
    assert "noise" in kinds(alone)


def test_two_good_recordings_are_both_used(tmp_path: Path, speech: Clip) -> None:
    one = saved(tmp_path / "one.wav", join([speech, speech]))
    two = saved(tmp_path / "two.wav", speech)
    assert len(examine([one, two], tools=TOOLS).sources) == 2


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("bandwidth", lambda clip: resample(clip, 8_000)),
        ("clipping", lambda clip: clip.with_samples(np.clip(clip.samples, -0.04, 0.04))),
        ("level", lambda clip: clip.with_samples(clip.samples / 50)),
        ("length", lambda clip: clip.between(0, 4)),
        ("noise", lambda c: c.with_samples(c.samples + 0.1 * np.random.default_rng(0).standard_normal(len(c)))),
    ],
)
def test_each_fault_is_named_and_lowers_the_forecast(tmp_path: Path, speech: Clip, kind: str, spoil) -> None:
    reference = examine([saved(tmp_path / "x.flac", spoil(speech))], tools=TOOLS)
    assert kinds(reference) == {kind}
    assert reference.forecast.grade in ("fair", "poor")
    assert reference.forecast.reasons


def test_low_rates_are_raised_to_16_khz(tmp_path: Path, speech: Clip) -> None:
    reference = examine([saved(tmp_path / "call.wav", resample(speech, 8_000))], tools=TOOLS)
    assert {clip.rate for clip in reference.clips} == {16_000}


@pytest.mark.parametrize(
    ("clip", "says"),
    [
        (Clip.silence(10, 16_000), "no speech was found in 0:10"),
        (hummed(120, 0.5), "only 0.5 s long; at least 3 s"),
        (join([hummed(120, 1.2), Clip.silence(5, 16_000)]), "usable speech .* at least 3 s are needed"),
    ],
)
def test_what_cannot_work_is_refused_with_advice(tmp_path: Path, clip: Clip, says: str) -> None:
    with pytest.raises(BadReference, match=says):
        examine([saved(tmp_path / "x.wav", clip)], tools=TOOLS)


def test_music_is_refused_even_if_the_detector_takes_it_for_speech(tmp_path: Path) -> None:
    time_s = np.arange(16_000 * 12) / 16_000
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (131, 165, 196, 262, 330, 392, 523, 659)) / 20
    path = saved(tmp_path / "x.wav", Clip(chord, 16_000))
    with pytest.raises(BadReference, match="music without speech"):
        examine([path], tools=TOOLS)


def test_no_recordings_and_unreadable_recordings(tmp_path: Path) -> None:
    with pytest.raises(BadReference, match="no recordings were given"):
        examine([], tools=TOOLS)
    (tmp_path / "notes.wav").write_bytes(b"these are notes")
    with pytest.raises(BadReference, match=r"(?s)notes.wav.*gone.mp3"):
        examine([tmp_path / "notes.wav", tmp_path / "gone.mp3"], tools=TOOLS)


def test_one_unreadable_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_bytes(b"these are notes")
    reference = examine([tmp_path / "notes.wav", *AUSTEN], tools=TOOLS)
    assert [f.where for f in reference.findings if f.kind == "unreadable"] == ["notes.wav"]
    assert len(reference.sources) == len(AUSTEN)


def test_a_copy_is_used_once_and_equal_names_are_told_apart(tmp_path: Path, speech: Clip) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = saved(tmp_path / "a" / "1.wav", speech)
    copy = saved(tmp_path / "copy.wav", speech)
    other = saved(tmp_path / "b" / "1.wav", speech.between(0, 12))
    reference = examine([one, copy, other], tools=TOOLS)
    assert [f.where for f in reference.findings if f.kind == "twice"] == ["copy.wav"]
    assert {f.where for f in reference.findings if f.kind == "used"} == {"a/1.wav", "b/1.wav"}
    assert {source.name for source in reference.sources} == {"1.wav"}


class TestTwoSpeakers:
    tools = replace(TOOLS, encoder=ByPitch())

    @pytest.fixture
    def both(self, tmp_path: Path) -> Path:
        return saved(tmp_path / "talk.wav", join([hummed(110, 10), hummed(210, 20), hummed(110, 6)]))

    def test_without_a_choice_the_speakers_are_listed(self, both: Path) -> None:
        with pytest.raises(BadReference, match="2 speakers") as refusal:
            examine([both], tools=self.tools)
        text = str(refusal.value)
        assert "speaker 1: about 1" in text
        assert "speaker 2: about " in text
        assert "talk.wav 0:1" in text
        assert "--speaker 1" in text
        assert "--speaker sample.wav" in text

    @pytest.mark.parametrize(("wanted", "inside"), [(1, (9.5, 30.5)), (2, (0, 10.5, 29.5, 36))])
    def test_only_the_wanted_one_is_used(self, both: Path, wanted: int, inside: tuple[float, ...]) -> None:
        reference = examine([both], tools=self.tools, wanted_speaker=wanted)
        assert reference.speakers == 2
        voice = [ByPitch().embed(hummed(210 if wanted == 1 else 110, 3))]
        assert all(ByPitch().embed(clip) @ voice[0] > 0.95 for clip in reference.clips)
        assert any(f.kind == "speakers" and "another speaker" in f.sentence for f in reference.findings)

    def test_a_sample_chooses(self, both: Path, tmp_path: Path) -> None:
        sample = saved(tmp_path / "sample.wav", hummed(111, 5, seed=3))
        by_sample = examine([both], tools=self.tools, wanted_speaker=sample)
        by_number = examine([both], tools=self.tools, wanted_speaker=2)
        assert [len(clip) for clip in by_sample.clips] == [len(clip) for clip in by_number.clips]

    def test_a_wrong_choice_is_refused(self, both: Path, tmp_path: Path) -> None:
        with pytest.raises(BadReference, match="no speaker 3"):
            examine([both], tools=self.tools, wanted_speaker=3)
        stranger = saved(tmp_path / "stranger.wav", hummed(340, 5))
        with pytest.raises(BadReference, match=r"nobody in the recordings sounds like stranger.wav"):
            examine([both], tools=self.tools, wanted_speaker=stranger)
        with pytest.raises(BadReference, match="cannot be read"):
            examine([both], tools=self.tools, wanted_speaker=tmp_path / "none.wav")

    def test_a_short_interjection_is_left_out(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "talk.wav", join([hummed(110, 24), hummed(210, 2)]))
        reference = examine([path], tools=self.tools)
        assert reference.speakers == 1
        assert any("does not sound like this speaker" in f.sentence for f in reference.findings)


def test_words_go_to_their_clips() -> None:
    reference = examine(AUSTEN, tools=replace(TOOLS, recogniser=Clock()))
    assert reference.language == "en"
    assert len(reference.transcripts) == len(reference.clips)
    for text, clip in zip(reference.transcripts, reference.clips, strict=True):
        assert abs(len(text.split()) - clip.seconds) <= 1.5
    unsure = examine(AUSTEN, tools=replace(TOOLS, recogniser=Clock(probability=0.3)))
    assert unsure.language == "unknown"
    assert unsure.transcripts == ()


def test_pitch_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.wav", hummed(120, 12))
    reference = examine([path], tools=replace(TOOLS, pitch=YinPitch()))
    assert reference.pitch_hz == pytest.approx(120, rel=0.05)


def test_blocks_lose_nothing(speech: Clip, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.wav", speech)
    found = {}
    for block_s in (5.0, 60.0):
        pool = Pool(300)
        heard = listen(path, 0, EnergyActivity(), ReferenceRules(block_s=block_s), pool=pool)
        assert heard.seconds == pytest.approx(speech.seconds)
        for segment in pool.segments:
            assert np.abs(segment.clip.samples - speech.between(segment.start_s, segment.end_s).samples).max() < 1e-3
        found[block_s] = sum(segment.seconds for segment in pool.segments)
    assert found[5.0] == pytest.approx(found[60.0], rel=0.1)


def test_memory_does_not_grow_with_length(tmp_path: Path, speech: Clip) -> None:
    path = saved(tmp_path / "x.wav", join([speech] * 4))
    pool = Pool(12)
    heard = listen(path, 0, EnergyActivity(), ReferenceRules(block_s=10), pool=pool)
    assert heard.speech_s > 60
    assert sum(segment.seconds for segment in pool.segments) <= 12
    assert max(segment.start_s for segment in pool.segments) > 30


@settings(deadline=None)
@given(st.lists(st.floats(0.05, 9), min_size=1, max_size=12), st.lists(st.floats(0.01, 2), min_size=12, max_size=12))
def test_phrases_stay_in_order_and_in_bounds(lengths: list[float], gaps: list[float]) -> None:
    spans, time_s = [], 0.0
    for length, gap in zip(lengths, gaps, strict=False):
        spans.append(Span(time_s + gap, time_s + gap + length))
        time_s += gap + length
    clip = Clip(np.random.default_rng(0).standard_normal(int(time_s * 1000) + 1), 1000)
    rules = ReferenceRules()
    parts = phrases(clip, spans, rules)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(parts))
    assert all(rules.shortest_s <= part.seconds <= rules.phrase_s + 2 * rules.edge_s + 1e-6 for part in parts)
    assert all(part.start_s >= 0 and part.end_s <= clip.seconds for part in parts)


def test_times_are_written_like_a_player_shows_them() -> None:
    assert [clock(s) for s in (0, 59.9, 61, 3661)] == ["0:00", "0:59", "1:01", "1:01:01"]


@pytest.fixture(scope="module")
def real_tools() -> ReferenceTools:
    """The detector and the encoder that the thresholds were measured with."""
    package = find_spec("silero_vad")
    assert package is not None
    assert package.origin is not None
    model = Path(package.origin).parent / "data/silero_vad.onnx"
    encoder = load_encoder("campplus", PACKAGE / "weights/bundled/campplus.safetensors")
    return ReferenceTools(activity=SileroActivity(model), encoder=encoder)


def test_one_reader_near_and_on_the_telephone_is_one(real_tools: ReferenceTools, tmp_path: Path, speech: Clip) -> None:
    call = saved(tmp_path / "call.wav", resample(speech.between(12, 24), 8_000))
    near = saved(tmp_path / "near.wav", speech.between(0, 12))
    reference = examine([call, near], tools=real_tools)
    assert reference.speakers == 1
    assert [source.name for source in reference.sources] == ["near.wav"]


def test_another_voice_is_another_speaker(real_tools: ReferenceTools, tmp_path: Path, speech: Clip) -> None:
    reader = saved(tmp_path / "reader.wav", speech.between(0, 12))
    # Played 1.4 times as fast: higher, with a shorter throat.
    small = saved(tmp_path / "small.wav", resample(Clip(speech.between(8, 24).samples, 22_400), 16_000))
    with pytest.raises(BadReference, match="2 speakers"):
        examine([reader, small], tools=real_tools)
    chosen = examine(
        [reader, small], tools=real_tools, wanted_speaker=saved(tmp_path / "s.wav", speech.between(18, 23))
    )
    assert [source.name for source in chosen.sources] == ["reader.wav"]
