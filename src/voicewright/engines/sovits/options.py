"""The options of training a so-vits-svc network. Nothing heavy is imported."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from voicewright.errors import BadSetting

Variant = Literal["4.1", "4.0v1", "4.0", "tiny"]
CONTENT = {"4.1": "vec768l12", "4.0v1": "vec768l12", "4.0": "vec256l9", "tiny": "whisper-tiny"}
"""The content encoder that each variant was published with."""

STEPS_BY_ROOT_MINUTE, LEAST_STEPS, MOST_STEPS = 3_500, 4_000, 60_000
"""Users of the original speak of 10,000 to 50,000 steps for the ten minutes to two hours that they have."""
BATCH, SMALL_BATCH = 16, 6
"""The fork's batch, and so-vits-svc 4.1's."""
FEW_CLIPS = 100
TINY_STEPS = 400


@dataclass(frozen=True, kw_only=True)
class SovitsTrainingOptions:
    """How a so-vits-svc network learns from recordings."""

    variant: Variant = "4.1"
    """The network: 4.1 (768 numbers of content a frame, hears loudness), 4.0v1 (the fork's), 4.0 (256 numbers), or tiny
    to try things with."""
    content: str = ""
    """The content encoder; by default the one that the variant was published with. whisper-tiny needs no download."""
    content_files: str = ""
    """A file or folder with the content encoder's weights, where they are not in the store."""
    pitch: str = "swift"
    """The pitch tracker, such as swift, harvest, dio, crepe or rmvpe:FILE."""
    generator: str = ""
    """A G_*.pth to start from, such as a base G_0.pth; by default the network starts from nothing."""
    discriminator: str = ""
    """The D_*.pth that belongs to it."""
    segment_frames: int = 20
    """Frames of each clip that are played and judged in a step; 20 are 0.23 s."""
    longest_frames: int = 790
    """Frames of a clip that a step looks at; of a longer one it takes a random part."""
    normalise: bool = True
    """Make the loudest peak of every clip the same, as the originals do."""
    volume: bool = True
    """Let the network hear how loud each frame is (4.1 can)."""
    volume_augmentation: float = 0.5
    """The share of clips that are made louder or quieter at random, so that loudness is learned."""
    predict_pitch: bool = True
    """Learn, too, to find a pitch curve that suits the speaker."""
    adversarial_weight: float = 1.0
    """Weight of what the discriminators say."""
    feature_weight: float = 1.0
    """Weight of the distance between what the discriminators' layers make of the sound and of the recording; the
    method's own factor of 2 comes on top."""
    mel_spectrum_weight: float = 45.0
    """Weight of the distance between log-mel spectrograms."""
    kl_weight: float = 1.0
    """Weight of the distance between what the recording says and what content, pitch and speaker say."""
    pitch_weight: float = 1.0
    """Weight of the distance between pitch curves."""
    sub_band_weight: float = 1.0
    """Weight of the distance between sub-bands, for decoders that have them (mb-istft)."""

    def __post_init__(self) -> None:
        if self.variant not in CONTENT:
            raise BadSetting(f"no variant {self.variant!r}; there are {', '.join(CONTENT)}")
        if self.segment_frames < 4:
            raise BadSetting(f"segment_frames must be at least 4, got {self.segment_frames}")
        if self.longest_frames < self.segment_frames:
            raise BadSetting(f"longest_frames must be at least segment_frames, got {self.longest_frames}")
        if not 0 <= self.volume_augmentation <= 1:
            raise BadSetting(f"volume_augmentation is a share from 0 to 1, got {self.volume_augmentation:g}")
        if self.discriminator and not self.generator:
            raise BadSetting("discriminator names a D_*.pth, and generator names no G_*.pth that it belongs to")
        for name in (field.name for field in fields(self) if field.name.endswith("_weight")):
            if not 0 <= getattr(self, name) < float("inf"):
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")

    @property
    def content_name(self) -> str:
        """The content encoder."""
        return self.content or CONTENT[self.variant]

    @property
    def hears_volume(self) -> bool:
        """Whether the network is told how loud each frame is."""
        return self.volume and self.variant in ("4.1", "tiny")

    @staticmethod
    def suggest(minutes: float, clips: int, language: str) -> dict[str, Any]:
        """What suits so much data: the published optimizer's settings, whole weights, and steps as users of the
        originals take them. The language makes no difference: no text is learned."""
        steps = round(min(max(STEPS_BY_ROOT_MINUTE * minutes**0.5, LEAST_STEPS), MOST_STEPS))
        return {
            "steps": steps,
            "batch_size": min(BATCH if clips >= FEW_CLIPS else SMALL_BATCH, clips),
            "learning_rate": 1e-4,
            "betas": [0.8, 0.99],
            "epsilon": 1e-9,
            "clip_grad": 0.0,
            "schedule": "exponential",
            "gamma": 0.999875,
            "lora": {"rank": 0},
        }


@dataclass(frozen=True, kw_only=True)
class TinySovitsTrainingOptions(SovitsTrainingOptions):
    """The same for the tiny twin."""

    variant: Variant = "tiny"
    """The network; the twin's own by default."""

    @staticmethod
    def suggest(minutes: float, clips: int, language: str) -> dict[str, Any]:
        """The same, but for steps: nobody waits hours for a network in miniature, which is for trying the way."""
        whole = SovitsTrainingOptions.suggest(minutes, clips, language)
        return whole | {"steps": min(whole["steps"], TINY_STEPS), "batch_size": min(whole["batch_size"], SMALL_BATCH)}
