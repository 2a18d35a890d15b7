"""`TrainingPlan`: everything that decides how a run goes, as one strict YAML file. Nothing heavy is imported."""

from dataclasses import dataclass, field
from typing import Any, Literal

from voicewright.engines.options import LoraOptions, Preset
from voicewright.engines.registry import DEFAULT, recipe_options
from voicewright.errors import BadSetting
from voicewright.settings import from_dict

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Schedule = Literal["constant", "multistep", "exponential", "cosine"]
Optimizer = Literal["adamw", "adamw8bit"]


@dataclass(frozen=True, kw_only=True)
class AuditionOptions:
    """What every saved checkpoint speaks, and who listens."""

    sentences: int = 4
    """Sentences that each checkpoint speaks; 0: none, checkpoints are not heard."""
    texts: tuple[str, ...] = ()
    """Texts of your own to speak instead of the house's; the same for every checkpoint."""
    words: bool = True
    """Count the words that a recogniser hears wrong."""
    naturalness: bool = True
    """Mark the naturalness (DNSMOS)."""

    def __post_init__(self) -> None:
        if self.sentences < 0:
            raise BadSetting(f"sentences must not be negative, got {self.sentences}")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How a run goes. `voicewright plan` writes one with good values; every field can be changed by hand."""

    dataset: str
    """The dataset's folder."""
    run: str
    """The run's folder: checkpoints, figures and auditions go there."""
    engine: str = DEFAULT
    """The engine that learns. One whose name ends in "-tiny" is a small twin with random weights to try things with."""
    voice: str = ""
    """Name of the voice that comes out; by default the dataset's speaker."""
    speaker: str = ""
    """Whose clips of the dataset are learned from; needed when it holds several speakers."""
    others: tuple[str, ...] = ()
    """More people of the dataset to learn together with the speaker, for engines that keep several in one network."""
    start: str = ""
    """The voice to start from: a name or a .voice file; by default one is fitted to the dataset's best clips."""
    start_preset: Preset = "best"
    """How thoroughly that one is fitted: quick, standard or best."""
    consent: str = ""
    """Who agreed to this voice being made, in your words."""
    language: str = "en-us"
    """What is spoken."""
    source: str = ""
    """The weights to start from: the engine's own by default, or a checkpoint's folder."""

    epochs: int = 50
    """How often every clip is learned from."""
    batch_size: int = 16
    """Clips in one step of the optimizer, over all processes and accumulated parts."""
    accumulation: int = 1
    """Parts that a batch is learned in, one after the other: less memory, the same step."""
    learning_rate: float = 1e-4
    """The highest learning rate."""
    schedule: Schedule = "multistep"
    """How the learning rate falls: constant; multistep (at the milestones); exponential (by gamma every epoch); cosine
    (with restarts)."""
    milestones: tuple[int, ...] = (2, 4, 9, 18, 25, 33, 50, 59)
    """Epochs after which the rate of "multistep" is multiplied by gamma."""
    gamma: float = 0.5
    """What the rate is multiplied by at each milestone of "multistep", and after each epoch of "exponential"."""
    restarts: int = 1
    """How often "cosine" begins again, each time lower."""
    warmup_steps: int = 0
    """Steps over which the rate rises from near zero."""
    optimizer: Optimizer = "adamw"
    """adamw; adamw8bit keeps its state in 8 bits (needs the package bitsandbytes and a GPU)."""
    betas: tuple[float, float] = (0.9, 0.999)
    """How long AdamW remembers gradients, and their squares."""
    epsilon: float = 1e-8
    """What AdamW adds to the root of the squares."""
    weight_decay: float = 0.01
    """Decay of weights; biases, norms and styles have none."""
    clip_grad: float = 1.0
    """Longest gradient (2-norm) of a network; 0: any."""
    mel_weight: float = 1.0
    """Weight of the losses on the sound."""
    text_weight: float = 1.0
    """Weight of the losses on what is predicted from the text."""
    lora: LoraOptions = field(default_factory=LoraOptions)
    """Low-rank adapters instead of whole weights."""
    ema: float = 0.0
    """Decay per step of a moving average of the weights, which then is what is heard and exported; 0: no average."""
    precision: Precision = "auto"
    """auto takes bfloat16 where the processor has it. float16 scales its losses and is for GPUs."""
    seed: int = 0
    """Same seed, same dataset, same machine: same weights."""
    recipe: dict[str, Any] = field(default_factory=dict)
    """The engine's own settings."""

    save_every: int = 5
    """Epochs from one checkpoint to the next."""
    validate_every: int = 5
    """Epochs from one look at the validation clips to the next; 0: never."""
    keep_last: int = 2
    """Checkpoints that are kept whatever they are like."""
    keep_best: int = 3
    """Checkpoints beside those that are kept because they did best in their auditions."""
    early_stop: int = 0
    """Stop after so many checkpoints without a better audition; 0: never."""
    audition: AuditionOptions = field(default_factory=AuditionOptions)
    """What is heard of every checkpoint."""
    bad_losses: int = 10
    """Steps in a row whose loss is not a number, after which the run stops; single ones are skipped and counted."""

    workers: int = 0
    """Processes that read clips ahead; 0: the training process itself."""
    processes: int = 1
    """Training processes on this machine, one for each GPU; more machines by `accelerate launch`."""
    device: str = "cpu"
    """cpu or cuda."""
    tensorboard: bool = True
    """Write the figures for TensorBoard too."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulation", "save_every", "processes", "bad_losses"):
            if getattr(self, name) < 1:
                raise BadSetting(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("validate_every", "keep_last", "keep_best", "early_stop", "workers", "warmup_steps", "restarts"):
            if getattr(self, name) < 0:
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("mel_weight", "text_weight", "weight_decay", "clip_grad"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")
        if not 0 < self.learning_rate < 1:
            raise BadSetting(f"learning_rate must be above 0 and below 1, got {self.learning_rate}")
        if not 0 < self.gamma <= 1:
            raise BadSetting(f"gamma must be above 0 and at most 1, got {self.gamma}")
        if not all(0 <= beta < 1 for beta in self.betas) or not 0 < self.epsilon < 1:
            raise BadSetting(
                f"betas must be from 0 to below 1 and epsilon above 0, got {list(self.betas)} and {self.epsilon:g}"
            )
        if self.speaker in self.others or len(set(self.others)) < len(self.others):
            raise BadSetting(f"others names people beside the speaker, each once, got {list(self.others)}")
        if not 0 <= self.ema < 1:
            raise BadSetting(f"ema must be from 0 to below 1, got {self.ema}")
        if self.keep_last + self.keep_best < 1:
            raise BadSetting("keep_last and keep_best are both 0: no checkpoint would be kept")
        if any(epoch < 1 for epoch in self.milestones) or sorted(set(self.milestones)) != list(self.milestones):
            raise BadSetting(f"milestones are epochs that rise, got {list(self.milestones)}")

    def recipe_settings(self) -> Any:
        """The engine's own settings as its options object. Raises BadSetting: one is unknown or out of range."""
        return from_dict(recipe_options(self.engine), self.recipe, where="recipe")
