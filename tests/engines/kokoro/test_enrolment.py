"""Making a voice: likeness is not bought with artefacts, level and pace are the speaker's, the verifier only looks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.engines.kokoro.enrolment import PLANS, SENTENCES, TRIALS, Enrolled, Enrolment, Judges, Verdict
from voicewright.engines.kokoro.inversion import FitPlan, Inversion, Phrase
from voicewright.engines.kokoro.style import Style
from voicewright.engines.kokoro.target import Target
from voicewright.measure.speed import pace
from voicewright.progress import silent

PLAN = FitPlan(search=4, settle=2, sentences=2, window=30)
NO_STEPS = replace(PLAN, search=0, settle=0)
RECORDING = Clip(0.1 * np.sin(np.arange(16_000) / 5), 16_000)
SYLLABLES_S = 4.0
Enrol = Callable[..., Enrolled]


@dataclass
class Guess:
    """A start that always guesses the same."""

    whole: Tensor

    def guess(self, *_: object) -> Tensor:
        return self.whole.clone()


@dataclass
class Typist:
    """A recogniser that mishears every sentence of the rounds it is told to; a round is all the trials once."""

    bad_rounds: Sequence[int]
    heard: int = 0

    def transcribe(self, clip: Clip) -> SimpleNamespace:
        round_, trial = divmod(self.heard, len(TRIALS))
        self.heard += 1
        return SimpleNamespace(text="mumble" if round_ in self.bad_rounds else TRIALS[trial])


@dataclass
class Marker:
    """A DNSMOS that gives these marks, one for each round."""

    marks: Sequence[float]
    heard: int = 0

    def score(self, clip: Clip, *, most_windows: int | None = None) -> SimpleNamespace:
        round_ = self.heard // len(TRIALS)
        self.heard += 1
        return SimpleNamespace(overall=self.marks[round_])


@dataclass
class Stranger:
    """A verifier that hears whatever it likes."""

    vector: Sequence[float]
    clips: list[Clip] = field(default_factory=list)
    name: str = "stranger"
    rate: int = 16_000

    def embed(self, clip: Clip) -> np.ndarray:
        self.clips.append(clip)
        return np.array(self.vector if clip is RECORDING else [1.0, 0.0], np.float32)


class Bursts(Inversion):
    """An inversion whose voice says four syllables a second, times its stretch."""

    def speak(self, style: Style, *_: object, **__: object) -> tuple[Tensor, None]:
        t = torch.arange(3 * 16_000) / 16_000
        syllables = 1 - 0.9 * torch.cos(2 * math.pi * SYLLABLES_S / style.stretch * t)
        return (0.1 * syllables * torch.sin(2 * math.pi * 600 * t))[None], None


@pytest.fixture(scope="module")
def trials(tiny_inversion: Inversion) -> list[Phrase]:
    return [tiny_inversion.read(range(start, start + 20)) for start in (10, 50, 90)]


@pytest.fixture(scope="module")
def phrases(tiny_inversion: Inversion) -> list[Phrase]:
    return [tiny_inversion.read(range(start, start + 22)) for start in (1, 60)]


@pytest.fixture
def enrol(tiny_inversion: Inversion, trials: list[Phrase], phrases: list[Phrase], tiny_target: Target) -> Enrol:
    """A run with chosen judges, plan, inversion and target."""

    def run(
        judges: Judges | None = None,
        *,
        plan: FitPlan = PLAN,
        inversion: Inversion = tiny_inversion,
        target: Target = tiny_target,
        whole: Tensor | None = None,
        seed: int = 0,
    ) -> Enrolled:
        guess = Guess(torch.zeros(16) if whole is None else whole)
        enrolment = Enrolment(inversion, guess, inversion.prior, judges or Judges(), trials)
        return enrolment.run([RECORDING], target, phrases, plan, seed=seed, progress=silent)

    return run


def same(a: Style, b: Style) -> bool:
    return torch.equal(a.timbre, b.timbre) and torch.equal(a.prosody, b.prosody) and a.stretch == b.stretch


@pytest.mark.parametrize(
    ("misheard", "marks", "kept"),
    [
        (None, None, 1.0),
        ([], None, 1.0),
        ([1], None, 0.8),
        ([1, 2], None, 0.6),
        ([1, 2, 3], None, 0.6),  # there is no less than that
        ([0, 1], None, 1.0),  # the start was no better
        (None, [3.2, 2.9], 1.0),
        (None, [3.2, 2.5, 2.9], 0.8),
        (None, [3.2, 2.5, 2.7, 3.0], 0.6),
        ([1], [3.2, 3.2, 2.0, 3.2], 0.6),
    ],
)
def test_the_guard_takes_less_of_the_way_while_a_judge_objects(
    enrol: Enrol, misheard: list[int] | None, marks: list[float] | None, kept: float
) -> None:
    judges = Judges(
        recogniser=None if misheard is None else Typist(misheard), naturalness=None if marks is None else Marker(marks)
    )
    enrolled = enrol(judges)
    start, whole = enrol(plan=replace(NO_STEPS, guarded=False)).style, enrol(plan=replace(PLAN, guarded=False)).style
    assert enrolled.shrunk == kept
    assert enrolled.steps == 6
    assert not torch.allclose(start.timbre, whole.timbre)
    assert torch.allclose(enrolled.style.timbre, torch.lerp(start.timbre, whole.timbre, kept), atol=1e-6)
    assert torch.allclose(enrolled.style.prosody, torch.lerp(start.prosody, whole.prosody, kept), atol=1e-6)


def test_an_unguarded_plan_asks_nobody_before_the_fit(enrol: Enrol) -> None:
    typist = Typist([0])
    enrolled = enrol(Judges(recogniser=typist), plan=replace(PLAN, guarded=False))
    assert enrolled.shrunk == 1.0
    assert typist.heard == len(TRIALS)  # only afterwards, for the report
    assert enrolled.verdict.words_wrong > 10


@pytest.mark.parametrize(
    ("words", "naturalness", "objects"),
    [((1, 3), (3, 3), ""), ((1, 4), (3, 3), "4 words wrong, 1 before"), ((0, 0), (3.2, 2.8), "naturalness 2.80"),
     ((0, 0), (3.2, 2.9), ""), ((None, 9), (None, 1), ""), ((5, None), (3, None), "")],
)  # fmt: skip
def test_an_objection_says_why(
    words: tuple[int | None, int | None], naturalness: tuple[float | None, float | None], objects: str
) -> None:
    before, after = (
        Verdict(ge2e=0.8, campplus=0.8, naturalness=marks, words_wrong=wrong, clips=())
        for wrong, marks in zip(words, naturalness, strict=True)
    )
    said = after.objection(before)
    assert said.startswith(objects) if objects else said == ""


@pytest.mark.parametrize("level_db", [-27.0, -20.0, -17.0])
def test_the_voice_is_as_loud_as_the_recordings(
    enrol: Enrol, tiny_inversion: Inversion, tiny_target: Target, trials: list[Phrase], level_db: float
) -> None:
    style = enrol(target=replace(tiny_target, level_db=level_db)).style
    with torch.inference_mode():
        power = [
            float(
                (style.gain * tiny_inversion.speak(style, phrase, torch.Generator().manual_seed(3))[0]).square().mean()
            )
            for phrase in trials
        ]
    assert 10 * math.log10(np.mean(power)) == pytest.approx(level_db, abs=0.5)


@pytest.mark.parametrize(
    ("articulation", "stretch"),
    [(4.0, 1.0), (4.6, 0.87), (3.5, 1.14), (20.0, 0.8), (0.5, 1.25)],
)
def test_the_voice_is_stretched_to_the_speakers_pace_within_bounds(
    enrol: Enrol, tiny_inversion: Inversion, tiny_target: Target, articulation: float, stretch: float
) -> None:
    bursts = Bursts(tiny_inversion.network, tiny_inversion.prior, tiny_inversion.ge2e, tiny_inversion.campplus)
    style = enrol(inversion=bursts, plan=NO_STEPS, target=replace(tiny_target, articulation=articulation)).style
    assert style.stretch == pytest.approx(stretch, abs=0.06)
    assert 0.8 <= style.stretch <= 1.25
    if 3 < articulation < 5:
        spoken = pace(Clip(bursts.speak(style)[0][0].numpy(), 16_000)).articulation
        assert spoken == pytest.approx(articulation, rel=0.1)


def test_an_unknown_pace_leaves_the_voice_its_own(enrol: Enrol) -> None:
    assert enrol(plan=NO_STEPS).style.stretch == 1.0  # the target's articulation is 0


def test_the_verifier_looks_at_the_result_and_changes_nothing(enrol: Enrol) -> None:
    like, unlike = Stranger([1.0, 0.0]), Stranger([-1.0, 0.0])
    nobody, friend, foe = (enrol(Judges(verifier=verifier)) for verifier in (None, like, unlike))
    assert same(friend.style, foe.style)
    assert same(friend.style, nobody.style)
    assert (friend.style.gain, friend.shrunk, friend.steps) == (foe.style.gain, foe.shrunk, foe.steps)
    assert (nobody.verifier, friend.verifier, foe.verifier) == (None, pytest.approx(1), pytest.approx(-1))
    assert len(like.clips) == 1 + len(friend.verdict.clips)  # the recording and the finished voice, nothing between
    assert all(any(clip is seen for seen in like.clips) for clip in friend.verdict.clips)


def test_the_same_seed_makes_the_same_voice(enrol: Enrol) -> None:
    assert same(enrol(seed=1).style, enrol(seed=1).style)
    assert not same(enrol(seed=1).style, enrol(seed=2).style)


def test_it_starts_from_whichever_guess_is_more_like_the_speaker(
    enrol: Enrol, tiny_inversion: Inversion, tiny_target: Target, trials: list[Phrase]
) -> None:
    truth = torch.randn(16, generator=torch.Generator().manual_seed(11))
    style = Style(timbre=truth[:8].expand(3, -1), prosody=truth[8:])
    with torch.inference_mode():
        wave, _ = tiny_inversion.speak(style, trials[0], torch.Generator().manual_seed(0))
        wave = wave * 0.1 / wave.square().mean().sqrt()
        heard = [ear.embed_waveform(wave)[0].clone() for ear in (tiny_inversion.ge2e, tiny_inversion.campplus)]
    target = replace(tiny_target, ge2e=heard[0], campplus=heard[1])
    blend = tiny_inversion.prior.blend(*heard)
    knowing = enrol(plan=NO_STEPS, target=target, whole=truth).style
    assert torch.equal(knowing.timbre, truth[:8].expand(3, -1))
    assert torch.equal(knowing.prosody, truth[8:])
    blind = enrol(plan=NO_STEPS, target=target, whole=torch.full((16,), 20.0)).style
    assert torch.allclose(blind.timbre, blend[:8].expand(3, -1))
    assert torch.allclose(blind.prosody, blend[8:])


def test_presets_grow_and_no_trial_is_fitted_on() -> None:
    quick, standard, best = (PLANS[name] for name in ("quick", "standard", "best"))
    assert quick.search + quick.settle < standard.search + standard.settle < best.search + best.settle
    assert quick.sentences <= standard.sentences <= best.sentences <= len(SENTENCES)
    assert all(plan.settle > 0 for plan in PLANS.values())  # a style is the mean over these steps
    assert not set(TRIALS) & set(SENTENCES)
