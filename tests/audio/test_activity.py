"""Speech is found where somebody speaks."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.activity import (
    ActivityDetector,
    ActivityOptions,
    EnergyActivity,
    SileroActivity,
    Span,
    spans_from,
)
from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join, resample, trim
from voicewright.errors import BadSetting, BadWeights


@pytest.fixture(scope="module", params=["silero", "energy"])
def detector(request: pytest.FixtureRequest, silero_model: Path) -> ActivityDetector:
    return SileroActivity(silero_model) if request.param == "silero" else EnergyActivity()


@pytest.fixture(scope="module")
def conversation(speech: Clip) -> Clip:
    """1 s of room, a phrase, 2 s of room, a phrase, 1.5 s of room."""
    room = Clip(3e-4 * np.random.default_rng(6).standard_normal(32_000), 16_000)
    phrase = trim(speech.between(0, 3))
    return join([room.between(0, 1), phrase, room, phrase, room.between(0, 1.5)])


@pytest.mark.parametrize("level_db", [0, -20])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_two_phrases_are_found_where_they_are(
    detector: ActivityDetector, conversation: Clip, rate: int, level_db: float
) -> None:
    phrase_s = (conversation.seconds - 4.5) / 2
    spans = detector.spans(gain(resample(conversation, rate), level_db))
    first = [s for s in spans if s.end_s < 1 + phrase_s + 1]
    second = [s for s in spans if s.start_s > 1 + phrase_s + 1]
    assert len(first) + len(second) == len(spans)
    assert first[0].start_s == pytest.approx(1, abs=0.5)  # the reader begins with a breath
    assert first[-1].end_s == pytest.approx(1 + phrase_s, abs=0.2)
    assert second[0].start_s == pytest.approx(3 + phrase_s, abs=0.5)
    assert second[-1].end_s == pytest.approx(3 + 2 * phrase_s, abs=0.2)
    assert sum(s.seconds for s in spans) > 0.8 * 2 * phrase_s


def test_there_is_no_speech_in_silence(detector: ActivityDetector) -> None:
    room = Clip(3e-4 * np.random.default_rng(7).standard_normal(48_000), 16_000)
    for quiet in (Clip([], 16_000), Clip.silence(0.01, 16_000), Clip.silence(3, 44_100), room):
        assert detector.spans(quiet) == []


def test_probabilities_cover_the_clip(detector: ActivityDetector, conversation: Clip) -> None:
    likely = detector.probabilities(conversation)
    assert likely.min() >= 0
    assert likely.max() <= 1
    assert (len(likely) - 1) * detector.hop_s < conversation.seconds <= (len(likely) + 0.01) * detector.hop_s
    assert likely[round(0.2 / detector.hop_s)] < 0.2
    assert np.median(likely[round(1.2 / detector.hop_s) : round(3.2 / detector.hop_s)]) > 0.8


def test_silero_does_not_take_noise_or_a_tone_for_speech(silero_model: Path) -> None:
    noise = Clip(0.2 * np.random.default_rng(9).standard_normal(48_000), 16_000)
    hum = Clip(0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000), 16_000)
    detector = SileroActivity(silero_model)
    assert sum(s.seconds for s in detector.spans(noise)) < 0.3
    assert sum(s.seconds for s in detector.spans(hum)) < 0.5


def test_silero_hears_every_clip_afresh(silero_model: Path, speech: Clip) -> None:
    detector = SileroActivity(silero_model)
    before = detector.probabilities(speech)
    detector.probabilities(Clip(0.2 * np.random.default_rng(9).standard_normal(48_000), 16_000))
    assert np.array_equal(detector.probabilities(speech), before)


def test_silero_answers_as_its_authors_wrapper_does(silero_model: Path, speech: Clip) -> None:
    """First and last probabilities of this clip from silero_vad 6.2.3's own OnnxWrapper."""
    likely = SileroActivity(silero_model).probabilities(speech)
    np.testing.assert_allclose(likely[:5], [0.04673386, 0.03066736, 0.03202528, 0.03423709, 0.03543082], atol=2e-5)
    assert likely.mean() == pytest.approx(0.9219796, abs=1e-4)


def test_a_file_that_is_not_the_model_is_refused(tmp_path: Path, swift_model: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    for path in (tmp_path / "none.onnx", tmp_path / "junk.onnx", swift_model):
        with pytest.raises(BadWeights, match="silero"):
            SileroActivity(path)


PROBABILITIES = st.lists(st.floats(0, 1, width=32), max_size=200)
OPTIONS = st.builds(
    lambda low, high, speech, silence, pad: ActivityOptions(
        release=min(low, high),
        threshold=max(low, high),
        min_speech_ms=speech,
        min_silence_ms=silence,
        pad_ms=pad,
    ),
    *[st.floats(0.05, 0.95)] * 2,
    *[st.floats(0, 500)] * 3,
)


@given(likely=PROBABILITIES, options=OPTIONS, cut_s=st.floats(0, 0.009))
def test_spans_are_in_order_within_the_clip_and_long_enough(
    likely: list[float], options: ActivityOptions, cut_s: float
) -> None:
    seconds = max(0.0, len(likely) * 0.01 - cut_s)
    spans = spans_from(np.array(likely, np.float32), 0.01, seconds, options)
    assert all(0 <= s.start_s < s.end_s <= seconds + 1e-9 for s in spans)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(spans))
    assert all(s.seconds >= options.min_speech_ms / 1000 - 1e-9 for s in spans)


def test_hysteresis_pauses_and_padding() -> None:
    options = ActivityOptions(threshold=0.5, release=0.35, min_speech_ms=30, min_silence_ms=30, pad_ms=10)

    def spans(*likely: float) -> list[Span]:
        found = spans_from(np.array(likely, np.float32), 0.01, len(likely) / 100, options)
        return [Span(round(s.start_s, 3), round(s.end_s, 3)) for s in found]

    high = [0.9] * 5
    assert spans(0, 0, *high, 0, 0, 0, 0, 0) == [Span(0.01, 0.08)]
    assert spans(*high, 0, *high) == [Span(0.0, 0.11)], "a short pause is bridged"
    assert spans(*high, *[0.4] * 6, *high) == [Span(0.0, 0.16)], "a murmur above `release` is no pause"
    assert spans(*[0.4] * 9) == [], "a murmur alone is no speech"
    assert spans(0, 0, 0.9, 0.9, 0, 0, 0, 0, 0) == [], "a click is too short"
    assert len(spans(*high, 0, 0, 0, 0, 0, *high)) == 2


def test_impossible_options_are_refused() -> None:
    with pytest.raises(BadSetting, match="release"):
        ActivityOptions(threshold=0.3, release=0.5)
    with pytest.raises(BadSetting, match="pad_ms"):
        ActivityOptions(pad_ms=-1)
