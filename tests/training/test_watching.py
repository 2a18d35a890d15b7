"""What is seen of a run: the same curves however often one looks, and while another process writes."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from voicewright.training.options import TrainingPlan
from voicewright.training.picture import draw_run
from voicewright.training.run import Run
from voicewright.training.watching import Look, Series, Watch


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run.create(tmp_path / "r", TrainingPlan(dataset="d", run=str(tmp_path / "r")))
    run.update(steps=100, epochs=5)
    return run


def write(run: Run, *rows: dict[str, Any]) -> None:
    with run.metrics.open("a") as file:
        file.writelines(json.dumps({"kind": "step", "epoch": 0.0, "time": "", **row}) + "\n" for row in rows)


def test_figures_come_in_groups(run: Run) -> None:
    write(
        run,
        {"kind": "audition", "step": 0, "score": 0.5, "ge2e": 0.7},
        {"step": 1, "mel": 0.5, "loss": 2.0, "lr": 1e-4, "grad_styles": 1.0, "step_s": 0.5, "memory_mb": 900},
        {"kind": "validation", "step": 1, "mel": 0.75},
        {"kind": "checkpoint", "step": 1, "loss": 9.0},
        {"kind": "note", "step": 1, "text": "hello"},
        {"kind": "audition", "step": 1, "score": 0.75},
    )
    look = Watch(run).look()
    assert list(look.losses) == ["loss", "mel"]
    assert look.losses["loss"].values == (2.0,)
    assert look.validation["mel"].values == (0.75,)
    assert look.auditions["score"] == Series(steps=(0, 1), values=(0.5, 0.75))
    assert list(look.rates) == ["lr"]
    assert set(look.speed) == {"step_s", "memory_mb"}
    assert list(look.gradients) == ["grad_styles"]
    assert look.notes == ("hello",)
    assert look.best == (1, 0.75)


def test_a_look_sees_what_is_new_and_waits_for_half_a_row(run: Run) -> None:
    watch = Watch(run)
    assert watch.look().losses == {}
    write(run, {"step": 1, "loss": 1.0})
    assert watch.look().losses["loss"].steps == (1,)
    with run.metrics.open("a") as file:
        file.write('{"kind": "step", "step": 2, "lo')
    assert watch.look().losses["loss"].steps == (1,)
    with run.metrics.open("a") as file:
        file.write('ss": 0.5}\n')
    assert watch.look().losses["loss"] == Series(steps=(1, 2), values=(1.0, 0.5))


def test_a_run_that_goes_on_from_an_earlier_step_is_seen_so(run: Run) -> None:
    watch = Watch(run)
    write(run, *({"step": n, "loss": 1.0} for n in range(1, 11)))
    assert watch.look().losses["loss"].steps[-1] == 10
    run.forget_after(6)
    write(run, *({"step": n, "loss": 0.5} for n in range(7, 16)))
    look = watch.look()
    assert look.losses["loss"].steps == tuple(range(1, 16))
    assert look.losses["loss"].values[6] == 0.5


def test_a_checkpoint_heard_twice_counts_as_it_was_the_last_time(run: Run) -> None:
    write(run, {"kind": "audition", "step": 5, "score": 0.5}, {"kind": "audition", "step": 5, "score": 0.25})
    assert Watch(run).look().auditions["score"] == Series(steps=(5,), values=(0.25,))


def test_losses_that_were_not_numbers_are_told_and_not_drawn(run: Run) -> None:
    write(run, {"step": 1, "loss": 1.0}, {"step": 2, "loss": None, "skipped": 1}, {"step": 3, "loss": 0.5})
    look = Watch(run).look()
    assert look.losses["loss"].steps == (1, 3)
    assert "not a number: 1]" in look.line()


def test_the_best_of_equals_is_the_earliest(run: Run) -> None:
    write(run, *({"kind": "audition", "step": n, "score": s} for n, s in ((5, 0.5), (10, 0.75), (15, 0.75))))
    assert Watch(run).look().best == (10, 0.75)


def test_the_line_says_what_users_look_for(run: Run) -> None:
    with run.lock():
        run.update(status="training", step=40, epoch=2.0, eta_s=3725.0, step_s=0.5)
        write(run, {"step": 40, "loss": 0.5, "lr": 1e-4})
        line = Watch(run).look().line()
    assert line == "[epoch 2.00/5, step 40/100] [0.50 s/step] [ETA 1:02:05] [LR 1.00e-04, loss 0.5000]"


def test_a_smoothed_line_is_calmer_and_in_the_same_place() -> None:
    steps = tuple(range(400))
    values = tuple(3.0 + math.sin(7.0 * n) for n in steps)
    smooth = Series(steps=steps, values=values).smoothed()
    assert smooth[0] == values[0]
    assert max(smooth[50:]) - min(smooth[50:]) < 0.5
    assert sum(smooth) / len(smooth) == pytest.approx(3.0, abs=0.05)
    assert Series(steps=steps, values=(2.0,) * 400).smoothed() == pytest.approx((2.0,) * 400)


def test_plain_data_of_a_long_run_is_short_and_has_its_end(run: Run) -> None:
    write(run, *({"step": n, "loss": 1 / n} for n in range(1, 5001)))
    plain = json.loads(json.dumps(Watch(run).look().to_plain()))
    curve = plain["losses"]["loss"]
    assert len(curve["steps"]) == len(curve["values"]) == len(curve["smoothed"]) <= 1001
    assert (curve["steps"][0], curve["steps"][-1]) == (1, 5000)
    assert plain["state"]["steps"] == 100


@pytest.mark.parametrize("rows", [0, 1, 60])
def test_curves_are_drawn_however_many_there_are(run: Run, rows: int, tmp_path: Path) -> None:
    write(run, *({"step": n, "loss": 1 / n, "mel": 0.0, "lr": 1e-4, "step_s": 0.1} for n in range(1, rows + 1)))
    if rows > 1:
        write(run, *({"kind": "audition", "step": n, "score": n / 100, "dnsmos": 3.0} for n in (0, 30, 60)))
        write(run, *({"kind": "validation", "step": n, "mel": 0.5, "mcd": 6.0} for n in (30, 60)))
    picture = tmp_path / "curves.png"
    draw_run(Watch(run).look(), picture)
    height = int.from_bytes(picture.read_bytes()[20:24], "big")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert (height > 600) == (rows > 1)  # more curves, more rows of charts


def test_a_look_without_anything_has_a_line(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "n", TrainingPlan(dataset="d", run=str(tmp_path / "n")))
    assert isinstance(look := Watch(run).look(), Look)
    assert look.line() == "[epoch 0.00/0, step 0/?]"
