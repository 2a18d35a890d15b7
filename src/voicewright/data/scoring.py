"""What the meters say about one utterance.

| Meter | ms per second of a clip of 6 s, on one core |
|---|---|
| level, bandwidth, clipping | 0.8 |
| loudness | 0.4 |
| scene (noise, room, tones) | 1.2, or nothing when a scene is given |
| pitch (at most `PITCH_S` of a clip, 4.5 per second heard) | 1.5 |
| text (words, syllables, letters) | 0.2 |
| speaker (at most `SPEAKER_S` of a clip, 6 per second heard in bfloat16, 9 in float32) | 1.5 to 2.4 |
| naturalness (one window of 9 s, however short the clip) | 28, hence `due`: 3 when one clip a minute is heard |
"""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.activity import EnergyActivity
from voicewright.audio.clip import Clip, Samples
from voicewright.audio.edit import gain, resample
from voicewright.audio.loudness import loudness_lufs, rms_db
from voicewright.audio.pitch import PitchTracker
from voicewright.data.utterance import Scores, TimedWord, Utterance
from voicewright.errors import BadClip
from voicewright.measure.intelligibility import word_errors
from voicewright.measure.naturalness import Marks
from voicewright.measure.similarity import LEVEL_DB, Embedding, centre, heard, similarity
from voicewright.measure.speed import syllables
from voicewright.text.normalize import normalize
from voicewright.voice.quality import Scene, quality_of, scene_of

RATE = 16_000
PITCH_S = 2.0
"""Sound in which the pitch is looked for: the middle of a clip."""
TOGETHER = 16
"""Clips that the speaker encoder hears at once: torch's faster convolutions begin with 16 rows."""
SPEAKER_S = 1.6
"""Sound in which the speaker is heard. Of eight speakers' clips that long none was nearer to another's centre."""
TRIMMED = 0.2
"""Share of a speaker's clips, the least like the others, that do not count for the centre."""
LOW_RUN = 3
"""Words in a row whose mean is the lowest of an utterance."""
FAIR_S = 3.0
"""A clip shorter than this says nothing of the room, and no scene is read from it alone except its noise."""
UNSPACED = ("zh", "ja", "th")
"""Languages written without spaces between words."""


Embed = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(b, t) sound at 16 kHz -> (b, d) unit vectors."""


class Naturalness(Protocol):
    """Marks how natural a clip sounds, as `measure.naturalness.Dnsmos` does."""

    def score(self, clip: Clip, *, most_windows: int | None = None) -> Marks: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringTools:
    """What listens; None: that score stays None. None of it is shared between threads that write."""

    pitch: PitchTracker | None = None
    naturalness: Naturalness | None = None


def score(
    utterance: Utterance,
    clip: Clip,
    tools: ScoringTools,
    *,
    scene: Scene | None = None,
    original: Clip | None = None,
) -> Scores:
    """Every score of an utterance that its own sound and text tell; `with_likeness` adds the one to its speaker.

    Overlap and sureness were found when it was cut, and are kept as they are.

    Args:
        clip: the utterance's sound, any rate.
        scene: what surrounds the speech, from 5 s or more of the same recording (`scene_of`); None: from the clip.
        original: the same stretch as it was recorded, for the clipping and the bandwidth: a resampler rounds flat
            tops, and then nothing is found any more. None: the clip.
    """
    if not len(clip) or not clip.samples.any():
        return replace(utterance.scores, **_of_text(utterance, clip, clip))
    at_16 = resample(clip, RATE)
    quality = quality_of(original if original is not None else clip, scene or scene_of(at_16))
    fair = scene is not None or clip.seconds >= FAIR_S
    marks = tools.naturalness.score(at_16, most_windows=1) if tools.naturalness else None
    loudness = loudness_lufs(clip)
    return Scores(
        snr_db=quality.snr_db,
        clipped=quality.clipped,
        reverb_s=quality.reverb_s if fair else None,
        tones=quality.tones if fair else None,
        bandwidth_hz=quality.bandwidth_hz,
        loudness_lufs=loudness if math.isfinite(loudness) else None,
        pitch_hz=_pitch_hz(at_16, tools.pitch),
        naturalness=marks.overall if marks else None,
        overlap=utterance.scores.overlap,
        sureness=utterance.scores.sureness,
        **_of_text(utterance, clip, at_16),
    )


def with_likeness(utterance: Utterance, embedding: Embedding | None, centre: Embedding | None) -> Utterance:
    """The utterance with its likeness to its speaker's centre; None where either is unknown."""
    return replace(utterance, scores=replace(utterance.scores, likeness=likeness(embedding, centre)))


def likeness(embedding: Embedding | None, centre: Embedding | None) -> float | None:
    """Cosine; None where either is unknown."""
    return None if embedding is None or centre is None else similarity(embedding, centre)


def embeddings_of(clips: Sequence[Clip], embed: Embed) -> list[Embedding | None]:
    """How each clip's speaker sounds: (d,) of length 1, from the middle `SPEAKER_S` of what is spoken in it.

    Clips with so much speech are heard `TOGETHER` at once; the shorter ones each alone.

    Args:
        embed: CAM++, rectified (`nn.listening.load_embedder`): the thresholds of `KeepRules.likeness` are on its scale.

    Returns: None where there is too little sound to tell.
    """
    crops = [_crop(clip) for clip in clips]
    whole = [i for i, crop in enumerate(crops) if crop is not None and len(crop) == round(SPEAKER_S * RATE)]
    batches = [whole[at : at + TOGETHER] for at in range(0, len(whole), TOGETHER)]
    batches += [[i] for i, crop in enumerate(crops) if crop is not None and i not in set(whole)]
    found: dict[int, Embedding] = {}
    for batch in batches:
        found |= zip(batch, embed(np.stack([crop for i in batch if (crop := crops[i]) is not None])), strict=True)
    return [found.get(i) for i in range(len(clips))]


def _crop(clip: Clip) -> Samples | None:
    """What the encoder hears of a clip, at its level; None if that is too little."""
    try:
        sound = heard(clip)
    except BadClip:
        return None
    size = round(SPEAKER_S * RATE)
    start = max(0, len(sound) - size) // 2
    middle = sound.with_samples(sound.samples[start : start + size])
    return gain(middle, LEVEL_DB - rms_db(middle)).samples


def centre_of(embeddings: Sequence[Embedding]) -> Embedding | None:
    """(d,) of length 1: what most of a speaker's clips agree on; None without any.

    The fifth least like the mean is left out, and again the fifth least like what remains: strangers among the clips
    do not pull the centre towards themselves.
    """
    if not len(embeddings):
        return None
    vectors = np.stack(list(embeddings))
    found = centre(list(vectors))
    for _ in range(2):
        likes = vectors @ found
        kept = np.argsort(-likes, kind="stable")[: max(1, math.ceil((1 - TRIMMED) * len(vectors)))]
        found = centre(list(vectors[np.sort(kept)]))
    return found


def due(start_s: float, end_s: float, every_s: float = 60.0, *, key: str = "") -> bool:
    """Whether the clip from `start_s` to `end_s` of a recording is the one of its minute whose naturalness is heard.

    The network costs twenty times as much as all other meters, and a recording's sound changes slowly: one clip in
    each `every_s` is marked, the one that reaches over the minute. It depends on nothing but the clip's own place, so
    a clip that is scored again is heard again. 0: every clip.

    Args:
        key: the recording's hash. It shifts the minutes, so that of many short recordings not every one is heard.
    """
    if every_s <= 0:
        return True
    shift_s = every_s * zlib.crc32(key.encode()) / 2**32 if key else every_s - 1e-3
    return math.floor((end_s + shift_s) / every_s) > math.floor((start_s + shift_s) / every_s)


def spoken(text: str, language: str) -> str:
    """The text as it is said: numbers and signs in words."""
    return normalize(text, language) if text else ""


def count_words(text: str) -> int:
    """Words of a text with letters or digits in them."""
    return sum(any(letter.isalnum() for letter in word) for word in text.split())


def _of_text(utterance: Utterance, clip: Clip, at_16: Clip) -> dict[str, float | None]:
    """The scores that compare the text with the sound."""
    text = spoken(utterance.text, utterance.language)
    words, count = count_words(text), syllables(text)
    if utterance.language.split("-")[0] in UNSPACED:
        words = 0
    speech_s = _speech_s(utterance.words, at_16)
    mean, low = alignment(utterance.words)
    return {
        "words_min": 60 * words / clip.seconds if words and len(clip) else None,
        "syllable_s": speech_s / count if count and speech_s else None,
        "alignment": mean,
        "alignment_low": low,
        "cer": _cer(utterance),
    }


def alignment(words: Sequence[TimedWord]) -> tuple[float | None, float | None]:
    """Mean of the word scores, and the lowest mean of three words in a row (of all, if there are fewer)."""
    scores = [word.score for word in words if word.score is not None]
    if not scores:
        return None, None
    run = min(LOW_RUN, len(scores))
    means = np.convolve(scores, np.ones(run) / run, "valid")
    return float(np.mean(scores)), float(means.min())


def _speech_s(words: Sequence[TimedWord], at_16: Clip) -> float:
    """Seconds of speech: of the words where their times are known, else of what stands out of the noise."""
    if words:
        return sum(max(0.0, word.end_s - word.start_s) for word in words)
    return sum(span.seconds for span in EnergyActivity().spans(at_16))


def _cer(utterance: Utterance) -> float | None:
    """Of a human's text; None where nobody listened (no words were heard and none were placed)."""
    if not (utterance.gold and utterance.text and (utterance.heard or utterance.words)):
        return None
    return word_errors(utterance.text, utterance.heard, language=utterance.language).cer


def _pitch_hz(at_16: Clip, tracker: PitchTracker | None) -> float | None:
    if tracker is None:
        return None
    median = tracker.track(_middle(at_16, PITCH_S)).median_hz
    return median if math.isfinite(median) else None


def _middle(clip: Clip, seconds: float) -> Clip:
    """The middle `seconds` of a clip; all of a shorter one."""
    spare_s = max(0.0, clip.seconds - seconds) / 2
    return clip.between(spare_s, clip.seconds - spare_s) if spare_s else clip
