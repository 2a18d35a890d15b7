"""The whole is its text, its pauses and its loudness, without a click."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tones import RATE, ToneEngine, pieces_of, voice

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import describe, read_clip
from voicewright.audio.loudness import loudness_lufs, true_peak_db
from voicewright.errors import BadClip, BadText
from voicewright.speech.assemble import Narration, assemble
from voicewright.speech.joins import LEAD_S, TAIL_S, Leveller, trimmed
from voicewright.speech.options import CheckOptions, JoinOptions, SpeechSettings
from voicewright.speech.signal import sound_span

Narrate = Callable[..., Narration]
UNCHECKED = SpeechSettings(check=CheckOptions(check="off"))


def test_the_pieces_joined_are_the_text(narrate: Narrate) -> None:
    narration = narrate()
    assert assemble(narration).text == "".join(piece.text for piece in narration.pieces)


def test_the_timings_are_where_the_sound_is(narrate: Narrate) -> None:
    speech = assemble(narrate())
    sound = np.abs(speech.clip.samples)
    spoken = [part for part in speech.parts if part.spoken]
    assert all(a.start_s < a.end_s <= b.start_s for a, b in pairwise(spoken))
    for part in spoken:
        inside = speech.clip.between(part.start_s, part.end_s)
        start, end = sound_span(inside)
        assert start / RATE == pytest.approx(LEAD_S, abs=0.015)
        assert end / RATE == pytest.approx(inside.seconds - TAIL_S, abs=0.015)
        sound[round(part.start_s * RATE) : round(part.end_s * RATE)] = 0.0
    assert not sound.any()  # what is between the pieces is silence
    assert speech.parts[-1].end_s == pytest.approx(speech.clip.seconds)


def test_each_pause_lasts_as_long_as_asked(narrate: Narrate) -> None:
    speech = assemble(narrate())
    first, second, pause, third = speech.parts[:4]

    def silence_s(before_end_s: float, after_start_s: float) -> float:
        return after_start_s + LEAD_S - (before_end_s - TAIL_S)

    assert silence_s(first.end_s, second.start_s) == pytest.approx(0.3, abs=1e-3)
    assert silence_s(second.end_s, third.start_s) == pytest.approx(0.3 + 1.0, abs=1e-3)
    assert pause.end_s - pause.start_s == pytest.approx(1.0, abs=0.05)
    assert second.end_s <= pause.start_s
    assert pause.end_s <= third.start_s


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["One two three.", "Yes.", "", "Nobody answered him at all."]), st.floats(0, 0.7)),
        min_size=1,
        max_size=6,
    )
)
def test_any_order_of_pieces_and_pauses_adds_up(narrate: Narrate, plan: list[tuple[str, float]]) -> None:
    pieces = [p for text, s in [("Start.", 0.1), *plan] for p in pieces_of(text or "[pause]", pause_s=s)]
    narration = Narration(ToneEngine(), voice(), pieces, UNCHECKED)
    clips = list(narration)
    speech = narration.speech(join(clips))
    assert speech.text == "".join(piece.text for piece in pieces)
    assert len(join(clips)) == round(speech.parts[-1].end_s * RATE)
    assert all(a.end_s <= b.start_s and a.start_s <= a.end_s for a, b in pairwise(speech.parts))


def test_the_file_holds_what_the_stream_yields(narrate: Narrate, tmp_path: Path) -> None:
    streamed = join(list(narrate()))
    speech = assemble(narrate(), tmp_path / "out.wav")
    assert speech.sound == tmp_path / "out.wav"
    np.testing.assert_allclose(speech.clip.samples, streamed.samples, atol=1 / 2**15)


def test_the_first_piece_is_heard_before_the_second_is_spoken(narrate: Narrate) -> None:
    engine = ToneEngine()
    next(iter(narrate(engine=engine)))
    assert {spoken for spoken, _, _ in engine.calls} == {"The quick brown fox jumps over a lazy dog."}


def test_there_is_no_click_where_pieces_meet(narrate: Narrate) -> None:
    class Abrupt(ToneEngine):
        def stream(self, pieces, voice, options):  # type: ignore[no-untyped-def]
            for clip in super().stream(pieces, voice, options):
                start, end = sound_span(clip)
                yield clip.with_samples(clip.samples[start + 500 : end - 700] + np.float32(0.05))

    pieces = pieces_of("One two three. Four five six. Seven eight nine.", pause_s=0.0)
    whole = join(list(Narration(Abrupt(), voice(), pieces, UNCHECKED))).samples
    raw = join(Abrupt().stream(pieces, voice(), UNCHECKED.speak)).samples
    inside = np.abs(np.diff(raw[2000:4000])).max() * np.abs(whole).max() / np.abs(raw).max()
    assert np.abs(np.diff(whole, prepend=0.0, append=0.0)).max() < 1.5 * inside


def test_loud_and_soft_pieces_are_made_even(narrate: Narrate) -> None:
    text = "One two three four. Five six seven eight. Nine ten eleven twelve. It was late again."
    volumes = {"Five six seven eight.": 1.5, "Nine ten eleven twelve.": 0.67}
    pieces = pieces_of(text)
    loud = replace(UNCHECKED, join=JoinOptions(loudness_lufs=-20.0))
    speech = assemble(Narration(ToneEngine(volumes=volumes), voice(), pieces, loud))
    levels = [loudness_lufs(speech.clip.between(part.start_s, part.end_s)) for part in speech.parts]
    assert max(levels) - min(levels) < 0.7  # they were 7 dB apart
    assert loudness_lufs(speech.clip) == pytest.approx(-20.0, abs=1.0)  # the pauses count a little


def test_a_shout_stays_louder_than_the_rest() -> None:
    text = "One two three four. Five six seven eight. Nine ten eleven twelve. It was late again."
    engine = ToneEngine(volumes={"Nine ten eleven twelve.": 4.0})
    speech = assemble(Narration(engine, voice(), pieces_of(text), UNCHECKED))
    levels = [loudness_lufs(speech.clip.between(part.start_s, part.end_s)) for part in speech.parts]
    assert levels[2] - levels[1] == pytest.approx(12.0 - UNCHECKED.join.even_db, abs=0.7)


@pytest.mark.parametrize("loudness", [-10.0, None])
def test_nothing_goes_above_the_peak(loudness: float | None) -> None:
    joins = SpeechSettings(check=CheckOptions(check="off"), join=JoinOptions(loudness_lufs=loudness, peak_dbfs=-3.0))
    engine = ToneEngine(volumes={"Nobody answered him.": 5.5})
    speech = assemble(Narration(engine, voice(), pieces_of("It was late. Nobody answered him. It was."), joins))
    assert true_peak_db(speech.clip) <= -3.0 + 0.05


def test_the_leveller_leaves_silence_alone() -> None:
    silence = Clip.silence(0.5, RATE)
    assert not Leveller(JoinOptions()).level(silence).samples.any()
    assert len(trimmed(silence)) == 0


def test_a_failed_write_leaves_no_file(narrate: Narrate, tmp_path: Path) -> None:
    class Breaks(ToneEngine):
        def stream(self, pieces, voice, options):  # type: ignore[no-untyped-def]
            if len(self.calls) == 2:
                raise BadClip("the engine broke")
            yield from super().stream(pieces, voice, options)

    with pytest.raises(BadClip, match="the engine broke"):
        assemble(narrate(engine=Breaks()), tmp_path / "out.flac")
    assert list(tmp_path.iterdir()) == []


def test_a_text_without_words_is_refused() -> None:
    with pytest.raises(BadText, match="nothing to say"):
        Narration(ToneEngine(), voice(), pieces_of("[pause]"), UNCHECKED)


def test_progress_ends_at_the_end(narrate: Narrate) -> None:
    seen: list[tuple[str, float, float]] = []
    narration = narrate(progress=lambda step, done, total: seen.append((step, done, total)))
    list(narration)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1] == seen[-1][2] == sum(len(piece.text) for piece in narration.pieces)


def test_a_long_text_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(pieces: int) -> int:
        narration = Narration(ToneEngine(), voice(), pieces_of("It was late and nobody spoke. " * pieces), UNCHECKED)
        tracemalloc.start()
        assemble(narration, tmp_path / "long.flac")
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(2)  # imports
    short = peak(5)
    seconds_more = describe(tmp_path / "long.flac").seconds * 9
    assert peak(50) - short < 0.3 * seconds_more * RATE * 4


def test_the_scores_of_the_whole_add_up(narrate: Narrate) -> None:
    engine = ToneEngine(faults={("Nobody answered him.", seed): "word" for seed in range(9)})
    speech = assemble(narrate(engine=engine))
    scores = speech.scores
    assert (scores.words_wrong, scores.failed, scores.retries) == (1, 1, 2)
    assert scores.words == 33
    assert scores.worst is not None
    assert speech.parts[scores.worst].spoken == "Nobody answered him."
    assert 0 < scores.check_share < 1
    assert scores.rtf == pytest.approx((scores.made_s + scores.check_s) / speech.seconds)
    assert 0 < scores.first_audio_s < 5
    assert speech.voice.consent == "consent not stated"


def test_reading_back_gives_the_same_clip(narrate: Narrate, tmp_path: Path) -> None:
    speech = assemble(narrate(), tmp_path / "a.flac")
    assert speech.clip.seconds == read_clip(tmp_path / "a.flac").seconds == pytest.approx(speech.seconds)
