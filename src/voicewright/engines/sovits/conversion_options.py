"""How a voice of the so-vits-svc family converts. Nothing heavy is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from voicewright.engines.options import ConvertOptions
from voicewright.errors import BadSetting

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
    content: str = ""
    """The file or folder of the content encoder, where it is not among the weights of this home."""
    diffusion_steps: int = 0
    """Shallow diffusion: how many of the diffusion model's steps the sound goes back and is refined again; 0 is off."""
    diffusion: str = ""
    """The diffusion model, model_….pt with its config.yaml beside it."""
    vocoder: str = ""
    """The vocoder of the diffusion model: its folder, with the file `model` and its config.json."""
    diffusion_method: Method = "dpm-solver++"
    """How the diffusion model is followed."""
    diffusion_speedup: int = 10
    """Steps of the diffusion model at a stride; 1 is every step."""
    second_encoding: bool = False
    """With shallow diffusion: listen again to what was made before it is refined."""

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
        if self.diffusion_steps < 0 or self.diffusion_speedup < 1:
            raise BadSetting(
                f"diffusion_steps are 0 or more and diffusion_speedup is 1 or more, got {self.diffusion_steps} and "
                f"{self.diffusion_speedup}"
            )
        if self.diffusion_steps and not (self.diffusion and self.vocoder):
            raise BadSetting("shallow diffusion needs its model and its vocoder: name the files diffusion and vocoder")
        if self.second_encoding and not self.diffusion_steps:
            raise BadSetting("second_encoding is a part of shallow diffusion: set diffusion_steps, too")
