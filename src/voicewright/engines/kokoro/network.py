"""`Kokoro`: phonemes and a style to sound, in stages that can be called on their own.

b batch · n tokens with the zero at each end · t frames (40 per second) · s style width (one half)
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.decoder import Decoder
from voicewright.engines.kokoro.encoders import PhonemeBert, TextEncoder
from voicewright.engines.kokoro.prosody import ProsodyPredictor
from voicewright.errors import BadWeights


@dataclass(frozen=True, slots=True)
class Score:
    """What the decoder plays: content (b, width, t), f0_hz (b, 2t), energy (b, 2t), frames of each token (b, n)."""

    content: Tensor
    f0_hz: Tensor
    energy: Tensor
    durations: Tensor

    def between(self, start: int, end: int) -> "Score":
        """The part from frame `start` to frame `end`; `durations` stay those of the whole."""
        f0_hz, energy = self.f0_hz[:, 2 * start : 2 * end], self.energy[:, 2 * start : 2 * end]
        return Score(self.content[:, :, start:end], f0_hz, energy, self.durations)


class Kokoro(nn.Module):
    """Kokoro-82M (hexgrad 2025), a StyleTTS 2 (Li et al. 2023) with an iSTFTNet decoder."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = PhonemeBert(config)
        self.bert_encoder = nn.Linear(config.bert_width, config.width)
        self.predictor = ProsodyPredictor(config)
        self.text_encoder = TextEncoder(config)
        self.decoder = Decoder(config)

    def read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What does not depend on the speaker: tokens (b, n) → meaning (b, n, width), content (b, width, n)."""
        return self.bert_encoder(self.bert(tokens)), self.text_encoder(tokens)

    def perform(
        self, meaning: Tensor, content: Tensor, prosody: Tensor, *, speed: float = 1.0, stretch: float = 1.0
    ) -> Score:
        """Durations, F0 and energy for a batch of one under the prosody half of a style (1, s).

        `stretch` multiplies the predicted durations before rounding and `speed` divides them. Durations carry no
        gradient: a frame count is a whole number.
        """
        expected, features = self.predictor.durations(meaning, prosody)
        frames = whole_frames(expected.detach()[0] * (stretch / speed))
        f0_hz, energy = self.predictor.curves(features.repeat_interleave(frames, dim=1), prosody)
        return Score(content.repeat_interleave(frames, dim=2), f0_hz, energy, frames.unsqueeze(0))

    def play(self, score: Score, timbre: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Score and the timbre half of a style, (b, s) or one for each stage (b, k, s) → samples (b, 600 t)."""
        stages = self.config.stages
        styles = timbre.unsqueeze(1).expand(-1, stages, -1) if timbre.dim() == 2 else timbre
        with torch.no_grad():
            source = self.decoder.generator.m_source(score.f0_hz.float(), generator)
        wave: Tensor = self.decoder(score.content, score.f0_hz, score.energy, styles, source)
        return wave


def whole_frames(expected: Tensor) -> Tensor:
    """Frames of each token, at least one: (n,) real → (n,) whole."""
    return expected.round().clamp(min=1).long()


def load_network(path: Path, config: KokoroConfig | None = None) -> tuple[Kokoro, str]:
    """The network with the weights of a converted file, frozen, and their content id.

    Raises:
        BadWeights: a tensor is missing, unknown or of another shape, or the file does not say what it was made from.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            source = (file.metadata() or {}).get("source_sha256", "")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as problem:
        raise BadWeights(f"{path} cannot be read as weights ({problem}); remove it and pull it again") from problem
    if not source:
        raise BadWeights(f"{path} does not say what it was converted from; remove it and pull it again")
    with torch.device("meta"):
        network = Kokoro(config or KokoroConfig())
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as problem:
        raise BadWeights(f"{path} does not fit the network: {problem}") from problem
    return network.eval().requires_grad_(False), source
