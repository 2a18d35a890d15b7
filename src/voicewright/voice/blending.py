"""`blend`: a voice between voices."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from voicewright.errors import BadSetting, BadVoice, NoConsent
from voicewright.voice.consent import Consent
from voicewright.voice.names import voice_name
from voicewright.voice.voice import Source, Voice

SLACK = 0.005
"""How far from 1 the weights may add up: three thirds are written 0.33, 0.33 and 0.34, or 0.333 three times."""
EMBEDDING = "embedding."
"""What the names of speaker embeddings begin with: a voice's place on the unit sphere, by encoder."""
UNMIXABLE = {
    "adapter.": "was trained, and what its network learned cannot be mixed; blend the voice that it began from",
    "network.": "brings a network of its own, which cannot be mixed; the speakers inside one network can be, "
    "while converting: --set speakers.ONE=0.5 --set speakers.OTHER=0.5",
}
"""Why a voice with tensors that are called so cannot be blended."""


def blend(
    voices: Sequence[Voice], weights: Sequence[float] = (), *, name: str, consent_required: bool = False
) -> Voice:
    """A voice between voices of one engine: their tensors, interpolated; speaker embeddings keep length 1.

    It carries every parent's recordings, licence and consent; it counts as consented to only if all of them are. Its
    language is that of the heaviest parent. It has no scores and no preview: nobody has heard it yet.

    Args:
        voices: two or more.
        weights: a share for each, 0 to 1, together 1; none means equal shares.
        consent_required: every parent's must have been stated.

    Raises:
        BadSetting: the weights do not fit. NoConsent: a parent's is required and was not stated.
        BadVoice: the voices do not mix, or the name is not allowed; the message says why.
    """
    _check_voices(voices)
    shares = _shares(voices, weights)
    for voice in voices:
        if consent_required and not voice.consent.stated:
            raise NoConsent(
                f"this home requires every speaker's consent, and with voice {voice.name!r} none was stated; "
                f"make it again with one: voicewright clone {voice.name!r} FILES… --consent TEXT --replace"
            )
    first = voices[0]
    heaviest = voices[shares.index(max(shares))]
    return Voice(
        name=voice_name(name),
        engine=first.engine,
        weights=first.weights,
        tensors={key: _mixed(key, [voice.tensors[key] for voice in voices], shares) for key in first.tensors},
        language=heaviest.language,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sources=_sources(voices),
        consent=_consent(voices),
        licence=" AND ".join(dict.fromkeys(voice.licence for voice in voices if voice.licence)),
        settings={
            "blend": [
                {"voice": voice.name, "weight": share, "consent": voice.consent.statement}
                for voice, share in zip(voices, shares, strict=True)
            ]
        },
    )


def _check_voices(voices: Sequence[Voice]) -> None:
    """Raise BadVoice unless these voices mix."""
    names = [voice.name for voice in voices]
    if len(set(names)) < max(2, len(names)):
        raise BadVoice(f"a blend is made of two different voices or more, got {', '.join(names) or 'none'}")
    first = voices[0]
    for voice in voices:
        for prefix, why in UNMIXABLE.items():
            if any(key.startswith(prefix) for key in voice.tensors):
                raise BadVoice(f"voice {voice.name!r} {why}")
        pair = f"voices {first.name!r} and {voice.name!r}"
        if voice.engine != first.engine:
            raise BadVoice(f"{pair} are of different engines ({first.engine}, {voice.engine}); blend voices of one")
        if voice.weights != first.weights:
            raise BadVoice(f"{pair} were made with different weights of {first.engine}; make the older one again")
        if _shapes(voice) != _shapes(first):
            raise BadVoice(f"{pair} do not hold the same tensors; make them again with the same engine")


def _shapes(voice: Voice) -> dict[str, tuple[int, ...]]:
    return {key: array.shape for key, array in voice.tensors.items()}


def _shares(voices: Sequence[Voice], weights: Sequence[float]) -> list[float]:
    """The weights, together exactly 1. Raises BadSetting."""
    if not weights:
        return [1 / len(voices)] * len(voices)
    if len(weights) != len(voices):
        raise BadSetting(f"{len(voices)} voices need as many weights, got {len(weights)}; give one for each, or none")
    total = sum(weights)
    if not (all(0 <= weight <= 1 for weight in weights) and abs(total - 1) <= SLACK):
        told = " + ".join(f"{weight:g}" for weight in weights)
        raise BadSetting(f"weights are from 0 to 1 and add up to 1, got {told} = {total:g}")
    return [weight / total for weight in weights]


def _mixed(key: str, arrays: Sequence[NDArray[np.float32]], shares: Sequence[float]) -> NDArray[np.float32]:
    mixed = sum((share * array.astype(np.float64) for share, array in zip(shares, arrays, strict=True)), np.float64())
    if key.startswith(EMBEDDING):
        mixed = mixed / (np.linalg.norm(mixed) or 1.0)
    return np.asarray(mixed, np.float32)


def _sources(voices: Sequence[Voice]) -> tuple[Source, ...]:
    """The recordings of all parents, each once."""
    return tuple({source.sha256: source for voice in voices for source in voice.sources}.values())


def _consent(voices: Sequence[Voice]) -> Consent:
    """Every parent's statement under its name; none if one of them has none, for nobody may take it for the whole."""
    if not all(voice.consent.stated for voice in voices):
        return Consent()
    return Consent("\n".join(f"{voice.name}: {voice.consent.statement}" for voice in voices))
