"""What sort of clips each engine learns from. Preparation cuts to these limits; nothing heavy is imported."""

from dataclasses import dataclass

from voicewright.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipLimits:
    """The clips that an engine's training takes."""

    rate: int
    """Samples per second."""
    shortest_s: float
    longest_s: float
    likely_s: float
    """The length that most clips should have."""
    longest_text: int = 0
    """Characters; 0: no limit."""
    text: bool = True
    """Whether it learns from text too; engines that only convert do not."""
    several: bool = False
    """Whether it learns several speakers in one network."""


ENGINE_CLIPS = {
    "kokoro": ClipLimits(rate=24_000, shortest_s=0.6, longest_s=12.0, likely_s=6.0, longest_text=400),
    "kokoro-tiny": ClipLimits(rate=24_000, shortest_s=0.6, longest_s=12.0, likely_s=6.0, longest_text=400),
    # The published trainer rejects clips of more than 255,995 samples and texts of more than 200 characters.
    "tortoise": ClipLimits(rate=22_050, shortest_s=0.6, longest_s=11.6, likely_s=6.0, longest_text=200),
    # 900 mel frames of 12.5 ms are the published synthesiser's most; its encoder needs 1.6 s.
    "sv2tts": ClipLimits(rate=16_000, shortest_s=1.6, longest_s=11.25, likely_s=6.0),
    "valle": ClipLimits(rate=24_000, shortest_s=1.0, longest_s=12.0, likely_s=6.0),
    "sovits": ClipLimits(rate=44_100, shortest_s=1.0, longest_s=10.0, likely_s=7.0, text=False, several=True),
    "sovits-tiny": ClipLimits(rate=8_000, shortest_s=1.0, longest_s=10.0, likely_s=7.0, text=False, several=True),
}


def clip_limits(engine: str) -> ClipLimits:
    """The clips that `engine` learns from.

    Raises:
        BadSetting: there is no such engine.
    """
    if engine not in ENGINE_CLIPS:
        raise BadSetting(f"no engine {engine!r} learns from clips; these do: {', '.join(sorted(ENGINE_CLIPS))}")
    return ENGINE_CLIPS[engine]
