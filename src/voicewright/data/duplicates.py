"""The same sound twice, and the same words twice.

b bands · s slices
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample, trim
from voicewright.audio.mel import MelSpec, mel
from voicewright.data.utterance import Utterance

SAME_SOUND = "the same sound as another"
SAME_TEXT = "the same words as another"

SPEC = MelSpec(rate=8_000, n_fft=512, hop_samples=200, bins=16)
"""Up to 4 kHz, which survives every codec."""
SLICES = 16
"""Equal stretches of a clip, whatever its length."""
RANGE_DB = 40.0
"""What lies deeper below the loudest slice is noise, and noise is the codec's."""
SAME = 0.988
"""Correlation of two prints from which they are one sound. Copies by telephone, MP3 or at another level reach 0.990 or
more; of 560 prompts of one speaker, the likest two that are not copies ("d" and "b") reach 0.983."""
LENGTH_SHARE = 0.03
"""Two copies of a sound differ by this share of their length at most (encoders pad)."""

Fingerprint = NDArray[np.float32]


def fingerprint(clip: Clip) -> Fingerprint:
    """(1 + b · s,) seconds of the sound without the quiet at its ends, then its levels in 16 bands and 16 slices.

    The levels' mean is 0 and their length 1, so that a gain changes nothing and a product of two prints is their
    correlation. Zeros for silence.
    """
    sound = trim(resample(clip, SPEC.rate), floor_db=-35.0, keep_ms=0.0)
    if sound.seconds < 0.1:
        return np.zeros(1 + SPEC.bins * SLICES, np.float32)
    power = mel(sound, SPEC)  # (f, b)
    edges = np.linspace(0, len(power), SLICES + 1)
    sums = np.vstack([np.zeros(SPEC.bins), np.cumsum(power, axis=0)])
    at = np.stack([np.interp(edges, np.arange(len(sums)), band) for band in sums.T], axis=1)
    level_db = 10 * np.log10(np.maximum(np.diff(at, axis=0), 1e-20))
    level_db = np.maximum(level_db, level_db.max() - RANGE_DB)
    level_db -= level_db.mean()
    flat = level_db.ravel() / max(float(np.linalg.norm(level_db)), 1e-9)
    return np.concatenate([[sound.seconds], flat]).astype(np.float32)


def alike(prints: Mapping[str, Fingerprint]) -> dict[str, str]:
    """Utterance id → the earlier id that sounds the same, after any gain and any codec.

    Clips are sorted by length and each is compared with its neighbours of nearly the same length only.
    """
    places = {name: place for place, name in enumerate(prints)}
    names = sorted((name for name in prints if prints[name][0] > 0), key=lambda name: float(prints[name][0]))
    if not names:
        return {}
    table = np.stack([prints[name] for name in names])
    lengths = table[:, 0]
    ends = np.searchsorted(lengths, lengths * (1 + LENGTH_SHARE) + 0.02, side="right")
    found: dict[str, str] = {}
    for row, name in enumerate(names):
        near = table[row + 1 : ends[row], 1:] @ table[row, 1:]
        for offset in np.flatnonzero(near >= SAME):
            first, second = sorted((name, names[row + 1 + int(offset)]), key=places.__getitem__)
            if second not in found or places[first] < places[found[second]]:
                found[second] = first
    return {name: _first(name, found) for name in sorted(found, key=places.__getitem__)}


def same_sound(utterances: Iterable[Utterance]) -> dict[str, str]:
    """Utterance id → the earlier id whose file holds the very same bytes."""
    return _repeated((each.id, (each.sha256,)) for each in utterances if each.sha256)


def same_text(utterances: Iterable[Utterance]) -> dict[str, str]:
    """Utterance id → the earlier id in which the same speaker says the same words; case and marks do not count."""
    return _repeated(
        (each.id, (each.speaker, words))
        for each in utterances
        if (words := "".join(letter for letter in each.text.casefold() if letter.isalnum()))
    )


def _repeated(keys: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, key in keys:
        groups[key].append(name)
    return {name: names[0] for names in groups.values() for name in names[1:]}


def _first(name: str, found: Mapping[str, str]) -> str:
    """The beginning of a chain of copies."""
    while name in found:
        name = found[name]
    return name
