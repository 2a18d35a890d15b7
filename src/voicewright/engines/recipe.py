"""How an engine learns: what it is given, and what it hands to the one training loop.

A recipe knows networks, items and losses. The loop owns everything else: order, devices, precision, optimizers, files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from voicewright.engines.base import Converts, Engine, Speaks
from voicewright.engines.options import LoraOptions
from voicewright.voice.voice import Voice

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    Item: TypeAlias = Mapping[str, Tensor]
    """What is learned from one example: float or integer tensors by name, of any shape, small enough to be kept on
    disk."""
    Batch: TypeAlias = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A clip to learn from, as its dataset knows it. `words` are spoken from second to second of the clip."""

    id: str
    audio: Path
    sha256: str
    seconds: float
    text: str
    speaker: str = ""
    language: str = "en-us"
    words: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """All that a recipe is made from."""

    options: Any
    """The recipe's own options, of the class that `registry.recipe_options` names."""
    voice: Voice | None = None
    """The voice to start from, for engines that tune one."""
    language: str = "en-us"
    speakers: tuple[str, ...] = ()
    """Who is learned, by the names that the examples have; the first is whose voice comes out. Most engines learn one
    speaker at a time, and need no name for it."""
    lora: LoraOptions = field(default_factory=LoraOptions)
    mel_weight: float = 1.0
    """Weight of the losses on the sound."""
    text_weight: float = 1.0
    """Weight of the losses on what is predicted from the text."""
    seed: int = 0


@dataclass(slots=True)
class Update:
    """One step of one network's optimizer: the loss to go down (a scalar, the mean over the batch's items), and
    figures of its parts, for the log."""

    network: str
    loss: "Tensor"
    figures: dict[str, float] = field(default_factory=dict)


class Recipe(Protocol):
    """How one engine learns in one run."""

    @property
    def networks(self) -> "Mapping[str, nn.Module]":
        """What learns, by name, with an optimizer each. Parameters without gradient stay as they are and are not saved.

        The loop wraps them (for several processes, for precision) and moves them; `updates` must call the wrapped ones
        that it is given, by their `forward`.
        """

    @property
    def preparation(self) -> str:
        """What `prepare` depends on beside the example, as a short text: kept items of another preparation are not
        used."""

    def prepare(self, example: Example) -> "Item":
        """What is learned from an example, made once and kept on disk; on the CPU, without gradients.

        Raises BadClip, BadText, BadDataset: the example cannot be learned from; it is left out and the reason is told.
        """

    def length(self, item: "Item") -> int:
        """How long an item is, in any unit: items of like length share a batch."""

    def collate(self, items: "Sequence[Item]", generators: "Sequence[torch.Generator]") -> "Batch":
        """One batch of items. Everything random about an item (where it is cut, noise) comes from its own generator, so
        that a batch on one machine and its parts on several are the same."""

    def updates(self, networks: "Mapping[str, nn.Module]", batch: "Batch") -> Iterator[Update]:
        """The updates of one batch, one at a time: the loop goes back and steps before it asks for the next."""

    def validate(self, networks: "Mapping[str, nn.Module]", batch: "Batch") -> dict[str, float]:
        """Figures of a batch that is not learned from, each the mean over its items; all of them better when lower."""

    def trial(self) -> tuple[Speaks | Converts, Voice]:
        """The engine and the voice as the networks are now: to be heard, and to be exported. One that speaks is heard
        speaking texts; one that only converts, converting recordings."""


@runtime_checkable
class Trains(Engine, Protocol):
    """An engine that learns from datasets."""

    def recipe(self, lesson: Lesson) -> Recipe:
        """How it learns, in one run. Raises BadVoice: the voice to start from is missing or does not fit."""
