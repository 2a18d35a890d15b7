"""The engine with its real weights: it speaks what it is given, always the same way, and makes a voice."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import rms_db
from voicewright.engines.base import HasOwnVoice
from voicewright.engines.kokoro import enrolment, load
from voicewright.engines.kokoro.engine import KokoroEngine, _fitting
from voicewright.engines.options import EnrollOptions, SpeakOptions
from voicewright.errors import BadSetting, BadText, BadVoice, StaleVoice, WrongVoice
from voicewright.measure.similarity import heard
from voicewright.samples import samples
from voicewright.text.piece import Piece
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store

FRAME_S = 600 / 24_000
GREETING = "həlˈO wˈɜɹld, ænd ɡˈʊd mˈɔɹnɪŋ."


def piece(phonemes: str) -> Piece:
    return Piece(text=phonemes, spoken="", phonemes=phonemes)


def say(
    engine: KokoroEngine, said: Piece | str, voice: Voice | None = None, *, speed: float = 1.0, seed: int = 0
) -> Clip:
    said = piece(said) if isinstance(said, str) else said
    (clip,) = engine.stream([said], voice or engine.own_voice(), SpeakOptions(speed=speed, seed=seed))
    return clip


@pytest.fixture(scope="module")
def greeting(engine: KokoroEngine) -> Clip:
    return say(engine, GREETING)


def test_it_is_an_engine_that_can_speak_at_once(engine: KokoroEngine) -> None:
    assert isinstance(engine, HasOwnVoice)
    assert (engine.name, engine.rate, engine.licence) == ("kokoro", 24_000, "Apache-2.0")
    assert len(engine.weights) == 64


def test_it_speaks_audibly_and_without_clipping(greeting: Clip) -> None:
    assert greeting.rate == 24_000
    assert 1.2 < greeting.seconds < 4
    assert -40 < rms_db(heard(greeting)) < -10
    assert float(np.abs(greeting.samples).max()) < 1


def test_a_stream_gives_a_clip_for_each_piece_and_takes_no_piece_early(engine: KokoroEngine) -> None:
    taken: list[str] = []

    def pieces() -> Iterator[Piece]:
        for said in (piece("hˈI."), Piece(text="\n\n", spoken="", pause_s=1.0), piece("bˈI.")):
            taken.append(said.text)
            yield said

    clips = engine.stream(pieces(), engine.own_voice(), SpeakOptions())
    assert taken == []
    assert next(clips).seconds > 0.2
    assert taken == ["hˈI."]
    pause = next(clips)
    assert (len(pause), pause.rate) == (0, engine.rate)
    assert len(taken) == 2
    assert next(clips).seconds > 0.2
    assert next(clips, None) is None


def test_the_same_seed_gives_the_same_samples_and_another_seed_another_reading(
    engine: KokoroEngine, greeting: Clip
) -> None:
    assert np.array_equal(say(engine, GREETING).samples, greeting.samples)
    other = say(engine, GREETING, seed=7)
    assert np.array_equal(say(engine, GREETING, seed=7).samples, other.samples)
    for another in (greeting, say(engine, GREETING, seed=8)):
        assert not np.array_equal(other.samples[:9000], another.samples[:9000])
    assert other.seconds == pytest.approx(greeting.seconds, rel=0.2)  # the same words by the same speaker


@pytest.mark.parametrize(("speed", "length"), [(2.0, 0.5), (0.7, 1 / 0.7)])
def test_speed_divides_the_length(engine: KokoroEngine, greeting: Clip, speed: float, length: float) -> None:
    assert say(engine, GREETING, speed=speed).seconds == pytest.approx(length * greeting.seconds, rel=0.15)


def test_one_word_is_enough_and_text_and_phonemes_say_the_same(engine: KokoroEngine) -> None:
    word = say(engine, Piece(text="Yes.", spoken="Yes."))
    assert 0.2 < word.seconds < 1.5
    assert rms_db(word) > -45
    assert np.array_equal(say(engine, "jˈɛs.").samples, word.samples)


def test_a_piece_longer_than_the_network_reads_is_spoken_in_parts(engine: KokoroEngine) -> None:
    word = "wˈʌn "
    long = (word * 121).strip()
    assert len(long) > 600
    quarter = say(engine, (word * 30).strip(), speed=2.0)
    assert say(engine, long, speed=2.0).seconds == pytest.approx(4 * quarter.seconds, rel=0.25)


@pytest.mark.parametrize(
    ("phonemes", "longest", "parts"),
    [
        ("abc", 5, ["abc"]),
        ("ab cd ef", 5, ["ab cd", "ef"]),
        ("ab cd ef", 4, ["ab", "cd", "ef"]),
        ("abcdefgh ij", 5, ["abcde", "fgh", "ij"]),
        ("abcde", 5, ["abcde"]),
        (" abcdef", 5, [" abcd", "ef"]),
    ],
)
def test_long_phonemes_are_cut_at_spaces(phonemes: str, longest: int, parts: list[str]) -> None:
    assert _fitting(phonemes, longest) == parts


@pytest.mark.parametrize("spoken", ["🙂", "***", "\u200b"])
def test_what_cannot_be_pronounced_is_refused(engine: KokoroEngine, spoken: str) -> None:
    with pytest.raises(BadText, match="can be pronounced"):
        say(engine, Piece(text=spoken, spoken=spoken))


def test_phonemes_that_the_network_does_not_know_are_refused(engine: KokoroEngine) -> None:
    with pytest.raises(BadText, match="ʘ"):
        say(engine, "hʘ")
    with pytest.raises(BadText, match="can be pronounced"):
        say(engine, "  ")


def test_voices_of_others_are_refused_before_anything_is_spoken(engine: KokoroEngine) -> None:
    own = engine.own_voice()
    with pytest.raises(WrongVoice, match="'other'"):
        say(engine, "hˈI.", replace(own, engine="other"))
    with pytest.raises(StaleVoice, match="make it again"):
        say(engine, "hˈI.", replace(own, weights="0" * 64))
    with pytest.raises(BadVoice, match="'prosody'"):
        say(engine, "hˈI.", replace(own, tensors={k: v for k, v in own.tensors.items() if k != "prosody"}))


def test_gain_and_stretch_of_a_voice_are_obeyed(engine: KokoroEngine, greeting: Clip) -> None:
    own = engine.own_voice()
    faint = say(engine, GREETING, replace(own, tensors={**own.tensors, "gain": np.array(0.25, np.float32)}))
    assert np.allclose(faint.samples, greeting.samples / 4, atol=1e-6)
    slow = say(engine, GREETING, replace(own, tensors={**own.tensors, "stretch": np.array(1.2, np.float32)}))
    assert slow.seconds == pytest.approx(1.2 * greeting.seconds, rel=0.06)
    loud = say(engine, GREETING, replace(own, tensors={**own.tensors, "gain": np.array(1000, np.float32)}))
    assert float(np.abs(loud.samples).max()) == 1


def test_a_style_is_shifted_to_the_length_of_what_is_said(
    engine: KokoroEngine, greeting: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Styles are kept at one length; what Kokoro's voices change with the number of phonemes is added when speaking."""
    own, prior = engine.own_voice(), engine._prior
    timbre, prosody = (shift.numpy() for shift in prior.shift(len(GREETING)))
    monkeypatch.setattr(engine, "_prior", replace(prior, by_length=prior.by_length * 0))
    assert not np.array_equal(say(engine, GREETING).samples[:9000], greeting.samples[:9000])
    moved = {**own.tensors, "timbre": own.tensors["timbre"] + timbre, "prosody": own.tensors["prosody"] + prosody}
    assert np.array_equal(say(engine, GREETING, replace(own, tensors=moved)).samples, greeting.samples)


def test_another_device_or_precision_is_refused_before_anything_is_read(store: Store) -> None:
    with pytest.raises(BadSetting, match="CPU only"):
        load(store, device="cuda")
    with pytest.raises(BadSetting, match="'int8'"):
        load(store, precision="int8")


def test_both_precisions_say_the_same(store: Store, greeting: Clip) -> None:
    clips = [say(load(store, precision=precision), GREETING) for precision in ("float32", "bfloat16")]
    assert any(np.array_equal(clip.samples, greeting.samples) for clip in clips)  # "auto" is one of the two
    assert not np.array_equal(*(clip.samples for clip in clips))
    assert abs(clips[0].seconds - clips[1].seconds) <= FRAME_S
    shortest = min(map(len, clips))
    envelopes = [np.abs(clip.samples[: shortest // 600 * 600]).reshape(-1, 600).max(1) for clip in clips]
    assert np.corrcoef(*envelopes)[0, 1] > 0.95


@pytest.mark.slow
def test_a_quick_voice_is_nearer_to_the_speaker_than_its_start(
    engine: KokoroEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = read_clip(samples()[0].path)
    options, consent = EnrollOptions(preset="quick", seed=3), Consent("public domain")
    told: list[tuple[int, int | None]] = []
    voice = engine.enroll(
        [recording],
        name="jane",
        consent=consent,
        options=options,
        progress=lambda what, done, total: told.append((done, total)),
    )
    plan = enrolment.PLANS["quick"]
    monkeypatch.setitem(enrolment.PLANS, "quick", replace(plan, search=0, settle=0))
    monkeypatch.setattr(engine._enrolment, "judges", enrolment.Judges())  # the cosines are all that is asked for
    start = engine.enroll([recording], name="jane", consent=consent, options=options)
    for encoder in ("ge2e", "campplus"):
        assert voice.scores[encoder] > start.scores[encoder] + 0.03, encoder
        assert voice.scores[encoder] > 0.7, encoder
    assert (voice.engine, voice.weights, voice.consent) == (engine.name, engine.weights, consent)
    assert voice.settings["steps"] == plan.search + plan.settle
    assert told[-1][0] == told[-1][1]
    assert voice.preview is not None
    assert voice.preview.seconds > 1
    spoken = say(engine, Piece(text="Good evening.", spoken="Good evening, my dear."), voice)
    assert rms_db(heard(spoken)) == pytest.approx(np.clip(rms_db(heard(recording)), -27, -17), abs=3)
