"""From recordings to a style: listen, guess, fit, and keep likeness from being bought with artefacts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.engines.kokoro.inversion import FitPlan, Inversion, Phrase
from voicewright.engines.kokoro.start import StyleStart
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.kokoro.target import Target
from voicewright.engines.options import Preset
from voicewright.measure.intelligibility import Recogniser, word_errors
from voicewright.measure.naturalness import Dnsmos
from voicewright.measure.similarity import SpeakerEncoder, centre, similarity
from voicewright.measure.speed import pace
from voicewright.progress import Progress

PLANS: dict[Preset, FitPlan] = {
    "quick": FitPlan(search=5, settle=2, sentences=3, rate=0.12, guarded=False, trials=2),
    "standard": FitPlan(search=40, settle=18, sentences=8),
    "best": FitPlan(search=150, settle=50, sentences=10, rate=0.06, patience=0.0005),
}
SENTENCES = (
    "The old man walked slowly down the road.",
    "Fresh bread and butter are sold at the market.",
    "We should leave before the heavy rain comes.",
    "My father bought a house close to the river.",
    "Give me another chance to explain the problem.",
    "A bright moon was shining over the quiet lake.",
    "She usually waters the flowers in the evening.",
    "Which of these two offers would you choose?",
    "Those mountains look purple at this hour.",
    "He kept his voice calm, but his hands shook.",
)
"""Fitted on in rotation, each a little over two seconds: one and a half windows of GE2E."""
TRIALS = (
    "Jazz and rock both grew out of the blues, they say.",
    "Nobody knew why the lights had gone out so early.",
    "If you want to catch the train, you must leave now.",
)
"""Never fitted on: what a fit is judged by."""
SHRINK = (1.0, 0.8, 0.6)
"""How much of the way from the start a style may go; less is taken only where the guard objects to more."""
WORST_NATURALNESS_LOSS = 0.35
"""Marks of DNSMOS that a fit may cost against its start before the guard objects."""
SLOWEST, FASTEST = 1.25, 0.8
"""Bounds of the stretch: beyond them the recordings' rate was misheard more likely than spoken."""
AUDIBLE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Judges:
    """What looks at a finished fit; None where it is not on this machine. The verifier only looks, it never chooses."""

    recogniser: Recogniser | None = None
    naturalness: Dnsmos | None = None
    verifier: SpeakerEncoder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A style on sentences that it was not fitted on: mean cosines, mean DNSMOS overall, words wrong in all."""

    ge2e: float
    campplus: float
    naturalness: float | None
    words_wrong: int | None
    clips: tuple[Clip, ...]

    def objection(self, start: "Verdict") -> str:
        """Why this style may not stand against the one it started from; "" when it may."""
        if self.words_wrong is not None and start.words_wrong is not None and self.words_wrong > start.words_wrong + 2:
            return f"{self.words_wrong} words wrong, {start.words_wrong} before the fit"
        if (
            self.naturalness is not None
            and start.naturalness is not None
            and self.naturalness < start.naturalness - WORST_NATURALNESS_LOSS
        ):
            return f"naturalness {self.naturalness:.2f}, {start.naturalness:.2f} before the fit"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A fitted style, what was heard of the speaker, how the style does, and how it came about."""

    style: Style
    target: Target
    verdict: Verdict
    verifier: float | None
    steps: int
    shrunk: float


class Enrolment:
    """Makes styles. `phrases` turns a sentence into what the inversion speaks."""

    def __init__(
        self,
        inversion: Inversion,
        start: StyleStart | None,
        prior: StylePrior,
        judges: Judges,
        trials: Sequence[Phrase],
    ) -> None:
        self.inversion, self.start, self.prior, self.judges = inversion, start, prior, judges
        self.trials = trials

    def run(
        self,
        clips: Sequence[Clip],
        target: Target,
        phrases: Sequence[Phrase],
        plan: FitPlan,
        *,
        seed: int,
        progress: Progress,
    ) -> Enrolled:
        """Fit a style to `target`; `clips` are the recordings that it was heard in."""
        generator = torch.Generator().manual_seed(seed)
        started = self._paced(self._best_start(target), target, phrases[:1])
        trials = self.trials[: plan.trials]
        before = self._judge(started, target, trials) if plan.guarded else None
        fit = self.inversion.fit(started, target, phrases, plan, generator=generator, progress=progress)
        for part in SHRINK:
            style = self._paced(_between(started, fit.style, part), target, phrases[:2])
            verdict = self._judge(style, target, trials)
            if before is None or not verdict.objection(before):
                break
        progress("fitting the voice", 1, 1)
        return Enrolled(
            style=replace(style, gain=_gain(verdict.clips, target.level_db)),
            target=target,
            verdict=verdict,
            verifier=self._verified(verdict, clips),
            steps=fit.steps,
            shrunk=part,
        )

    def _best_start(self, target: Target) -> Style:
        """The better of the learned guess, if any, and the mix of the nearest public voices, by both encoders."""
        guesses = [self.prior.blend(target.ge2e, target.campplus)]
        if self.start:
            guesses.insert(0, self.start.guess(target, self.prior))
        return max(map(self._spread, guesses), key=lambda style: sum(self._heard(style, target, self.trials[0])[:2]))

    def _spread(self, whole: Tensor) -> Style:
        stages, width = self.inversion.network.config.stages, self.prior.width
        return Style(timbre=whole[:width].expand(stages, -1).clone(), prosody=whole[width:].clone())

    def _heard(self, style: Style, target: Target, phrase: Phrase) -> tuple[float, float, Clip]:
        """A sentence in a style: its cosines by GE2E and CAM++, and the sound."""
        with torch.inference_mode():
            wave, _ = self.inversion.speak(style, phrase, torch.Generator().manual_seed(0))
            ge2e, campplus = (float(cosine) for cosine in self.inversion.likeness(wave, target))
        return ge2e, campplus, Clip(wave[0].numpy(), 16_000)

    def _judge(self, style: Style, target: Target, trials: Sequence[Phrase]) -> Verdict:
        ge2e, campplus, clips = zip(*(self._heard(style, target, phrase) for phrase in trials), strict=True)
        naturalness, recogniser = self.judges.naturalness, self.judges.recogniser
        marks = [naturalness.score(clip, most_windows=1).overall for clip in clips] if naturalness else []
        return Verdict(
            ge2e=fmean(ge2e),
            campplus=fmean(campplus),
            naturalness=fmean(marks) if marks else None,
            words_wrong=_words_wrong(recogniser, clips) if recogniser else None,
            clips=clips,
        )

    def _paced(self, style: Style, target: Target, phrases: Sequence[Phrase]) -> Style:
        """`style` with the stretch at which it speaks as fast as the recordings, by the same ear for both."""
        if not target.articulation:
            return style
        rates = [pace(self._clip(replace(style, stretch=1.0), phrase)).articulation for phrase in phrases]
        rates = [rate for rate in rates if rate]
        if not rates:
            return style
        return replace(style, stretch=float(np.clip(np.mean(rates) / target.articulation, FASTEST, SLOWEST)))

    def _clip(self, style: Style, phrase: Phrase) -> Clip:
        with torch.inference_mode():
            wave, _ = self.inversion.speak(style, phrase, torch.Generator().manual_seed(0))
        return Clip(wave[0].numpy(), 16_000)

    def _verified(self, verdict: Verdict, clips: Sequence[Clip]) -> float | None:
        verifier = self.judges.verifier
        if verifier is None:
            return None
        speaker = centre([verifier.embed(clip) for clip in clips])
        return float(np.mean([similarity(verifier.embed(clip), speaker) for clip in verdict.clips]))


def _between(start: Style, end: Style, part: float) -> Style:
    return replace(
        end,
        timbre=torch.lerp(start.timbre, end.timbre, part),
        prosody=torch.lerp(start.prosody, end.prosody, part),
    )


def _gain(clips: Sequence[Clip], level_db: float) -> float:
    """What brings the mean power of `clips` to `level_db` (RMS)."""
    power = float(np.mean([np.square(clip.samples).mean() for clip in clips]))
    return 10 ** (level_db / 20) / max(sqrt(power), AUDIBLE)


def _words_wrong(recogniser: Recogniser, clips: Sequence[Clip]) -> int:
    return sum(
        word_errors(text, recogniser.transcribe(clip).text).wrong for text, clip in zip(TRIALS, clips, strict=False)
    )
