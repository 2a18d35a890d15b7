"""The ways from a noisy mel spectrogram to a clean one: DDPM, DDIM, PNDM, DPM-Solver, DPM-Solver++ and UniPC.

b batch · m mel bins · f frames · n steps

Written here from the papers, because the schedulers of the `diffusers` library take whole steps of a whole schedule,
and these models are sampled at fractional steps of one that is cut to its first k steps.
Which steps a denoiser is asked about is what published models were tuned by ear with, oddities included:
- ddim and pndm visit the multiples of `speedup` below `k_step`, and their last step goes nowhere;
- dpm-solver, dpm-solver++ and unipc take k_step // speedup even parts of the way from step k_step - 1 to step 0;
- ddpm visits every step, and is what any method becomes at a speedup of 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from voicewright.engines.sovits.noise import Noise
from voicewright.engines.sovits.schedule import Curve, Tables, at
from voicewright.errors import BadSetting

Denoise = Callable[[Tensor, Tensor], Tensor]
"""(b, m, f) mels, steps (b,) that may be fractional -> (b, m, f) the noise in them."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What every sampler is given: the network, its schedule, how far to go back and in strides of how many steps."""

    denoise: Denoise
    tables: Tables
    k_step: int
    speedup: int
    noise: Noise

    @property
    def parts(self) -> int:
        return self.k_step // self.speedup


class Sampler(Protocol):
    def __call__(self, x: Tensor, walk: Walk) -> Tensor:
        """(b, m, f) noisy -> (b, m, f) clean."""


def sample(x: Tensor, method: str, walk: Walk) -> Tensor:
    """Clean mels from mels with the noise of step `first_step(method, …)`.

    Raises:
        BadSetting: an unknown method, or too few steps for it.
    """
    check_walk(method, k_step=walk.k_step, speedup=walk.speedup, steps=len(walk.tables.betas))
    return (ddpm if walk.speedup == 1 else METHODS[method])(x, walk)


def check_walk(method: str, *, k_step: int, speedup: int, steps: int) -> None:
    """Raises BadSetting unless the method can go back `k_step` of `steps` steps in strides of `speedup`."""
    if method not in METHODS:
        raise BadSetting(f"unknown diffusion method {method!r}; known are {', '.join(METHODS)}")
    if not 1 <= k_step <= steps:
        raise BadSetting(f"k_step must be within 1 and the model's {steps} steps, got {k_step}")
    if speedup < 1:
        raise BadSetting(f"speedup must be 1 or more, got {speedup}")
    if speedup > 1 and method != "ddpm" and k_step < 2 * speedup:
        raise BadSetting(
            f"{method} needs two steps or more: k_step {k_step} in strides of {speedup} is less; "
            f"take a speedup of {max(1, k_step // 2)} or below"
        )


def first_step(method: str, *, k_step: int, speedup: int) -> int:
    """The step whose noise the method expects at its start."""
    strided = method in ("ddim", "pndm") and speedup > 1
    return (k_step - 1) // speedup * speedup if strided else k_step - 1


def ddpm(x: Tensor, walk: Walk) -> Tensor:
    """Every step, with fresh noise (Ho et al., 2020); `speedup` is not used."""
    for step in reversed(range(walk.k_step)):
        x = ddpm_step(x, _steps(x, step), walk)
    return x


def ddpm_step(x: Tensor, step: Tensor, walk: Walk) -> Tensor:
    """Whole steps (b,) -> x at the steps before; the guess of the clean mel is kept within [-1, 1]."""
    tables = walk.tables
    guess = walk.denoise(x, step)
    clean = at(tables.sqrt_recip_alphas_cumprod, step) * x - at(tables.sqrt_recipm1_alphas_cumprod, step) * guess
    mean, _, log_variance = posterior(tables, clean.clamp(-1.0, 1.0), x, step)
    drawn = walk.noise.normal(x.shape, x)
    return mean + (step > 0)[:, None, None] * (0.5 * log_variance).exp() * drawn


def posterior(tables: Tables, clean: Tensor, x: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variance and log variance of x a step earlier, when the clean mel is known."""
    mean = at(tables.posterior_mean_coef1, step) * clean + at(tables.posterior_mean_coef2, step) * x
    return mean, at(tables.posterior_variance, step), at(tables.posterior_log_variance_clipped, step)


def ddim(x: Tensor, walk: Walk) -> Tensor:
    """Strides without noise (Song et al., 2021)."""
    for step in reversed(range(0, walk.k_step, walk.speedup)):
        x = ddim_step(x, _steps(x, step), walk)
    return x


def ddim_step(x: Tensor, step: Tensor, walk: Walk) -> Tensor:
    """Whole steps (b,) -> x at `speedup` steps before, at step 0 at the earliest."""
    kept = at(walk.tables.alphas_cumprod, step)
    before = at(walk.tables.alphas_cumprod, (step - walk.speedup).clamp(min=0))
    turned = ((1 - before) / before).sqrt() - ((1 - kept) / kept).sqrt()
    return before.sqrt() * (x / kept.sqrt() + turned * walk.denoise(x, step))


def pndm(x: Tensor, walk: Walk) -> Tensor:
    """Strides by what the last guesses of the noise tend to (PLMS of Liu et al., 2022)."""
    guesses: list[Tensor] = []
    for step in reversed(range(0, walk.k_step, walk.speedup)):
        x = pndm_step(x, _steps(x, step), guesses, walk)
    return x


# Adams-Bashforth weights of the newest guess and the ones before it.
ADAMS_BASHFORTH = {2: (3 / 2, -1 / 2), 3: (23 / 12, -16 / 12, 5 / 12), 4: (55 / 24, -59 / 24, 37 / 24, -9 / 24)}


def pndm_step(x: Tensor, step: Tensor, guesses: list[Tensor], walk: Walk) -> Tensor:
    """Whole steps (b,) -> x at `speedup` steps before. The guess is added to `guesses`, newest first, four at most."""
    guess = walk.denoise(x, step)
    guesses.insert(0, guess)
    del guesses[4:]
    if len(guesses) == 1:
        ahead = (step - walk.speedup).clamp(min=0)
        tended = (guess + walk.denoise(_pseudo_linear(x, guess, step, walk), ahead)) / 2
    else:
        weights = ADAMS_BASHFORTH[len(guesses)]
        tended = torch.stack([weight * past for weight, past in zip(weights, guesses, strict=True)]).sum(0)
    return _pseudo_linear(x, tended, step, walk)


def _pseudo_linear(x: Tensor, guess: Tensor, step: Tensor, walk: Walk) -> Tensor:
    """The paper's transfer part: where x lies at the step before if that is the noise in it."""
    kept = at(walk.tables.alphas_cumprod, step)
    before = at(walk.tables.alphas_cumprod, (step - walk.speedup).clamp(min=0))
    root = kept.sqrt()
    of_x = 1 / (root * (root + before.sqrt()))
    of_guess = 1 / (root * (((1 - before) * kept).sqrt() + ((1 - kept) * before).sqrt()))
    return x + (before - kept) * (of_x * x - of_guess * guess)


class _Known:
    """What the multistep solvers remember: the guesses at the last two times."""

    def __init__(self, walk: Walk) -> None:
        self.curve = Curve(walk.tables.betas[: walk.k_step])
        self.times = self.curve.grid(walk.parts)
        self._denoise = walk.denoise
        self.at: list[Tensor] = []
        self.guesses: list[Tensor] = []

    def noise_in(self, x: Tensor, time: Tensor) -> Tensor:
        return self._denoise(x, self.curve.step_of(time).expand(len(x)))

    def clean_in(self, x: Tensor, time: Tensor) -> Tensor:
        return (x - self.curve.sigma(time) * self.noise_in(x, time)) / self.curve.alpha(time)

    def remember(self, guess: Tensor, time: Tensor) -> None:
        self.at, self.guesses = [*self.at[-1:], time], [*self.guesses[-1:], guess]

    def slope(self, time: Tensor) -> Tensor:
        """How much the guess changes over the way to `time`, from its change between the two remembered."""
        earlier, last = (self.curve.snr(known) for known in self.at)
        return (self.guesses[1] - self.guesses[0]) / ((last - earlier) / (self.curve.snr(time) - last))


def dpm_solver(x: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver-2, multistep, over guesses of the noise (Lu et al., 2022)."""
    return _dpm(x, walk, of_noise=True)


def dpm_solver_pp(x: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver++(2M), over guesses of the clean mel (Lu et al., 2022)."""
    return _dpm(x, walk, of_noise=False)


SHORT_WALK = 10
"""Walks of fewer parts end with a first-order step: the authors found it to be what keeps them stable."""


def _dpm(x: Tensor, walk: Walk, *, of_noise: bool) -> Tensor:
    known = _Known(walk)
    curve, guess = known.curve, known.noise_in if of_noise else known.clean_in
    for part, (start, end) in enumerate(pairwise(known.times), start=1):
        known.remember(guess(x, start), start)
        change = curve.snr(end) - curve.snr(start)
        if of_noise:
            kept = torch.exp(curve.log_alpha(end) - curve.log_alpha(start))
            weight = curve.sigma(end) * torch.expm1(change)
        else:
            kept = curve.sigma(end) / curve.sigma(start)
            weight = curve.alpha(end) * torch.expm1(-change)
        moved = kept * x - weight * known.guesses[-1]
        first_order = part == 1 or (part == walk.parts < SHORT_WALK)
        x = moved if first_order else moved - 0.5 * weight * known.slope(end)
    return x


def unipc(x: Tensor, walk: Walk) -> Tensor:
    """UniPC of order 2 with B(h) = exp(h) - 1, over guesses of the clean mel (Zhao et al., 2023).

    Each new guess also corrects the step that led to it, but for the last step, which makes none.
    """
    known = _Known(walk)
    curve, times = known.curve, known.times
    known.remember(known.clean_in(x, times[0]), times[0])
    for part, (start, end) in enumerate(pairwise(times), start=1):
        change = curve.snr(start) - curve.snr(end)
        weight = curve.alpha(end) * torch.expm1(change)
        moved = curve.sigma(end) / curve.sigma(start) * x - weight * known.guesses[-1]
        if part == walk.parts:
            break
        slope = known.slope(end) if part > 1 else None
        guess = known.clean_in(moved if slope is None else moved - weight * 0.5 * slope, end)
        x = moved - weight * _correction(guess - known.guesses[-1], slope, known, end)
        known.remember(guess, end)
    return moved


def _correction(new: Tensor, slope: Tensor | None, known: _Known, end: Tensor) -> Tensor:
    """UniC: the weights that make the step exact for guesses that change linearly, or quadratically with `slope`."""
    if slope is None:
        return 0.5 * new
    curve = known.curve
    earlier, last, there = (curve.snr(time) for time in (*known.at, end))
    change = last - there
    ratio = (earlier - last) / (there - last)
    second = torch.expm1(change) / change - 1
    third = second / change - 0.5
    wanted = torch.stack([second, third * 2]) / torch.expm1(change)
    one = torch.ones_like(ratio)
    of_slope, of_new = torch.linalg.solve(torch.stack([one, one, ratio, one]).reshape(2, 2), wanted)
    corrected: Tensor = of_slope * slope + of_new * new
    return corrected


def _steps(x: Tensor, step: int) -> Tensor:
    return torch.full((len(x),), step, device=x.device)


METHODS: Mapping[str, Sampler] = {
    "dpm-solver++": dpm_solver_pp,
    "dpm-solver": dpm_solver,
    "unipc": unipc,
    "pndm": pndm,
    "ddim": ddim,
    "ddpm": ddpm,
}
