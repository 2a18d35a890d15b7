"""Good values for the data and the machine, under those that were given."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voicewright.audio.files import describe, sha256_of
from voicewright.data.dataset import Dataset
from voicewright.data.utterance import Utterance
from voicewright.engines import registry
from voicewright.engines.kokoro.options import TuningOptions
from voicewright.engines.recipe import Example
from voicewright.errors import BadDataset, BadSetting
from voicewright.samples import samples
from voicewright.settings import load, save
from voicewright.training.batches import steps_per_epoch
from voicewright.training.checks import Facts, check
from voicewright.training.estimate import Costs, Estimate, Line
from voicewright.training.examples import Examples
from voicewright.training.machine import Machine, this_machine
from voicewright.training.options import TrainingPlan
from voicewright.training.planning import Drafted, check_plan, default_steps, draft, make_plan, shortages

LAPTOP = Machine(cores=2, memory_gib=8.0, native_bfloat16=True, disk_gib=50.0)
SERVER = Machine(device="cuda", cores=16, memory_gib=64.0, gpus=(79.0, 79.0), native_bfloat16=True)
FOLDER = Path("datasets/anna")


def examples(clips: int = 120, seconds: float = 5.0, *, validation: int = 6, language: str = "en-us") -> Examples:
    def example(number: int) -> Example:
        name = f"u{number}"
        return Example(id=name, audio=Path(name), sha256="", seconds=seconds, text="One.", language=language)

    some = tuple(example(number) for number in range(clips + validation))
    return Examples(train=some[:clips], validation=some[clips:], speaker="Anna", language=language)


@pytest.fixture(autouse=True)
def silent_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default engine, without advice of its own."""
    monkeypatch.setattr(TuningOptions, "suggest", None, raising=False)


def drafted(*, of: Examples | None = None, machine: Machine = LAPTOP, **given: Any) -> Drafted:
    return draft(FOLDER, of or examples(), machine, given)


def steps_of(plan: TrainingPlan, clips: int) -> int:
    return plan.epochs * steps_per_epoch(clips, min(plan.batch_size, clips))


def test_a_draft_knows_its_data_and_needs_no_change() -> None:
    plan = drafted().plan
    assert (plan.dataset, plan.run, plan.voice, plan.language) == ("datasets/anna", "runs/Anna", "Anna", "en-us")
    checked = check(plan, Facts(machine=LAPTOP, clips=120, validation=6))
    assert (checked.plan, checked.remarks) == (plan, ())
    assert 5 <= checked.checkpoints <= 8


@pytest.mark.parametrize("clips", [1, 3, 20, 120, 2_000, 30_000])
def test_steps_suit_the_amount_of_data(clips: int) -> None:
    found = drafted(of=examples(clips)).plan
    wanted = default_steps(clips * 5 / 60)
    assert steps_of(found, clips) == pytest.approx(wanted, rel=0.5, abs=steps_per_epoch(clips, found.batch_size))
    assert found.batch_size <= clips
    assert check(found, Facts(machine=LAPTOP, clips=clips, validation=6)).changes == ()


def test_other_batches_still_give_the_steps() -> None:
    steps = steps_of(drafted().plan, 120)
    for batch in (2, 5, 40, 400):
        plan = drafted(batch_size=batch).plan
        assert plan.batch_size == batch
        assert steps_of(plan, 120) == pytest.approx(steps, rel=0.1)


def test_what_is_given_wins_over_what_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    advice = {"steps": 500, "learning_rate": 3e-4, "lora": {"rank": 4, "alpha": 8.0}, "recipe": {"crop_s": 2.0}}
    monkeypatch.setattr(TuningOptions, "suggest", staticmethod(lambda *about: dict(advice)))
    found = drafted(lora={"rank": 2}, run="here", recipe={"log_mel_weight": 0.5})
    plan = found.plan
    assert (plan.lora.rank, plan.lora.alpha, plan.learning_rate, plan.run) == (2, 8.0, 3e-4, "here")
    assert plan.recipe == {"crop_s": 2.0, "log_mel_weight": 0.5}
    assert steps_of(plan, 120) == pytest.approx(500, rel=0.05)
    assert any("learning_rate 0.0003" in str(remark) for remark in found.remarks)
    own = drafted(learning_rate=1e-5, epochs=7)
    assert own.plan.epochs == 7
    assert not any("learning_rate" in str(remark) for remark in own.remarks)


def test_an_engine_weighs_its_losses_by_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ai-voice-cloning's users do: English text counts for little, that of other languages has to be learned."""

    def suggest(minutes: float, clips: int, language: str) -> dict[str, Any]:
        return {"text_weight": 0.01 if language.startswith("en") else 1.0, "mel_weight": 1.0}

    monkeypatch.setattr(TuningOptions, "suggest", staticmethod(suggest))
    assert drafted().plan.text_weight == 0.01
    assert drafted(of=examples(language="de")).plan.text_weight == 1.0
    assert drafted(of=examples(language="de"), text_weight=0.5).plan.text_weight == 0.5


def test_milestones_keep_their_shares_of_the_run() -> None:
    assert drafted(epochs=60).plan.milestones == (2, 4, 9, 18, 25, 33, 50, 59)
    assert drafted(epochs=120).plan.milestones == (4, 8, 18, 36, 50, 66, 100, 118)
    assert drafted(epochs=1).plan.milestones == ()
    assert drafted(epochs=6, milestones=[3]).plan.milestones == (3,)


def test_gpus_share_the_work() -> None:
    plan = drafted(machine=SERVER).plan
    assert (plan.device, plan.processes, plan.workers) == ("cuda", 2, 4)
    assert (drafted().plan.device, drafted().plan.processes, drafted().plan.workers) == ("cpu", 1, 0)


def test_nothing_is_looked_at_where_no_clip_is_set_aside() -> None:
    assert drafted(of=examples(validation=0)).plan.validate_every == 0
    assert drafted().plan.validate_every > 0


def test_why_is_told() -> None:
    told = "\n".join(map(str, drafted().remarks))
    assert "learns from 120 clips of 'Anna', 10.0 minutes, 6 more are set aside" in told
    assert "fitted to the best clips" in told
    assert "the CPU, 2 cores in bfloat16, which it multiplies in hardware" in told
    assert "fitted" not in "\n".join(map(str, drafted(start="anna").remarks))
    assert {remark.kind for remark in drafted().remarks} == {"chosen"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"batch_size": "many"}, "batch_size must be a whole number"),
        ({"learning_rate": 2.0}, "learning_rate"),
        ({"lora": {"ranks": 3}}, "did you mean 'rank'"),
        ({"engine": "kokro"}, "'kokro'"),
    ],
)
def test_wrong_values_are_refused_by_name(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        drafted(**wrong)
    assert told in str(refusal.value)


def test_a_plan_comes_back_from_its_file_with_its_help_beside_it(tmp_path: Path) -> None:
    plan = drafted(learning_rate=1e-5, voice="Zoë").plan
    save(plan, tmp_path / "plan.yaml")
    assert load(TrainingPlan, tmp_path / "plan.yaml") == plan
    assert "# How often every clip is learned from." in (tmp_path / "plan.yaml").read_text("utf-8")


def test_every_engine_that_suggests_suggests_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for engine in registry.BUILT_IN_RECIPES:
        for clips, seconds in ((5, 2.0), (120, 5.0), (20_000, 6.0)):
            of = examples(clips, seconds)
            plan = drafted(of=of, engine=engine).plan
            checked = check(plan, Facts(machine=LAPTOP, clips=clips, validation=6))
            assert checked.changes == ()
            assert checked.steps >= 20


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """The recordings that ship with the project, one of them set aside."""
    made = Dataset.create(tmp_path / "austen")
    utterances = []
    for sample in samples():
        audio = f"clips/{sample.path.name}"
        shutil.copy(sample.path, made.folder / audio)
        about = describe(sample.path)
        utterances.append(
            Utterance(
                id=sample.path.stem,
                audio=audio,
                sha256=sha256_of(sample.path),
                seconds=about.seconds,
                rate=about.rate,
                text=sample.text,
                speaker="reader",
                split="train" if utterances else "validation",
            )
        )
    made.replace_base(utterances)
    return made


COSTS = Costs(prepare=Line(base_s=1.0), step=Line(base_s=2.0), sentence_s=3.0, weights_mb=1.0, memory_gib=1.0)


def test_a_plan_is_made_and_measured(dataset: Dataset) -> None:
    tried: list[TrainingPlan] = []

    def trial(plan: TrainingPlan, of: Examples) -> Costs:
        tried.append(plan)
        return COSTS

    given = {"epochs": 10, "batch_size": 64, "voice": "jane"}
    made = make_plan(dataset, given, machine=LAPTOP, trial=trial, voices=())
    assert (made.plan.batch_size, made.plan.voice, made.plan.speaker) == (4, "jane", "reader")
    assert tried == [made.plan]
    assert made.estimate.steps == 10
    assert made.estimate.measured
    kinds = [remark.kind for remark in made.remarks]
    assert {"chosen", "changed"} <= set(kinds)
    assert any("no more than 4 clips" in str(remark) for remark in made.remarks)
    again = check_plan(made.plan, dataset, machine=LAPTOP, voices=())
    assert again.plan == made.plan
    assert not again.estimate.measured
    assert "changed" not in {remark.kind for remark in again.remarks}


def test_what_did_not_fit_in_the_trial_is_cut_into_parts(dataset: Dataset) -> None:
    made = make_plan(dataset, {"batch_size": 4}, machine=LAPTOP, trial=lambda plan, of: replace(COSTS, most_in_part=2))
    assert made.plan.accumulation == 2
    assert any("did not fit into memory" in str(remark) for remark in made.remarks)


def test_another_language_than_the_clips_is_doubted(dataset: Dataset) -> None:
    plan = replace(make_plan(dataset, {}, machine=LAPTOP).plan, language="fr")
    told = check_plan(plan, dataset, machine=LAPTOP).remarks
    assert any("language is fr, and the clips are in en-us" in str(remark) for remark in told)


def test_a_broken_dataset_makes_no_plan(dataset: Dataset) -> None:
    broken = next(iter(dataset.kept()))
    dataset.audio(broken).unlink()
    with pytest.raises(BadDataset, match=broken.audio):
        make_plan(dataset, {}, machine=LAPTOP)
    with pytest.raises(BadDataset, match="nobody called"):
        make_plan(dataset, {"speaker": "somebody"}, machine=LAPTOP)


def test_what_is_missing_on_the_machine_is_told() -> None:
    needs = Estimate(steps_per_epoch=1, steps=1, checkpoints=1, disk_mb=60_000, disk_how="much", memory_gib=7.5)
    told = "\n".join(map(str, shortages(needs, LAPTOP)))
    assert "60.0 GB of disk (much), and 53.7 GB are free" in told
    assert "7.5 GiB of memory, and 8.0 GiB are free" in told
    assert list(shortages(needs, Machine(memory_gib=16.0, disk_gib=100.0))) == []
    assert "79.0 GiB" not in "\n".join(map(str, shortages(needs, SERVER)))


def test_this_machine_is_looked_at(tmp_path: Path) -> None:
    found = this_machine("cpu", tmp_path / "not" / "there")
    assert found.cores >= 1
    assert 0 < found.memory_gib < 100_000
    assert 0 < found.disk_gib < float("inf")
    assert not found.on_gpu
