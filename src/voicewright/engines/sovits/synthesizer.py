"""The network that sings: content features, a pitch curve and a speaker become sound (VITS, Kim et al. 2021, as
so-vits-svc uses it).

b batch · t frames · n samples
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.decoder import build_decoder
from voicewright.engines.sovits.encoder import PitchDecoder, PosteriorEncoder, PriorEncoder, sample
from voicewright.engines.sovits.f0_features import (
    LEAST_SCALE,
    MOST_SCALE,
    coarse,
    hz_of,
    log_pitch,
    normalised,
)
from voicewright.engines.sovits.flow import Flow
from voicewright.engines.sovits.losses import random_starts, slice_segments
from voicewright.engines.sovits.noise import Noise


@dataclass(frozen=True)
class Synthesized:
    """What a step of training makes, and all that its losses compare.

    Args:
        wave: (b, 1, n) one segment of each item.
        bands: (b, bands, n / bands) or (b, bands, n) the same before its sub-bands are joined; None: it has none.
        starts: (b,) the frame at which each segment begins.
        mask: (b, 1, t) 1 on frames that belong to an item.
        z, m_q, logs_q: (b, inter, t) the posterior's draw, means and logarithms of deviations.
        z_p: (b, inter, t) the draw in the space of the prior.
        m_p, logs_p: (b, inter, t) the prior.
        predicted_lf0, norm_lf0, lf0: (b, 1, t) the predicted pitch, its hint and its target; None: none is predicted.
    """

    wave: Tensor
    bands: Tensor | None
    starts: Tensor
    mask: Tensor
    z: Tensor
    z_p: Tensor
    m_p: Tensor
    logs_p: Tensor
    m_q: Tensor
    logs_q: Tensor
    predicted_lf0: Tensor | None
    norm_lf0: Tensor | None
    lf0: Tensor | None


class Synthesizer(nn.Module):
    """The whole network. Its parameters have the names that published checkpoints use.

    Args:
        posterior: with the encoder that only training needs.
    """

    def __init__(self, config: SovitsConfig, *, posterior: bool = True) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden_channels
        self.emb_g = nn.Embedding(config.n_speakers, config.gin_channels)
        self.emb_vol = nn.Linear(1, hidden) if config.vol_embedding else None
        self.pre = nn.Conv1d(config.ssl_dim, hidden, 5, padding=2)
        self.enc_p = PriorEncoder(config)
        self.dec = build_decoder(config)
        self.enc_q = PosteriorEncoder(config) if posterior else None
        self.flow = Flow(config)
        self.f0_decoder = PitchDecoder(config) if config.use_automatic_f0_prediction else None
        self.emb_uv = nn.Embedding(2, hidden)

    @torch.inference_mode()
    def infer(
        self,
        content: Tensor,
        f0_hz: Tensor,
        voiced: Tensor,
        speaker: Tensor,
        noise: Noise,
        *,
        noise_scale: float = 0.4,
        predict_f0: bool = False,
        volume: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The wave (b, 1, n), and the pitch curve (b, t) in Hz that it follows.

        Args:
            content: (b, ssl, t) features.
            f0_hz: (b, t) a pitch for every frame, filled in where there is none; 0: noise instead of tones.
            voiced: (b, t) 1 where there is a pitch.
            speaker: (b,) or (b, 1) whole numbers; or how much of each speaker, (b, speakers), or (b, t, speakers)
                for a mixture that changes. The shares are used as they are and should add up to 1.
            noise_scale: how far a draw may be from the mean; 0 is dull, 1 is as varied as the recordings.
            predict_f0: let the network find a pitch that suits the speaker; needs a network that can.
            volume: (b, t) loudness as root mean square, for networks that were trained with it.

        Raises:
            ValueError: `predict_f0` of a network that cannot.
        """
        g = self.speaker(speaker)
        x = self._prenet(content, voiced, volume, None)
        if predict_f0:
            if self.f0_decoder is None:
                raise ValueError("this network was made without automatic pitch prediction")
            hint = normalised(log_pitch(f0_hz)[:, None], voiced, None, None)
            f0_hz = hz_of(self.f0_decoder(x, hint, None, g))[:, 0]
        mean, log_deviation = self.enc_p(x, None, coarse(f0_hz, self.config.dialect))
        z_p = sample(mean, log_deviation, None, noise, noise_scale)
        wave: Tensor = self.dec(self.flow(z_p, None, g, reverse=True), f0_hz, g, noise)
        return wave, f0_hz

    def forward(
        self,
        content: Tensor,
        f0_hz: Tensor,
        voiced: Tensor,
        spectrum: Tensor,
        speaker: Tensor,
        lengths: Tensor,
        noise: Noise,
        volume: Tensor | None = None,
    ) -> Synthesized:
        """A step of training on items (b, …, t) of `lengths` (b,) frames; the rest as in `infer`.

        Args:
            spectrum: (b, bins, t) the magnitudes of the recordings.

        Raises:
            ValueError: the network was built without its posterior encoder.
        """
        if self.enc_q is None:
            raise ValueError("this network was built to convert; training needs its posterior encoder")
        g = self.speaker(speaker)
        frames = torch.arange(content.shape[-1], device=content.device)
        mask = (frames < lengths[:, None])[:, None].to(content.dtype)
        x = self._prenet(content, voiced, volume, mask)
        lf0 = norm_lf0 = predicted = None
        if self.f0_decoder is not None:
            lf0 = log_pitch(f0_hz)[:, None]
            scale = LEAST_SCALE + (MOST_SCALE - LEAST_SCALE) * noise.uniform((len(lf0), 1), lf0)
            norm_lf0 = normalised(lf0, voiced, mask, scale)
            predicted = self.f0_decoder(x, norm_lf0, mask, g)
        m_p, logs_p = self.enc_p(x, mask, coarse(f0_hz, self.config.dialect))
        m_q, logs_q = self.enc_q(spectrum, mask, g)
        z = sample(m_q, logs_q, mask, noise)
        z_p = self.flow(z, mask, g)
        length = self.config.segment_frames
        starts = random_starts(lengths, length, noise, dialect=self.config.dialect)
        wave, bands = self._segment(slice_segments(z, starts, length), slice_segments(f0_hz, starts, length), g, noise)
        return Synthesized(wave, bands, starts, mask, z, z_p, m_p, logs_p, m_q, logs_q, predicted, norm_lf0, lf0)

    def speaker(self, speaker: Tensor) -> Tensor:
        """Whole numbers or shares, as in `infer` -> embeddings (b, gin, 1), or (b, gin, t) where they change."""
        if not speaker.is_floating_point():
            embedding: Tensor = self.emb_g(speaker.view(-1, 1))
        else:
            shares = speaker if speaker.dim() == 3 else speaker[:, None]
            embedding = shares.to(self.emb_g.weight.dtype) @ self.emb_g.weight
        return embedding.transpose(1, 2)

    def _prenet(self, content: Tensor, voiced: Tensor, volume: Tensor | None, mask: Tensor | None) -> Tensor:
        """(b, hidden, t). Voicing and loudness are not masked: the f0 decoder has learnt to see them so."""
        x: Tensor = self.pre(content) if mask is None else self.pre(content) * mask
        x = x + self.emb_uv(voiced.long()).transpose(1, 2)
        if self.emb_vol is not None and volume is not None:
            x = x + self.emb_vol(volume[:, :, None]).transpose(1, 2)
        return x

    def _segment(self, z: Tensor, f0_hz: Tensor, g: Tensor, noise: Noise) -> tuple[Tensor, Tensor | None]:
        if self.config.has_source:
            wave, bands = self.dec(z, f0_hz, g, noise), None
        else:
            wave, bands = self.dec.parts(z)  # type: ignore[operator]
        return wave, bands
