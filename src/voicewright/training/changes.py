"""Which fields of a plan may change when its run goes on, and which would make it another run."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from voicewright.errors import BadPlan
from voicewright.training.options import TrainingPlan

FIXED = {
    "dataset": "its items and the order of its clips belong to it",
    "engine": "the checkpoints are this engine's",
    "speaker": "it learned from this speaker's clips",
    "others": "it learned from these speakers' clips",
    "start": "it began from this voice",
    "start_preset": "it began from a voice that was fitted so",
    "language": "its texts were read in it",
    "source": "it began from these weights",
    "batch_size": "a step and the order of the clips are counted in batches; to need less memory, raise accumulation",
    "optimizer": "its state belongs to it",
    "lora": "the checkpoints hold adapters of this shape",
    "recipe": "the items and the losses follow from it",
    "seed": "the order of the clips follows from it",
}
"""Fields that stay as they were, and why."""

FREE = frozenset(
    {
        *("run", "voice", "consent"),
        *("epochs", "accumulation", "learning_rate", "schedule", "milestones", "gamma", "restarts", "warmup_steps"),
        *("betas", "epsilon", "weight_decay", "clip_grad", "mel_weight", "text_weight", "precision"),
        *("save_every", "validate_every", "keep_last", "keep_best", "early_stop", "audition", "bad_losses"),
        *("workers", "processes", "device", "tensorboard"),
    }
)
"""Fields that may change; `ema` may too, as long as there is an average before and after, or neither."""


def check_changes(folder: Path, before: TrainingPlan, after: TrainingPlan) -> list[str]:
    """What a run in `folder` would do differently with the plan `after`, one "field: old -> new" each.

    `run` is left out: a run may have been moved.

    Raises:
        BadPlan: a field differs that cannot; the message names it, says why, and how to go on.
    """
    old, new = asdict(before), asdict(after)
    changed = [name for name in old if name != "run" and not _same(name, old[name], new[name])]
    for name in changed:
        reason = FIXED.get(name, "")
        if name == "ema" and bool(old[name]) != bool(new[name]):
            reason = "its checkpoints have an average" if old[name] else "its checkpoints have no average"
        if reason:
            raise BadPlan(
                f"{folder}: this run cannot go on with another {name} ({_told(name, old, new)}): {reason}. "
                f"Put the old value back, or let the plan name another folder as its run"
            )
    return [f"{name}: {_told(name, old, new)}" for name in changed]


def _same(name: str, old: Any, new: Any) -> bool:
    if name in {"dataset", "start", "source"} and old and new:
        return bool(old == new or Path(old).resolve() == Path(new).resolve())
    return bool(old == new)


def _told(name: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Of a group of fields, those that differ."""
    before, after = old[name], new[name]
    if not isinstance(before, dict):
        return f"{_plain(before)} -> {_plain(after)}"
    parts = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return ", ".join(f"{key} {_plain(before.get(key))} -> {_plain(after.get(key))}" for key in parts)


def _plain(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(list(value) if isinstance(value, tuple) else value)
