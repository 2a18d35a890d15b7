"""Style inversion: the style is changed until two speaker encoders hear the target speaker.

The idea is that of GAN inversion (Abdal et al. 2019) with a perceptual loss. One encoder alone is fooled: it says 0.85
where the other says "another person". Two together carry over to a third that was never asked.

k decoder stages · s width of a half style · n samples
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, pi

import torch
from torch import Tensor, nn

from voicewright.engines.kokoro.network import Kokoro, Score
from voicewright.engines.kokoro.resampling import ToSixteen
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.kokoro.target import Target
from voicewright.nn.campplus import CAMPlus
from voicewright.nn.ge2e import GE2E
from voicewright.progress import Progress, silent

VOICED_HZ = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """How long to fit, and what counts beside likeness.

    `search` steps at full rate, ended early when a pass over the sentences brings less than `patience`, then `settle`
    steps whose rate falls to a tenth and whose styles are averaged.
    """

    search: int
    settle: int
    sentences: int
    rate: float = 0.08
    window: int = 120
    """Frames of each sentence at most: 3 s. GE2E hears 1.6 s at once, but it is the mean over whole sentences that
    carries over to others: cut to 1.9 s, 88 steps brought 0.85 where 64 of whole sentences brought 0.895."""
    patience: float = 0.002
    guarded: bool = True
    """Whether words and naturalness before and after the fit are compared."""
    trials: int = 3
    """Sentences that the finished fit is judged by."""
    prior_weight: float = 0.002
    pitch_weight: float = 1.0
    range_weight: float = 0.3


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence to fit on, read once: its number of phonemes and what does not depend on the speaker."""

    tokens: int
    meaning: Tensor
    content: Tensor


@dataclass(slots=True)
class Fit:
    """What came out of a fit: the style, the steps taken and the loss after each pass over the sentences."""

    style: Style
    steps: int = 0
    losses: list[float] = field(default_factory=list)


class Inversion:
    """Fits styles of one synthesiser to targets."""

    def __init__(self, network: Kokoro, prior: StylePrior, ge2e: GE2E, campplus: CAMPlus) -> None:
        self.network, self.prior = network, prior
        self.ge2e, self.campplus = ge2e, campplus
        self.to_sixteen = ToSixteen()

    def read(self, tokens: Sequence[int]) -> Phrase:
        """Tokens without the zeros at the ends."""
        with torch.no_grad():
            meaning, content = self.network.read(torch.tensor([[0, *tokens, 0]]))
        return Phrase(len(tokens), meaning, content)

    def speak(
        self, style: Style, phrase: Phrase, generator: torch.Generator | None, *, window: int | None = None
    ) -> tuple[Tensor, Score]:
        """(1, n) samples at 16 kHz without the silence of the end marks, and the score they were played from.

        `window` plays no more than that many frames: fewer cost less, and equal lengths let the convolutions be set up
        once.
        """
        timbre_shift, prosody_shift = self.prior.shift(phrase.tokens)
        prosody = (style.prosody + prosody_shift)[None]
        score = self.network.perform(phrase.meaning, phrase.content, prosody, stretch=style.stretch)
        first, last = (int(score.durations[0, end]) for end in (0, -1))
        end = score.content.shape[2] - last
        score = score.between(first, end if window is None else min(end, first + window))
        wave = self.network.play(score, (style.timbre + timbre_shift)[None], generator)
        return self.to_sixteen(wave), score

    def likeness(self, wave: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        """Cosines by GE2E and CAM++ of (1, n) samples at 16 kHz, brought to the target's level."""
        level = wave.square().mean().clamp(min=1e-10).sqrt()
        wave = wave * (10 ** (target.level_db / 20) / level)
        return (
            self.ge2e.embed_waveform(wave)[0] @ target.ge2e,
            self.campplus.embed_waveform(wave)[0] @ target.campplus,
        )

    def fit(
        self,
        start: Style,
        target: Target,
        phrases: Sequence[Phrase],
        plan: FitPlan,
        *,
        generator: torch.Generator,
        progress: Progress = silent,
    ) -> Fit:
        """Fit a style to `target`, speaking `phrases` in turn. The same arguments give the same style."""
        moved = _Moved(start, self.prior)
        optimizer = torch.optim.Adam(moved.parameters(), lr=plan.rate, betas=(0.8, 0.95))
        losses: list[float] = []
        passes: list[float] = []
        search, step = plan.search, 0
        average, total = _Average(), plan.search + plan.settle
        while step < search + plan.settle:
            settling = (step - search) / plan.settle if step >= search else 0.0
            optimizer.param_groups[0]["lr"] = plan.rate * (0.55 + 0.45 * cos(pi * settling))
            loss, unlikeness = self._loss(moved, target, phrases[step % len(phrases)], plan, generator)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(unlikeness)
            step += 1
            if step > search:
                average.add(moved)
            if step % len(phrases) == 0:
                passes.append(sum(losses[-len(phrases) :]) / len(phrases))
                if step < search and _stalled(passes, plan.patience):
                    search, total = step, step + plan.settle
            progress("fitting the voice", step, total)
        return Fit(average.style(start), step, passes)

    def _loss(
        self, moved: "_Moved", target: Target, phrase: Phrase, plan: FitPlan, generator: torch.Generator
    ) -> tuple[Tensor, float]:
        wave, score = self.speak(moved.style(), phrase, generator, window=plan.window)
        ge2e, campplus = self.likeness(wave, target)
        unlikeness = (1 - ge2e) + (1 - campplus)
        loss = unlikeness + plan.prior_weight * moved.distance() + _pitch_loss(score, target, plan)
        return loss, float(unlikeness.detach())


class _Moved(nn.Module):
    """A style as a start and a movement away from it, in units of the spread between the public voices."""

    def __init__(self, start: Style, prior: StylePrior) -> None:
        super().__init__()
        self.start = start
        self.spreads = prior.spread[: prior.width], prior.spread[prior.width :]
        self.timbre = nn.Parameter(torch.zeros_like(start.timbre))
        self.prosody = nn.Parameter(torch.zeros_like(start.prosody))

    def style(self) -> Style:
        return Style(
            timbre=self.start.timbre + self.timbre * self.spreads[0],
            prosody=self.start.prosody + self.prosody * self.spreads[1],
            stretch=self.start.stretch,
        )

    def distance(self) -> Tensor:
        return self.timbre.square().mean() + self.prosody.square().mean()


class _Average:
    """The mean of styles along the way: it lies nearer to the middle of what is equally good than the last one does."""

    def __init__(self) -> None:
        self.count = 0
        self.timbre: Tensor | float = 0.0
        self.prosody: Tensor | float = 0.0

    def add(self, moved: _Moved) -> None:
        with torch.no_grad():
            style = moved.style()
        self.timbre, self.prosody, self.count = self.timbre + style.timbre, self.prosody + style.prosody, self.count + 1

    def style(self, start: Style) -> Style:
        if not self.count:
            return start
        timbre, prosody = (torch.as_tensor(total) / self.count for total in (self.timbre, self.prosody))
        return Style(timbre=timbre, prosody=prosody, stretch=start.stretch)


def _pitch_loss(score: Score, target: Target, plan: FitPlan) -> Tensor:
    """Squared error of the mean and of the spread of log F0 over the frames that the predictor voices."""
    voiced = score.f0_hz[score.f0_hz > VOICED_HZ]
    if target.log_f0 is None or target.log_f0_spread is None or len(voiced) < 2:
        return score.f0_hz.new_zeros(())
    log_f0 = voiced.log()
    level = (log_f0.mean() - target.log_f0).square()
    return plan.pitch_weight * level + plan.range_weight * (log_f0.std() - target.log_f0_spread).square()


def _stalled(passes: list[float], patience: float) -> bool:
    """Whether the last two passes together brought less than `patience` each."""
    return len(passes) > 3 and passes[-3] - min(passes[-2:]) < 2 * patience
