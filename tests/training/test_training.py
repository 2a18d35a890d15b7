"""From a dataset to a voice and back again: an engine made of tones learns what a toy network learns."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `made_up` and `toy` lie beside this file

from made_up import SPEAKER, World, tones_of, voice
from toy import Toy

from voicewright.audio.files import sha256_of, write_clip
from voicewright.data.dataset import Dataset
from voicewright.data.utterance import Utterance
from voicewright.engines.recipe import Lesson
from voicewright.errors import BadPlan, BadRun, MissingExtra
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run
from voicewright.training.training import Training
from voicewright.voice.file import read_voice, write_voice

RATE = 24_000


class Learns(World):
    """Starts halfway to the stranger; what it learned is `reached` on the way to the speaker."""

    def __init__(self, reached: float = 0.05) -> None:
        super().__init__()
        self.reached, self.enrolled, self.lessons = reached, 0, list[Lesson]()

    def enroll(self, clips: Any, *, name: str, **about: Any) -> Any:
        self.enrolled += 1
        return replace(voice(0.5), name=name)

    def recipe(self, lesson: Lesson) -> Any:
        self.lessons.append(lesson)
        world, learned = self, self.reached

        class Tones(Toy):
            def prepare(self, example: Any) -> Any:
                return super().prepare(replace(example, id=str(int(example.id.lstrip("u")))))

            def trial(self) -> Any:
                start = lesson.voice
                untouched = all((a == b).all() for a, b in zip(self.networks["main"].parameters(), first, strict=True))
                return world, start if untouched else voice(learned)

        recipe = Tones()
        first = [value.detach().clone() for value in recipe.networks["main"].parameters()]
        return recipe


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Eight clips of the speaker, two of them set aside."""
    made = Dataset.create(tmp_path / "dataset")
    utterances = []
    for number in range(8):
        clip = tones_of(SPEAKER, f"clip {number}")
        audio = f"clips/u{number}.wav"
        write_clip(made.folder / audio, clip)
        sha256 = sha256_of(made.folder / audio)
        split = "validation" if number > 5 else "train"
        utterances.append(
            Utterance(
                id=f"u{number}", audio=audio, sha256=sha256, seconds=clip.seconds, rate=clip.rate,
                text=f"Text {number}.", speaker="anna", split=split,
            )
        )  # fmt: skip
    made.replace_base(utterances)
    return made.folder


def training(world: World) -> Training:
    voices = {"halfway": voice(0.5)}
    meters: Any = world
    return Training(engine=lambda name: world, voice=voices.__getitem__, voices=lambda: list(voices), meters=meters)


def plan_of(dataset: Path, **fields: Any) -> TrainingPlan:
    usual: dict[str, Any] = {
        "engine": "kokoro-tiny",
        "voice": "anna",
        "epochs": 2,
        "batch_size": 3,
        "save_every": 1,
        "schedule": "constant",
        "precision": "float32",
        "tensorboard": False,
    }
    return TrainingPlan(dataset=str(dataset), run=str(dataset.parent / "run"), **(usual | fields))


def test_a_run_ends_with_the_better_voice_under_its_own_name(dataset: Path) -> None:
    done = training(Learns()).train(plan_of(dataset, consent="I am Anna"))
    assert done.outcome.status == "finished"
    assert done.best is not None
    assert done.best.checkpoint is not None
    assert done.voice is not None
    kept = read_voice(done.voice)
    assert (kept.name, kept.consent.statement) == ("anna", "I am Anna")
    assert kept.settings["trained"]["step"] == done.best.step
    (source,) = kept.sources
    assert source.sha256 == sha256_of(dataset / "manifest.jsonl")
    assert source.seconds == pytest.approx(sum(tones_of(SPEAKER, f"clip {n}").seconds for n in range(6)))
    assert (kept.tensors["tones"] == voice(0.05).tensors["tones"]).all()


def test_a_voice_that_got_worse_is_not_taken(dataset: Path) -> None:
    done = training(Learns(reached=0.9)).train(plan_of(dataset))
    assert done.best is not None
    assert done.best.checkpoint is None
    assert done.voice is not None
    assert (read_voice(done.voice).tensors["tones"] == voice(0.5).tensors["tones"]).all()


def test_the_start_is_fitted_once_and_goes_on_with_the_run(dataset: Path) -> None:
    world = Learns()
    training(world).train(plan_of(dataset))
    done = training(world).train(plan_of(dataset, epochs=3))
    assert done.outcome.step > 4
    assert world.enrolled == 1


def test_a_named_voice_is_what_it_starts_from(dataset: Path) -> None:
    world = Learns()
    training(world).train(plan_of(dataset, start="halfway"))
    assert world.enrolled == 0
    assert world.lessons[0].voice is not None
    assert world.lessons[0].voice.name == "made up"


def test_a_checkpoint_can_be_trained_further_from_where_its_run_began(dataset: Path) -> None:
    world = Learns()
    first = training(world).train(plan_of(dataset))
    assert first.outcome.checkpoint is not None
    again = plan_of(dataset, source=str(first.outcome.checkpoint.folder))
    training(world).train(replace(again, run=str(dataset.parent / "again")))
    assert world.enrolled == 1


def test_a_source_outside_of_a_run_needs_a_start(dataset: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "checkpoint.json").write_text("{}", "utf-8")
    with pytest.raises(BadPlan, match="name that voice: start"):
        training(Learns()).train(plan_of(dataset, source=str(alone)))


def test_a_run_speaks_as_itself_only(dataset: Path) -> None:
    run = training(Learns()).begin(plan_of(dataset))
    with pytest.raises(BadRun, match="not as 'berta'"):
        training(Learns()).voice_of(run, "berta")
    with pytest.raises(BadRun, match="has no voice yet"):
        training(Learns()).voice_of(run)
    write_voice(voice(0.3), run.start_voice)
    write_voice(replace(voice(0.1), name="anna"), run.folder / "best.voice")
    assert training(Learns()).voice_of(run, "anna").name == "anna"


def test_only_the_first_of_several_processes_makes_the_folder(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    run = training(Learns()).begin(plan_of(dataset))
    assert not Run.holds(run.folder)


def test_an_engine_that_does_not_learn_is_refused(dataset: Path) -> None:
    world = SimpleNamespace(name="mute", rate=RATE, weights="0" * 64, licence="CC0-1.0")
    plan = plan_of(dataset, start="halfway")
    with pytest.raises(BadPlan, match="cannot be trained"):
        training(world).train(plan)  # type: ignore[arg-type]


def test_without_accelerate_it_says_what_to_install(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Learns()
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtra, match=r"voicewright\[train\]"):
        training(world).train(plan_of(dataset))
    assert world.enrolled == 0
