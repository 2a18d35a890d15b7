"""Every rule that moves a setting or refuses a plan, and that a checked plan stays as it is."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.engines.options import LoraOptions
from voicewright.errors import BadDataset, BadPlan, BadSetting
from voicewright.training.batches import steps_per_epoch
from voicewright.training.checks import Checked, Facts, check, shown
from voicewright.training.machine import Machine
from voicewright.training.options import AuditionOptions, TrainingPlan

LAPTOP = Machine(cores=4, memory_gib=8.0, native_bfloat16=True)
OLD = Machine(cores=4, memory_gib=8.0)
SERVER = Machine(device="cuda", cores=16, gpus=(79.0, 79.0), native_bfloat16=True, bitsandbytes=True)
SMALL_CARD = Machine(device="cuda", cores=16, gpus=(7.5,), native_bfloat16=True)
SILENT = AuditionOptions(sentences=0)


def plan(**values: Any) -> TrainingPlan:
    quiet = {"batch_size": 10, "epochs": 20, "schedule": "constant"}
    return TrainingPlan(dataset="datasets/anna", run="runs/anna", **(quiet | values))


def checked(
    machine: Machine = LAPTOP, *, clips: int = 100, most: int = 0, validation: int = 5, **values: Any
) -> Checked:
    facts = Facts(machine=machine, clips=clips, validation=validation, most_in_part=most, voices=("anna", "bert"))
    return check(plan(device=machine.device, **values), facts)


def test_a_plan_that_fits_is_left_alone() -> None:
    found = checked()
    assert found.remarks == ()
    assert found.plan == plan()
    assert (found.steps_per_epoch, found.steps, found.checkpoints) == (10, 200, 4)


CLAMPS: list[tuple[str, Machine, dict[str, Any], dict[str, Any], str]] = [
    ("a batch larger than the dataset", LAPTOP, {"batch_size": 128}, {"batch_size": 100}, "no more than 100 clips"),
    ("more parts than clips", LAPTOP, {"accumulation": 64}, {"accumulation": 10}, "a part at least one"),
    ("parts that do not divide", LAPTOP, {"accumulation": 4}, {"accumulation": 5, "batch_size": 10}, "evenly"),
    (
        "parts that would be too many",
        LAPTOP,
        {"accumulation": 4, "batch_size": 31},
        {"accumulation": 4, "batch_size": 28},
        "evenly",
    ),
    ("more processes than GPUs", SMALL_CARD, {"processes": 3, "batch_size": 4}, {"processes": 1}, "1 GPU"),
    ("more processes than cores", LAPTOP, {"processes": 9, "batch_size": 8}, {"processes": 4}, "4 cores"),
    ("processes that do not share evenly", SERVER, {"processes": 2, "batch_size": 9}, {"batch_size": 8}, "2 processes"),
    ("fewer clips than processes", LAPTOP, {"processes": 4, "batch_size": 2}, {"batch_size": 4}, "needs a clip"),
    ("a small GPU", SMALL_CARD, {"batch_size": 64}, {"accumulation": 16, "batch_size": 64}, "GPU memory"),
    ("a part for a GPU of 79 GiB", SERVER, {"batch_size": 100}, {"accumulation": 1}, ""),
    ("seldom checkpoints", LAPTOP, {"save_every": 50}, {"save_every": 20}, "20 epochs"),
    ("seldom validation", LAPTOP, {"validate_every": 21}, {"validate_every": 20}, "20 epochs"),
    ("many restarts", LAPTOP, {"schedule": "cosine", "restarts": 30}, {"restarts": 20}, "restart"),
    ("an endless warm-up", LAPTOP, {"warmup_steps": 200}, {"warmup_steps": 20}, "never be reached"),
    ("stopping unheard", LAPTOP, {"early_stop": 2, "audition": SILENT, "keep_best": 0}, {"early_stop": 0}, "not heard"),
    ("the best unheard", LAPTOP, {"audition": SILENT}, {"keep_best": 0, "keep_last": 2}, "not heard"),
    ("only the best, unheard", LAPTOP, {"audition": SILENT, "keep_last": 0}, {"keep_best": 0, "keep_last": 3}, ""),
    ("float16 on a processor", LAPTOP, {"precision": "float16"}, {"precision": "bfloat16"}, "for GPUs"),
    ("float16 on an old processor", OLD, {"precision": "float16"}, {"precision": "float32"}, "for GPUs"),
    ("8 bits on a processor", LAPTOP, {"optimizer": "adamw8bit"}, {"optimizer": "adamw"}, "needs a GPU"),
    (
        "8 bits without the package",
        SMALL_CARD,
        {"optimizer": "adamw8bit", "batch_size": 4},
        {"optimizer": "adamw"},
        "pip install bitsandbytes",
    ),
    ("workers without cores", LAPTOP, {"workers": 6}, {"workers": 4}, "4 cores"),
    ("workers of two processes", SERVER, {"workers": 9, "processes": 2}, {"workers": 8}, "2 processes"),
    ("an average of another run", LAPTOP, {"ema": 0.9999}, {"ema": 0.95}, "200"),
    ("an average of nothing", LAPTOP, {"ema": 0.99, "batch_size": 50, "epochs": 5}, {"ema": 0.0}, "has 10"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "given_", "wanted", "why"), [row[1:] for row in CLAMPS], ids=[r[0] for r in CLAMPS]
)
def test_what_cannot_be_done_is_moved_and_told(
    machine: Machine, given_: dict[str, Any], wanted: dict[str, Any], why: str
) -> None:
    found = checked(machine, **given_)
    assert {name: getattr(found.plan, name) for name in wanted} == wanted
    before = plan(**given_)
    changes = {change.field: change for change in found.changes}
    moved = {name for name, value in wanted.items() if getattr(before, name) != value}
    assert moved <= set(changes)
    for name in moved:
        assert shown(getattr(found.plan, name)) in str(changes[name])
        assert shown(changes[name].was) in str(changes[name])
    assert not moved or any(why in str(change) for change in found.changes)


def test_nothing_is_validated_without_clips_set_aside() -> None:
    assert checked(validation=0).plan.validate_every == 0


def test_what_a_trial_measured_goes_before_the_table() -> None:
    assert checked(SERVER, batch_size=64, most=8).plan.accumulation == 8
    assert checked(SERVER, batch_size=64).plan.accumulation == 1
    assert checked(LAPTOP, batch_size=30, most=7).plan.batch_size == 30


def test_a_run_that_has_begun_keeps_its_batches() -> None:
    facts = Facts(machine=LAPTOP, clips=20, validation=5, most_in_part=6, begun=True)
    found = check(plan(batch_size=31, accumulation=4), facts)
    assert [change.field for change in found.changes] == ["accumulation"]
    assert found.plan.accumulation == 6


def test_processes_share_the_cards_memory_one_each() -> None:
    found = checked(SERVER, processes=2, batch_size=100).plan
    assert (found.batch_size, found.accumulation) == (100, 1)


@pytest.mark.parametrize(
    ("machine", "given_", "told"),
    [
        (LAPTOP, {"schedule": "multistep", "milestones": (4, 20, 33)}, "[20, 33] are not reached"),
        (LAPTOP, {"early_stop": 4}, "cannot stop anything"),
        (LAPTOP, {"processes": 2}, "gloo"),
        (SERVER, {"processes": 2}, "nccl"),
        (OLD, {"precision": "bfloat16"}, "slower than float32"),
        (LAPTOP, {"lora": LoraOptions(rank=0)}, "as large as the engine"),
    ],
)
def test_what_is_possible_but_odd_is_told(machine: Machine, given_: dict[str, Any], told: str) -> None:
    found = checked(machine, **given_)
    assert not found.changes
    assert [told in str(remark) for remark in found.remarks] == [True]


def test_float16_and_the_8_bit_optimizer_go_together_on_a_gpu() -> None:
    assert checked(SERVER, precision="float16", optimizer="adamw8bit").remarks == ()


@pytest.mark.parametrize(
    ("given_", "error", "told"),
    [
        ({"device": "cuda"}, BadPlan, "no GPU"),
        ({"start": "ana"}, BadPlan, "did you mean 'anna'"),
        ({"start": "nobody at all"}, BadPlan, "voicewright voices"),
        ({"start": "voices/anna.voice"}, BadPlan, "no file voices/anna.voice"),
        (
            {"source": "runs/none/checkpoints/step-00000010"},
            BadPlan,
            "runs/none/checkpoints/step-00000010 is not there",
        ),
        ({"recipe": {"crop": 2.0}}, BadSetting, "did you mean 'crop_s'"),
        ({"engine": "kokro"}, BadSetting, "'kokro'"),
    ],
)
def test_what_is_named_and_not_there_is_refused(given_: dict[str, Any], error: type[Exception], told: str) -> None:
    facts = Facts(machine=LAPTOP, clips=100, voices=("anna", "bert"))
    with pytest.raises(error) as refusal:
        check(plan(**given_), facts)
    assert told in str(refusal.value)


def test_the_source_is_a_checkpoint_and_the_nearest_one_is_named(tmp_path: Path) -> None:
    step = tmp_path / "run" / "checkpoints" / "step-00000010"
    step.mkdir(parents=True)
    (step / "checkpoint.json").write_text("{}", "utf-8")
    assert checked(source=str(step)).plan.source == str(step)
    with pytest.raises(BadPlan, match="step-00000010"):
        checked(source=str(tmp_path / "run"))


def test_an_empty_dataset_is_refused() -> None:
    with pytest.raises(BadDataset, match="datasets/anna"):
        checked(clips=0)


@pytest.mark.parametrize("wrong", [{"accumulation": 0}, {"batch_size": 0}, {"epochs": 0}, {"milestones": (5, 3)}])
def test_nonsense_is_no_plan(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(wrong))):
        plan(**wrong)


small, count = st.integers(1, 12), st.integers(1, 400)
machines = st.builds(
    Machine,
    device=st.sampled_from(["cpu", "cuda"]),
    cores=small,
    gpus=st.lists(st.floats(1, 90), min_size=1, max_size=4).map(tuple),
    native_bfloat16=st.booleans(),
    bitsandbytes=st.booleans(),
)
plans = st.fixed_dictionaries(
    {
        "batch_size": count,
        "accumulation": count,
        "processes": small,
        "epochs": count,
        "save_every": count,
        "validate_every": st.integers(0, 400),
        "restarts": st.integers(0, 400),
        "warmup_steps": st.integers(0, 5000),
        "early_stop": st.integers(0, 9),
        "keep_last": st.integers(0, 4),
        "keep_best": st.integers(1, 4),
        "workers": st.integers(0, 30),
        "ema": st.floats(0, 0.99999),
        "schedule": st.sampled_from(["constant", "multistep", "cosine"]),
        "precision": st.sampled_from(["auto", "float32", "bfloat16", "float16"]),
        "optimizer": st.sampled_from(["adamw", "adamw8bit"]),
        "audition": st.builds(AuditionOptions, sentences=st.integers(0, 3)),
    }
)


@given(
    machine=machines,
    values=plans,
    clips=count,
    validation=st.integers(0, 9),
    most=st.integers(0, 40),
    begun=st.booleans(),
)
def test_a_checked_plan_divides_evenly_fits_and_stays_as_it_is(
    machine: Machine, values: dict[str, Any], clips: int, validation: int, most: int, begun: bool
) -> None:
    facts = Facts(machine=machine, clips=clips, validation=validation, most_in_part=most, begun=begun)
    found = check(plan(device=machine.device, **values), facts)
    after = found.plan
    parts = after.accumulation * after.processes
    if begun:
        assert after.batch_size == values["batch_size"]
    else:
        assert after.batch_size % parts == 0
        assert after.batch_size <= clips
    assert not most or -(-after.batch_size // parts) <= most
    assert after.processes <= (len(machine.gpus) if machine.on_gpu else machine.cores)
    assert max(after.save_every, after.validate_every) <= after.epochs
    assert found.steps == steps_per_epoch(clips, after.batch_size) * after.epochs
    assert {change.field for change in found.changes} == {
        name for name in values if getattr(after, name) != values[name]
    }
    again = check(after, facts)
    assert again.plan == after
    assert again.changes == ()
