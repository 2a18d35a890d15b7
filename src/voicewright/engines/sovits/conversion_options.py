"""How a voice of the so-vits-svc family converts. Nothing heavy is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from voicewright.engines.options import ConvertOptions
from voicewright.errors import BadSetting

Timeline = Mapping[str, tuple[tuple[float, float], ...]]
"""By speaker: from when on (seconds), how much."""
MOST_ENHANCING_SEMITONES = 24.0
Method = Literal["dpm-solver++", "dpm-solver", "unipc", "pndm", "ddim", "ddpm"]


@dataclass(frozen=True, kw_only=True)
class SovitsConvertOptions(ConvertOptions):
    """How a voice of the so-vits-svc family converts a recording."""

    noise_scale: float = 0.4
    """How varied the sound is: 0 is even and dull, 1 is as varied as the recordings that were learned from (0 to 1)."""
    auto_pitch: bool = False
    """Let the network choose the melody of its speaker. For speech; a song would lose its tune."""
    cluster_ratio: float = 0.0
    """How far the pronunciation is drawn to the clusters of the speaker's own (0 to 1): clearer likeness, less clear
    words."""
    retrieval_ratio: float = 0.0
    """How far the pronunciation is drawn to the most similar frames that the speaker said (0 to 1)."""
    clusters: str = ""
    """A file with clusters, where the voice brings none: .safetensors, or a kmeans.pt."""
    index: str = ""
    """A file with the speaker's frames for retrieval, where the voice brings none: .safetensors."""
    speakers: Mapping[str, float] = field(default_factory=dict)
    """Shares of the speakers of one network, by name, to mix them; none means the voice's own speaker."""
    speaker_timeline: Timeline = field(default_factory=dict)
    """The same, changing over a recording: by name, [[seconds, share], …] in order. Between two points a share glides;
    before the first and after the last it stays; two points at one time are a jump."""
    content: str = ""
    """The file or folder of the content encoder, where it is not among the weights of this home."""
    diffusion_steps: int = 0
    """Shallow diffusion: how many of the diffusion model's steps the sound goes back and is refined again; 0 is off."""
    diffusion: str = ""
    """The diffusion model, model_….pt with its config.yaml beside it."""
    vocoder: str = ""
    """An NSF-HiFiGAN vocoder, for diffusion and for enhance: its folder, with the file `model` and its config.json."""
    diffusion_method: Method = "dpm-solver++"
    """How the diffusion model is followed."""
    diffusion_speedup: int = 10
    """Steps of the diffusion model at a stride; 1 is every step."""
    second_encoding: bool = False
    """With shallow diffusion: listen again to what was made before it is refined."""
    enhance: bool = False
    """Let the vocoder sing the result once more: cleaner sound from networks that have learned little."""
    enhance_semitones: float = 0.0
    """With enhance, for very high voices: by how much lower the vocoder gets to hear them (-24 to 24)."""

    def __post_init__(self) -> None:
        for name in ("noise_scale", "cluster_ratio", "retrieval_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadSetting(f"{name} must be between 0 and 1, got {getattr(self, name):g}")
        if self.cluster_ratio and self.retrieval_ratio:
            raise BadSetting("cluster_ratio and retrieval_ratio draw two ways at once; leave one of them 0")
        if self.speakers and not sum(self.speakers.values()) > 0:
            raise BadSetting("the shares of the speakers must add up to more than 0")
        if any(share < 0 for share in self.speakers.values()):
            raise BadSetting("a speaker's share cannot be below 0")
        if self.speakers and self.speaker_timeline:
            raise BadSetting("speakers is a mixture that stays and speaker_timeline one that changes; give one of them")
        _check_timeline(self.speaker_timeline)
        if self.diffusion_steps < 0 or self.diffusion_speedup < 1:
            raise BadSetting(
                f"diffusion_steps are 0 or more and diffusion_speedup is 1 or more, got {self.diffusion_steps} and "
                f"{self.diffusion_speedup}"
            )
        if self.diffusion_steps and not (self.diffusion and self.vocoder):
            raise BadSetting("shallow diffusion needs its model and its vocoder: name the files diffusion and vocoder")
        if self.second_encoding and not self.diffusion_steps:
            raise BadSetting("second_encoding is a part of shallow diffusion: set diffusion_steps, too")
        if self.enhance and self.diffusion_steps:
            raise BadSetting("shallow diffusion ends in the vocoder as it is; leave out enhance")
        if self.enhance and not self.vocoder:
            raise BadSetting("enhance needs an NSF-HiFiGAN vocoder: name its folder with vocoder")
        if not -MOST_ENHANCING_SEMITONES <= self.enhance_semitones <= MOST_ENHANCING_SEMITONES:
            raise BadSetting(f"enhance_semitones must be between -24 and 24, got {self.enhance_semitones:g}")
        if self.enhance_semitones and not self.enhance:
            raise BadSetting("enhance_semitones is a part of enhance: set that, too")


def _check_timeline(timeline: Timeline) -> None:
    """Between two points of anybody's the sum goes in a straight line, so it is looked at beside them all."""
    for name, points in timeline.items():
        if not points:
            raise BadSetting(f"speaker_timeline: {name!r} has no points; give [[seconds, share], …]")
        if not all(0 <= value < float("inf") for point in points for value in point):
            raise BadSetting(f"speaker_timeline: the seconds and shares of {name!r} cannot be below 0")
        if any(later < earlier for (earlier, _), (later, _) in pairwise(points)):
            raise BadSetting(f"speaker_timeline: the points of {name!r} are not in the order of time")
    for at_s in sorted(at_s for points in timeline.values() for at_s, _ in points):
        if not all(sum(_share(points, beside_s) for points in timeline.values()) for beside_s in _around(at_s)):
            raise BadSetting(f"speaker_timeline: nobody has a share at {at_s:g} s; somebody must sing")


def _around(at_s: float) -> tuple[float, float, float]:
    return at_s - 1e-6, at_s, at_s + 1e-6


def _share(points: tuple[tuple[float, float], ...], at_s: float) -> float:
    before = [point for point in points if point[0] <= at_s]
    after = [point for point in points if point[0] > at_s]
    if not before or not after:
        return (before[-1:] or after[:1])[0][1]
    (start_s, low), (end_s, high) = before[-1], after[0]
    return low + (high - low) * (at_s - start_s) / (end_s - start_s)
