"""`Singer`: a voice of this family taken apart: its network, its speaker, and what it needs to hear.

k clusters · n stored frames · d width of the content

Every voice brings its own network, so that one file is all that somebody else needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voicewright.engines.base import OWN_WEIGHTS
from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.content import encoder_name
from voicewright.engines.sovits.synthesizer import Synthesizer
from voicewright.errors import BadVoice, WrongVoice
from voicewright.nn.frozen import fill_frozen
from voicewright.settings import from_dict, to_dict
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice

NAME = "sovits"
NETWORK, CLUSTERS, INDEX = "network.", "clusters", "index"
TRAINING_ONLY = "enc_q."
"""The posterior encoder: a third of the network, which converting does not need."""
LANGUAGE = "und"
"""Not determined: such a voice says whatever the recording says."""


@dataclass(frozen=True, kw_only=True)
class Singer:
    """One speaker of one network.

    Args:
        tensors: the network's by their published names, weight norm not folded.
        speaker: who of the network's speakers this is.
        speakers: their numbers by name.
        content: the content encoder that the network learned with, by the name that checkpoints use; "" is the one that
            is usual for the network's width.
        home_hz: the speaker's usual pitch; 0 where it is not known.
        clusters: (k, d) of this speaker. index: (n, d) frames that this speaker said.

    Raises:
        BadVoice: the speaker is not among the speakers, or the encoder does not fit the network.
    """

    config: SovitsConfig
    tensors: Mapping[str, Tensor]
    speaker: str
    speakers: Mapping[str, int] = field(default_factory=dict)
    content: str = ""
    home_hz: float = 0.0
    clusters: NDArray[np.float32] | None = None
    index: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.speaker not in self.speakers:
            raise BadVoice(f"this network has no speaker {self.speaker!r}; it has {_listed(self.speakers)}")
        if bad := {name: n for name, n in self.speakers.items() if not 0 <= n < self.config.n_speakers}:
            raise BadVoice(
                f"the network has {self.config.n_speakers} speakers, and its configuration numbers them {bad}"
            )
        for what, table in (("clusters are", self.clusters), ("index is", self.index)):
            if table is not None and table.shape[1:] != (self.config.ssl_dim,):
                raise BadVoice(
                    f"the {what} of content with {table.shape[-1]} numbers a frame, and the network takes "
                    f"{self.config.ssl_dim}: they were made with another content encoder"
                )
        object.__setattr__(self, "content", encoder_name(self.content, self.config.ssl_dim))

    def network(self) -> Synthesizer:
        """The network, for use: without its posterior encoder, weight norm not folded. Raises BadWeights."""
        return fill_frozen(Synthesizer(self.config, posterior=False), self.tensors, f"the network of {self.speaker!r}")

    def voice(self, name: str, *, engine: str = NAME, consent: Consent | None = None, licence: str = "") -> Voice:
        """It as a voice that can be kept."""
        kept = {key: tensor for key, tensor in self.tensors.items() if not key.startswith(TRAINING_ONLY)}
        tensors = {f"{NETWORK}{key}": tensor.detach().float().cpu().numpy() for key, tensor in kept.items()}
        tables = {CLUSTERS: self.clusters, INDEX: self.index}
        return Voice(
            name=name,
            engine=engine,
            weights=OWN_WEIGHTS,
            tensors=tensors | {key: table for key, table in tables.items() if table is not None},
            language=LANGUAGE,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            consent=consent or Consent(),
            licence=licence,
            settings={
                "config": to_dict(self.config),
                "speaker": self.speaker,
                "speakers": dict(self.speakers),
                "content": self.content,
                "home_hz": self.home_hz,
            },
        )


def voice_from(
    network: Synthesizer,
    *,
    name: str,
    speaker: str,
    speakers: Mapping[str, int],
    content: str,
    home_hz: float = 0.0,
    engine: str = NAME,
    consent: Consent | None = None,
) -> Voice:
    """A voice of a network in memory, weight norm not folded; its posterior encoder, if it has one, is left out.

    Raises: BadVoice, as `Singer`.
    """
    tensors = {key: t.detach().clone() for key, t in network.state_dict().items() if not key.startswith(TRAINING_ONLY)}
    singer = Singer(
        config=network.config, tensors=tensors, speaker=speaker, speakers=speakers, content=content, home_hz=home_hz
    )
    return singer.voice(name, engine=engine, consent=consent)


def singer_of(voice: Voice, *, engine: str = NAME) -> Singer:
    """A voice taken apart. Raises WrongVoice: it is another engine's; BadVoice: it lacks what such a voice has."""
    if voice.engine != engine:
        raise WrongVoice(voice.name, made_for=voice.engine, used_with=engine)
    told: Mapping[str, Any] = voice.settings
    try:
        return Singer(
            config=from_dict(SovitsConfig, told["config"], where=f"voice {voice.name!r}"),
            tensors={
                key.removeprefix(NETWORK): torch.from_numpy(np.array(array))
                for key, array in voice.tensors.items()
                if key.startswith(NETWORK)
            },
            speaker=str(told["speaker"]),
            speakers={str(name): int(number) for name, number in told["speakers"].items()},
            content=str(told["content"]),
            home_hz=float(told["home_hz"]),
            clusters=voice.tensors.get(CLUSTERS),
            index=voice.tensors.get(INDEX),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise BadVoice(
            f"voice {voice.name!r} does not hold what a voice of {engine} holds ({problem}); import or train it again"
        ) from problem


def _listed(speakers: Mapping[str, int]) -> str:
    names = sorted(speakers)
    return (
        ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "") if names else "none named"
    )
