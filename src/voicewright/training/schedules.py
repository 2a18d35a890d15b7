"""The learning rate as a pure function of the step: nothing to save, nothing to lose in a resume."""

import math
from collections.abc import Callable

from voicewright.training.options import TrainingPlan

LEAST_RATE = 1e-8
"""Where "cosine" ends: eta_min of DL-Art-School's CosineAnnealingLR_Restart as ai-voice-cloning sets it."""


def rate_at(plan: TrainingPlan, steps_per_epoch: int) -> Callable[[int], float]:
    """The learning rate of each step (from 0) of a run: the warm-up's share of the schedule's."""
    schedules = {"constant": _constant, "multistep": _multistep, "exponential": _exponential, "cosine": _cosine}
    schedule = schedules[plan.schedule](plan, steps_per_epoch)

    def rate(step: int) -> float:
        warm = min(1.0, (step + 1) / plan.warmup_steps) if plan.warmup_steps else 1.0
        return warm * schedule(step)

    return rate


def _constant(plan: TrainingPlan, steps_per_epoch: int) -> Callable[[int], float]:
    return lambda step: plan.learning_rate


def _multistep(plan: TrainingPlan, steps_per_epoch: int) -> Callable[[int], float]:
    steps = [epoch * steps_per_epoch for epoch in plan.milestones]
    return lambda step: plan.learning_rate * float(plan.gamma ** sum(step >= each for each in steps))


def _exponential(plan: TrainingPlan, steps_per_epoch: int) -> Callable[[int], float]:
    return lambda step: plan.learning_rate * float(plan.gamma ** (step // steps_per_epoch))


def _cosine(plan: TrainingPlan, steps_per_epoch: int) -> Callable[[int], float]:
    """Half a cosine down to almost nothing, then again from lower: from (R-1)/R, (R-2)/R … of the first height after
    each of the R restarts, the last time from half of the height before it (DL-Art-School, as ai-voice-cloning plans
    it). The restarts come every epochs // R epochs, so the last of an even division would be the run's end."""
    restarts = plan.restarts
    period = max(plan.epochs // max(restarts, 1), 1) * steps_per_epoch
    heights = [1.0, *((restarts - each - 1) / restarts for each in range(restarts))]
    if restarts:
        heights[-1] = heights[-2] / 2

    def rate(step: int) -> float:
        cycle = min(step // period, restarts)
        share = min((step - cycle * period) / period, 1.0)
        high = plan.learning_rate * heights[cycle]
        low = min(LEAST_RATE, high)
        return low + (high - low) * (1 + math.cos(math.pi * share)) / 2

    return rate
