import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `made_up` lies beside this file

from made_up import LEARNED, World, held_out, recordings, voice

from voicewright.errors import BadRun, BadSetting
from voicewright.training.audition import Auditor
from voicewright.training.checkpoint import Checkpoint, Snapshot, write_checkpoint
from voicewright.training.choice import best
from voicewright.training.comparison import (
    Comparison,
    Side,
    compare,
    compare_runs,
    compare_voices,
    read_comparison,
)
from voicewright.training.judging import differences, judged, paired
from voicewright.training.monitor import Monitor
from voicewright.training.options import AuditionOptions, TrainingPlan
from voicewright.training.run import Run
from voicewright.voice.file import write_voice
from voicewright.voice.voice import Voice


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def auditor(world: World, tmp_path: Path) -> Auditor:
    return Auditor(
        world,
        AuditionOptions(),
        language="en-us",
        held=held_out(tmp_path / "held"),
        train=recordings(tmp_path / "train", [LEARNED]),
    )


@pytest.fixture
def against(world: World, auditor: Auditor, tmp_path: Path) -> Callable[..., Comparison]:
    def make(a: Voice, b: Voice, *, names: tuple[str, str] = ("start", "tuned"), sentences: int = 16) -> Comparison:
        sides = [Side(name=name, open=lambda v=v: (world, v)) for name, v in zip(names, (a, b), strict=True)]  # type: ignore[misc]
        return compare_voices(*sides, auditor, tmp_path / "comparison", sentences=sentences)

    return make


def test_a_closer_voice_is_better_and_a_farther_one_worse(against: Callable[..., Comparison]) -> None:
    found = against(voice(0.5), voice(0.2))
    assert found.verdict == "better"
    likeness = next(each for each in found.differences if each.meter == "likeness")
    assert 0 < likeness.low < likeness.difference < likeness.high
    assert likeness.texts == 16
    assert against(voice(0.2), voice(0.5)).verdict == "worse"


def test_equal_voices_do_not_differ(against: Callable[..., Comparison]) -> None:
    assert against(voice(0.3), voice(0.3)).verdict == "no difference heard"
    assert against(voice(0.3), voice(0.301)).verdict in ("no difference heard", "not worth it")


@pytest.mark.parametrize(("fault", "word"), [({"mumbles": 1}, "words"), ({"mark": 2.8}, "natural")])
def test_a_closer_voice_that_speaks_worse_is_not_worth_it(
    against: Callable[..., Comparison], fault: dict[str, float], word: str
) -> None:
    found = against(voice(0.5), voice(0.2, **fault))  # type: ignore[arg-type]
    assert found.verdict == "not worth it"
    assert word in found.why
    assert against(voice(0.3), voice(0.3, **fault)).verdict == "worse"  # type: ignore[arg-type]
    assert against(voice(0.3, **fault), voice(0.3)).verdict == "better"  # type: ignore[arg-type]


def test_chance_is_rarely_taken_for_a_difference(against: Callable[..., Comparison]) -> None:
    found = against(voice(0.3), voice(0.3))
    noise = np.random.default_rng(3)
    verdicts = []
    for _ in range(40):
        moved = [
            replace(each, likeness={name: value + noise.normal(0, 0.03) for name, value in each.likeness.items()})
            for each in found.heard_b
        ]
        verdicts.append(judged(differences(found.heard_a, moved))[0])
    assert verdicts.count("better") <= 2
    assert verdicts.count("worse") <= 6


def test_a_gain_that_only_the_choosing_encoders_hear_is_none(against: Callable[..., Comparison]) -> None:
    found = against(voice(0.5), voice(0.2))
    deaf = [
        replace(b, likeness={**b.likeness, "dvector": a.likeness["dvector"]})
        for a, b in zip(found.heard_a, found.heard_b, strict=True)
    ]
    verdict, why = judged(differences(found.heard_a, deaf))
    assert verdict == "no difference heard"
    assert "Only the encoders that chose it" in why


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    noise = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        changes = noise.normal(0.02, 0.04, 20)
        found = paired("likeness", [0.0] * 20, list(changes))
        held += found.low <= 0.02 <= found.high
    assert 85 <= held <= 99


def test_a_comparison_can_be_read_again_and_says_its_verdict(
    against: Callable[..., Comparison], tmp_path: Path
) -> None:
    found = against(voice(0.5), voice(0.2))
    assert read_comparison(tmp_path / "comparison") == found
    assert str(found).startswith("tuned against start: better.")
    with pytest.raises(BadRun):
        read_comparison(tmp_path)


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(
    against: Callable[..., Comparison], tmp_path: Path
) -> None:
    evil = "<script>alert('x')</script>"
    against(voice(0.5), voice(0.2), names=(evil, 'b" onload="x'))
    page = (tmp_path / "comparison" / "index.html").read_text("utf-8")
    assert "<script" not in page
    assert 'onload="x' not in page
    assert page.count('src="data:audio/flac;base64,') == 32
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert "http://" not in page
    assert "https://" not in page


def test_another_folder_is_not_overwritten(against: Callable[..., Comparison], tmp_path: Path) -> None:
    (tmp_path / "comparison").mkdir()
    (tmp_path / "comparison" / "novel.txt").write_text("Chapter one", "utf-8")
    with pytest.raises(BadSetting, match="holds something else"):
        against(voice(0.5), voice(0.2))
    assert (tmp_path / "comparison" / "novel.txt").exists()


def test_too_few_texts_are_refused(against: Callable[..., Comparison]) -> None:
    with pytest.raises(BadSetting, match="5 texts or more"):
        against(voice(0.5), voice(0.2), sentences=3)


@pytest.fixture
def run(
    world: World, auditor: Auditor, tmp_path: Path
) -> tuple[Run, Callable[[Checkpoint | None], tuple[World, Voice]]]:
    """A run of four checkpoints: the loss falls to the end, the voice is best at step 20."""
    far = {0: 0.5, 10: 0.35, 20: 0.15, 30: 0.3, 40: 0.6}
    run = Run.create(tmp_path / "run", TrainingPlan(dataset="d", run="r"))
    with Monitor(run, tensorboard=False) as monitor:
        for step, distance in far.items():
            monitor.row("validation", step, step / 10, mel_db=8 - step / 10, f0_cents=100 + distance)
            monitor.row("step", step, step / 10, loss=2.0 - step / 25)
            if step:
                info = Checkpoint(folder=tmp_path, step=step, steps=40, epoch=step / 10, engine="tones", weights="0")
                write_checkpoint(run.checkpoint_folder, Snapshot(info=info, networks={}))
            auditor.hear(world, voice(distance), run.auditions, step)

    def at(checkpoint: Checkpoint | None) -> tuple[World, Voice]:
        return world, voice(far[checkpoint.step if checkpoint else 0])

    return run, at


def test_best_and_compare_of_a_run(
    run: tuple[Run, Callable[[Checkpoint | None], tuple[World, Voice]]], auditor: Auditor
) -> None:
    run, at = run
    found = best(run)
    assert found.step == 20
    assert found.checkpoint
    assert found.checkpoint.step == 20
    comparison = compare(run, at, auditor, sentences=12)
    assert (comparison.verdict, comparison.b) == ("better", "step 20")
    assert {each.name: each.b for each in comparison.validation} == {"mel_db": 6.0, "f0_cents": 100.15}
    assert (run.folder / "comparison" / "curve.png").stat().st_size > 10_000
    last = next(each for each in run.checkpoints() if each.step == 40)
    assert compare(run, at, auditor, checkpoint=last, sentences=12).verdict == "worse"


def test_compare_answers_no_when_no_checkpoint_beats_the_start(
    run: tuple[Run, Callable[[Checkpoint | None], tuple[World, Voice]]], auditor: Auditor, world: World
) -> None:
    run, _ = run
    write_voice(voice(0.5), run.start_voice)
    for step in (10, 20, 30, 40):
        auditor.hear(world, voice(0.6), run.auditions, step)
    found = best(run)
    assert found.checkpoint is None
    assert found.step == 0
    comparison = compare(run, lambda c: (world, voice(0.6 if c else 0.5)), auditor, sentences=12)
    assert comparison.verdict == "worse"
    assert "better choice" in comparison.notes[0]


def test_two_runs_are_compared_by_their_best(
    run: tuple[Run, Callable[[Checkpoint | None], tuple[World, Voice]]], auditor: Auditor, world: World, tmp_path: Path
) -> None:
    run, at = run
    shutil.copytree(run.folder, tmp_path / "other")
    other = Run.open(tmp_path / "other")
    for step in (10, 20, 30, 40):
        auditor.hear(world, voice(0.9), other.auditions, step)

    def at_run(which: Run, checkpoint: Checkpoint | None) -> tuple[World, Voice]:
        return at(checkpoint)

    found = compare_runs(other, run, at_run, auditor, tmp_path / "both", sentences=12)
    assert (found.a, found.b, found.verdict) == ("other, start", "run, step 20", "better")
    assert found.validation == ()
    assert read_comparison(tmp_path / "both") == found


def test_a_run_that_was_never_heard_has_no_best(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="was not heard"):
        best(Run.create(tmp_path / "run", TrainingPlan(dataset="d", run="r")))
