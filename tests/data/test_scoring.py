"""Scores say what was done to a clip, and nothing about what nobody listened to."""

from dataclasses import replace

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.audio.files import read_clip
from voicewright.audio.yin import YinPitch
from voicewright.data.scoring import Embed, ScoringTools, alignment, centre_of, due, embeddings_of, score, with_likeness
from voicewright.data.utterance import Scores, TimedWord, Utterance
from voicewright.measure.naturalness import Marks
from voicewright.measure.similarity import load_encoder, similarity
from voicewright.nn.listening import load_embedder
from voicewright.samples import samples
from voicewright.voice.quality import scene_of
from voicewright.weights.catalogue import BUNDLED

TOOLS = ScoringTools()


@pytest.fixture(scope="module")
def austen() -> Clip:
    return read_clip(samples()[0].path)


@pytest.fixture(scope="module")
def embed() -> Embed:
    return load_embedder("campplus", BUNDLED / "campplus.safetensors", rectified=True)


def said(clip: Clip, text: str = samples()[0].text, **given: object) -> Utterance:
    plain = Utterance(
        id="a", audio="a", sha256="", seconds=clip.seconds, rate=clip.rate, text=text, speaker="s", gold=True
    )
    return replace(plain, **given)  # type: ignore[arg-type]


def test_a_good_clip_reads_well(austen: Clip) -> None:
    found = score(said(austen), austen, ScoringTools(pitch=YinPitch()))
    assert found.snr_db is not None
    assert found.snr_db > 18
    assert found.clipped == 0
    assert found.tones is not None
    assert found.tones < 1.5
    assert found.words_min == pytest.approx(60 * 22 / austen.seconds)
    assert found.syllable_s is not None
    assert 0.15 < found.syllable_s < 0.35
    assert found.pitch_hz is not None
    assert 85 < found.pitch_hz < 115, "a man reads"
    unheard = (found.naturalness, found.likeness, found.cer, found.alignment, found.overlap)
    assert unheard == (None,) * 5


def test_noise_clipping_and_a_telephone_show(austen: Clip) -> None:
    draw = np.random.default_rng(0)
    level = float(np.sqrt(np.mean(austen.samples**2)))
    noisy = austen.with_samples(austen.samples + draw.standard_normal(len(austen)) * level * 0.3)
    noise_db = score(said(noisy), noisy, TOOLS).snr_db
    assert noise_db is not None
    assert 9 < noise_db < 14
    loud = austen.with_samples(np.clip(austen.samples / np.abs(austen.samples).max() * 3, -1, 1))
    clipped = score(said(loud), loud, TOOLS).clipped
    assert clipped is not None
    assert clipped > 0.005
    telephone = resample(resample(austen, 8_000), 24_000)
    band_hz = score(said(telephone), telephone, TOOLS).bandwidth_hz
    assert band_hz is not None
    assert band_hz < 5_000


def test_clipping_is_looked_for_in_the_recording(austen: Clip) -> None:
    """A resampler rounds flat tops: in the clip itself nothing is found any more."""
    loud = austen.with_samples(np.clip(austen.samples / np.abs(austen.samples).max() * 3, -1, 1))
    clip = resample(loud, 24_000)
    blind, sighted = score(said(clip), clip, TOOLS), score(said(clip), clip, TOOLS, original=loud)
    assert blind.clipped is not None
    assert sighted.clipped is not None
    assert blind.clipped < 0.001 < 0.005 < sighted.clipped


def test_a_short_clip_says_nothing_of_the_room_unless_told(austen: Clip) -> None:
    short = austen.between(1.0, 2.2)
    alone = score(said(short), short, TOOLS)
    told = score(said(short), short, TOOLS, scene=scene_of(austen))
    assert (alone.reverb_s, alone.tones) == (None, None)
    assert told.tones is not None
    assert told.reverb_s is not None


def test_silence_has_text_figures_only() -> None:
    silence = Clip.silence(3.0, 24_000)
    found = score(said(silence, "three seconds of silence", scores=Scores(overlap=0.1)), silence, TOOLS)
    assert found == Scores(words_min=80.0, overlap=0.1)


def test_numbers_count_as_they_are_said(austen: Clip) -> None:
    digits = score(said(austen, "It was 1984."), austen, TOOLS).words_min
    words = score(said(austen, "It was nineteen eighty-four."), austen, TOOLS).words_min
    assert digits == words


def test_word_scores_and_times() -> None:
    words = [
        TimedWord(text=str(i), start_s=i, end_s=i + 0.5, score=s) for i, s in enumerate([0.9, 0.9, 0.1, 0.1, 0.1, 0.9])
    ]
    assert alignment(words) == (pytest.approx(0.5), pytest.approx(0.1))
    assert alignment(words[:2]) == (pytest.approx(0.9), pytest.approx(0.9))
    assert alignment([replace(word, score=None) for word in words]) == (None, None)
    clip = Clip(0.1 * np.sin(np.arange(96_000)), 16_000)
    found = score(said(clip, "one two three four five six", words=tuple(words)), clip, TOOLS)
    assert found.syllable_s == pytest.approx(3.0 / 6)


def test_letters_are_compared_for_human_text_only(austen: Clip) -> None:
    text = samples()[0].text
    assert score(said(austen, heard=text.upper()), austen, TOOLS).cer == 0
    other = score(said(austen, heard="Quite another sentence was spoken here"), austen, TOOLS).cer
    assert other is not None
    assert other > 0.5
    assert score(said(austen, heard=text, gold=False), austen, TOOLS).cer is None
    placed = (TimedWord(text="And", start_s=0, end_s=1, score=0.0),)
    assert score(said(austen, words=placed), austen, TOOLS).cer == 1


def test_a_clip_is_like_its_own_speaker(austen: Clip, embed: Embed) -> None:
    # the same sound a third faster: smaller head, higher voice
    stranger = Clip(austen.samples, round(austen.rate * 1.35))
    clips = [read_clip(sample.path) for sample in samples()[:3]]
    *own, other, nobody = embeddings_of([*clips, stranger, Clip.silence(1.0, 16_000)], embed)
    centre = centre_of([each for each in own if each is not None])
    mine = with_likeness(said(austen), own[0], centre).scores.likeness
    others = with_likeness(said(stranger), other, centre).scores.likeness
    assert mine is not None
    assert others is not None
    assert mine > 0.7
    assert others < mine - 0.15
    assert nobody is None
    assert with_likeness(said(austen), nobody, centre).scores.likeness is None


def test_clips_heard_together_sound_as_they_do_alone(austen: Clip, embed: Embed) -> None:
    short = austen.between(0.5, 1.6)
    together = embeddings_of([austen, short, *[austen.between(i / 4, i / 4 + 3) for i in range(16)]], embed)
    encoder = load_encoder("campplus", BUNDLED / "campplus.safetensors")
    for clip, found in zip((austen, short), together, strict=False):
        (alone,) = embeddings_of([clip], embed)
        assert found is not None
        assert alone is not None
        assert similarity(found, alone) > 0.995
    assert together[1] is not None
    assert similarity(together[1], encoder.embed(short)) > 0.98


def test_strangers_do_not_pull_the_centre() -> None:
    draw = np.random.default_rng(1)
    speaker, guest = np.eye(64, dtype=np.float32)[:2]
    mixed = [(guest if i < 4 else speaker) + 0.05 * draw.standard_normal(64).astype(np.float32) for i in range(20)]
    found = centre_of(mixed)
    assert found is not None
    assert found @ speaker > 0.99
    assert abs(found @ guest) < 0.08
    assert centre_of([]) is None


def test_naturalness_is_heard_in_one_window(austen: Clip) -> None:
    asked = []

    class Listener:
        def score(self, clip: Clip, *, most_windows: int | None = None) -> Marks:
            asked.append((clip.rate, most_windows))
            return Marks(overall=3.5, signal=4.0, background=4.0)

    clip = resample(join([austen, austen]), 24_000)
    assert score(said(clip), clip, ScoringTools(naturalness=Listener())).naturalness == 3.5
    assert asked == [(16_000, 1)]


def test_one_clip_a_minute_is_due() -> None:
    times = [(6.0 * i + 0.1, 6.0 * i + 5.9) for i in range(100)]
    assert 9 <= sum(due(*time, key="recording") for time in times) <= 11
    assert due(0.0, 5.0)
    assert not due(6.0, 9.0)
    assert all(due(*time, every_s=0) for time in times)
    prompts = sum(due(0.0, 3.0, key=f"prompt {i}") for i in range(1_000))
    assert 30 <= prompts <= 75, "three seconds of sixty are a twentieth of the prompts"
