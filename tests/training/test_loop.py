"""One training loop: order, accumulation, bad numbers, stopping, going on, keeping the best."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from voicewright.engines.recipe import Recipe, Update
from voicewright.errors import BadCheckpoint, BadDataset, BadPlan, BadRun, BadText
from voicewright.training.checkpoint import checkpoints_in, load_into, read_checkpoint
from voicewright.training.loop import train
from voicewright.training.run import Run

sys.path.insert(0, str(Path(__file__).parent))  # `toy` lies beside this file, and is a program too

from toy import Duel, Toy, examples, plan_of, trained

TOY = Path(__file__).with_name("toy.py")


def newest(folder: Path) -> Path:
    return max((folder / "checkpoints").glob("step-*"))


def files(folder: Path) -> dict[str, Any]:
    """What a checkpoint holds, to the bit."""
    place = newest(folder)
    tensors = {
        f"{name}/{key}": value.numpy().tobytes()
        for name in ("weights", "average", "state")
        if (path := place / f"{name}.safetensors").exists()
        for key, value in load_file(path).items()
    }
    return tensors | {"state": json.loads((place / "state.json").read_text())}


def losses(folder: Path, name: str = "loss") -> list[float]:
    return [row[name] for row in Run.open(folder).rows("step")]


def close(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.allclose(one[key], other[key], atol=1e-6) for key in one)


# ---- updates


def test_the_second_loss_meets_the_first_network_after_its_step(tmp_path: Path) -> None:
    recipe = Duel()
    trained(tmp_path / "run", recipe, epochs=1)
    before, after = recipe.judges[0::2], recipe.judges[1::2]
    assert all(not torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert all(torch.equal(one, two) for one, two in zip(after[:-1], before[1:], strict=True)), (
        "and nobody else moves it"
    )


class Leaking(Toy):
    """The first network's loss goes through the second one, and the second one's through the first."""

    def __init__(self) -> None:
        super().__init__()
        self.networks["other"] = nn.Linear(4, 4)
        self.rows: list[Tensor] = []

    def updates(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> Iterator[Update]:
        self.rows.append(batch["rows"])
        for name in ("main", "other"):
            yield Update(name, networks["other"](networks["main"](batch["rows"])).square().mean())


def test_a_network_moves_by_its_own_loss_alone_as_written_out_by_hand(tmp_path: Path) -> None:
    recipe, plain = Leaking(), Leaking()
    for name, network in recipe.networks.items():
        plain.networks[name].load_state_dict(network.state_dict())
    trained(tmp_path / "run", recipe, clip_grad=0.0, weight_decay=0.0)
    learning = {name: [each for each in net.parameters() if each.requires_grad] for name, net in plain.networks.items()}
    optimizers = {name: torch.optim.AdamW(values, lr=0.01, weight_decay=0.0) for name, values in learning.items()}
    for rows in recipe.rows:
        for update in plain.updates(plain.networks, {"rows": rows}):
            gradients = torch.autograd.grad(update.loss, learning[update.network])
            for value, gradient in zip(learning[update.network], gradients, strict=True):
                value.grad = gradient
            optimizers[update.network].step()
    for name in ("main", "other"):
        assert close(recipe.networks[name].state_dict(), plain.networks[name].state_dict())


def test_a_batch_in_four_parts_is_the_same_step(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"clips": 22, "batch_size": 8, "ema": 0.9, "weight_decay": 0.1}
    trained(tmp_path / "whole", Duel(), **settings)
    trained(tmp_path / "parts", Duel(), accumulation=4, **settings)
    whole, parts = (newest(tmp_path / name) for name in ("whole", "parts"))
    assert close(load_file(whole / "weights.safetensors"), load_file(parts / "weights.safetensors"))
    assert losses(tmp_path / "whole") == pytest.approx(losses(tmp_path / "parts"), rel=1e-5)
    assert losses(tmp_path / "whole", "real") == pytest.approx(losses(tmp_path / "parts", "real"), rel=1e-5)


def test_training_learns(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), epochs=20)
    errors = [row["error"] for row in Run.open(tmp_path / "run").rows("validation")]
    assert len(errors) == 21  # the start, and every epoch
    assert errors[-1] < errors[0] / 2


def test_only_what_learns_is_saved_and_moved(tmp_path: Path) -> None:
    recipe = Toy()
    frozen = recipe.networks["main"][4].weight.clone()
    outcome = trained(tmp_path / "run", recipe)
    assert outcome.checkpoint
    assert set(outcome.checkpoint.networks()["main"]) == {"0.weight", "0.bias", "3.weight", "3.bias"}
    assert torch.equal(recipe.networks["main"][4].weight, frozen)


def test_buffers_that_change_while_learning_are_saved_too(tmp_path: Path) -> None:
    recipe = Toy()
    recipe.networks["main"] = nn.Sequential(
        nn.Linear(4, 4), nn.Flatten(0, 1), nn.BatchNorm1d(4), nn.Unflatten(0, (-1, 3))
    )
    outcome = trained(tmp_path / "run", recipe)
    again = {"main": nn.Sequential(nn.Linear(4, 4), nn.Flatten(0, 1), nn.BatchNorm1d(4), nn.Unflatten(0, (-1, 3)))}
    assert outcome.checkpoint
    load_into(again, outcome.checkpoint)
    assert close(again["main"].state_dict(), recipe.networks["main"].state_dict())


def test_gradients_are_clipped_to_the_plan(tmp_path: Path) -> None:
    one, other = Toy(), Toy()
    start = {name: value.clone() for name, value in one.networks["main"].state_dict().items()}
    for name, recipe, limit in (("a", one, 1e-9), ("b", other, 0.0)):
        trained(tmp_path / name, recipe, epochs=1, clip_grad=limit, weight_decay=0.0)
    moved = [
        max(float((recipe.networks["main"].state_dict()[name] - start[name]).abs().max()) for name in start)
        for recipe in (one, other)
    ]
    assert moved[0] < moved[1] / 5
    assert losses(tmp_path / "a", "grad_main")[0] == pytest.approx(losses(tmp_path / "b", "grad_main")[0]), "as found"


# ---- randomness


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_alone(tmp_path: Path) -> None:
    recipe = Toy(dropout=0.5)
    before = torch.get_rng_state()
    trained(tmp_path / "a", recipe)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    trained(tmp_path / "b", Toy(dropout=0.5))
    trained(tmp_path / "c", Toy(dropout=0.5), seed=1)
    one, same, other = (load_file(newest(tmp_path / name) / "weights.safetensors") for name in "abc")
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_every_step_draws_anew(tmp_path: Path) -> None:
    drawn: list[float] = []

    class Drawing(Toy):
        def updates(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> Iterator[Update]:
            drawn.append(float(torch.rand(())))
            return super().updates(networks, batch)

    trained(tmp_path / "run", Drawing(), accumulation=2)
    assert len(set(drawn)) == len(drawn) == 12


def test_modes_are_the_recipes_and_validation_gives_them_back(tmp_path: Path) -> None:
    seen: list[tuple[bool, bool, bool]] = []

    class Watched(Toy):
        def updates(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> Iterator[Update]:
            seen.append((networks["main"].training, networks["main"][1].training, False))
            return super().updates(networks, batch)

        def validate(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> dict[str, float]:
            seen.append((networks["main"].training, networks["main"][1].training, True))
            return super().validate(networks, batch)

    recipe = Watched(dropout=0.5)
    recipe.networks["main"][1].eval()
    trained(tmp_path / "run", recipe)
    assert set(seen) == {(True, False, False), (False, False, True)}


# ---- numbers that are none


def test_a_bad_loss_is_skipped_and_counted(tmp_path: Path) -> None:
    recipe = Toy(poisoned=[2])
    outcome = trained(tmp_path / "run", recipe, epochs=2)
    rows = list(Run.open(tmp_path / "run").rows("step"))
    assert outcome.status == "finished"
    assert outcome.skipped == 1
    assert [row["loss"] is None for row in rows] == [False, True, False, False, False, False]
    assert [row["skipped"] for row in rows] == [0, 1, 1, 1, 1, 1]
    assert all(bool(torch.isfinite(value).all()) for value in recipe.networks["main"].parameters())


def test_a_gradient_that_is_none_is_skipped_too(tmp_path: Path) -> None:
    class Steep(Toy):
        def updates(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> Iterator[Update]:
            for update in super().updates(networks, batch):
                zero = (update.loss - update.loss.detach()).square()
                yield Update("main", update.loss + (zero.sqrt() if self.calls == 2 else zero))

    recipe = Steep()
    assert trained(tmp_path / "run", recipe).skipped == 1
    assert all(bool(torch.isfinite(value).all()) for value in recipe.networks["main"].parameters())


def test_after_too_many_bad_losses_it_stops_with_the_last_good_state(tmp_path: Path) -> None:
    recipe = Toy(poisoned=range(5, 99))
    with pytest.raises(BadRun, match=r"3 steps in a row.*learning_rate"):
        trained(tmp_path / "run", recipe, epochs=9, bad_losses=3)
    run = Run.open(tmp_path / "run")
    assert run.state().status == "failed"
    kept = run.checkpoints()[-1]
    assert kept.step == 7
    good = Toy()
    load_into(good.networks, kept)
    assert close(good.networks["main"].state_dict(), recipe.networks["main"].state_dict())
    assert all(bool(torch.isfinite(value).all()) for value in kept.networks()["main"].values())


def test_a_single_good_step_ends_the_row_of_bad_ones(tmp_path: Path) -> None:
    assert trained(tmp_path / "run", Toy(poisoned=[1, 2, 4, 5]), epochs=3, bad_losses=3).skipped == 4


# ---- stopping and going on


class Asking(Duel):
    """Asks its run to stop, in one of three ways, at some call."""

    def __init__(self, run: Path, at: int, how: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.run, self.at, self.how = run, at, how

    def _call(self, batch: Mapping[str, Tensor]) -> float:
        scale = super()._call(batch)
        if self.calls == self.at:
            if self.how == "file":
                Run.open(self.run).request_stop()
            else:
                os.kill(os.getpid(), getattr(signal, self.how))
        return scale


LONG: dict[str, Any] = {
    "clips": 22,
    "batch_size": 5,
    "accumulation": 2,
    "epochs": 3,
    "ema": 0.9,
    "schedule": "cosine",
    "warmup_steps": 3,
    "restarts": 3,
}


@pytest.mark.parametrize("how", ["file", "SIGINT", "SIGTERM"])
def test_it_saves_and_stops_at_the_end_of_the_step_and_goes_on_to_the_bit(tmp_path: Path, how: str) -> None:
    trained(tmp_path / "whole", Duel(dropout=0.3), **LONG)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    asking = Asking(tmp_path / "run", 5, how, dropout=0.3)  # two calls a step: in the middle of step 3 of 5
    stopped = trained(tmp_path / "run", asking, **LONG)
    assert (stopped.status, stopped.step) == ("stopped", 3)
    assert Run.open(tmp_path / "run").state().status == "stopped"
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    finished = trained(tmp_path / "run", Duel(dropout=0.3), **LONG)
    assert (finished.status, finished.step) == ("finished", 15)
    assert files(tmp_path / "run") == files(tmp_path / "whole")
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


def test_killed_and_resumed_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    settings = {"kind": "duel", "recipe": {"dropout": 0.3}, **LONG}
    trained(tmp_path / "whole", Duel(dropout=0.3), **LONG)
    trained(tmp_path / "run", Asking(tmp_path / "run", 13, "file", dropout=0.3), **LONG)  # a checkpoint within an epoch
    killing = json.dumps({**settings, "recipe": {"dropout": 0.3, "kill_at": 5}})
    killed = subprocess.run([sys.executable, TOY, tmp_path / "run", killing], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Run.open(tmp_path / "run").state().status == "stopped"
    trained(tmp_path / "run", Duel(dropout=0.3), **LONG)
    assert files(tmp_path / "run") == files(tmp_path / "whole")
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


def test_a_finished_run_has_nothing_to_do_and_more_epochs_go_on(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), epochs=1)
    recipe = Toy()
    assert trained(tmp_path / "run", recipe, epochs=1).step == 3
    assert recipe.calls == 0
    trained(tmp_path / "run", recipe, epochs=2)
    trained(tmp_path / "whole", Toy(), epochs=2)
    assert recipe.calls == 3
    assert files(tmp_path / "run") == files(tmp_path / "whole")


def test_a_stop_while_clips_are_prepared_keeps_what_was_made(tmp_path: Path) -> None:
    class Slow(Toy):
        def prepare(self, example: Any) -> dict[str, Tensor]:
            if self.prepared == 4:
                Run.open(tmp_path / "run").request_stop()
            return super().prepare(example)

    recipe = Slow()
    assert trained(tmp_path / "run", recipe).status == "stopped"
    assert recipe.prepared == 5
    assert Run.open(tmp_path / "run").state().status == "stopped"
    again = Toy()
    trained(tmp_path / "run", again)
    assert again.prepared == 14 - 5


def test_other_clips_are_another_run(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), epochs=1)
    with pytest.raises(BadRun, match=r"other clips \(11 then, 12 now\).*source"):
        trained(tmp_path / "run", Toy(), clips=12, epochs=2)


def test_a_damaged_checkpoint_is_no_reason_to_begin_again(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), epochs=2)
    weights = newest(tmp_path / "run") / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    recipe = Toy()
    with pytest.raises(BadCheckpoint, match=r"weights.safetensors.*step-00000003"):
        trained(tmp_path / "run", recipe, epochs=3)
    assert recipe.calls == 0


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), epochs=1)
    other = Toy()
    other.networks["main"] = nn.Linear(4, 4)
    with pytest.raises(BadCheckpoint, match=r"main/0.weight \(8x4 in the file, none here\)"):
        trained(tmp_path / "run", other, epochs=2)


# ---- a full disk


@contextmanager
def largest_file(most: int) -> Iterator[None]:
    """No file can grow over `most` bytes: what a full disk does to whoever writes, for real."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_survived_and_the_next_save_tries_again(tmp_path: Path) -> None:
    run = tmp_path / "run"

    class Filling(Toy):
        full: Any = None

        def _call(self, batch: Mapping[str, Tensor]) -> float:
            if self.calls == 3:  # the first step of the second of three epochs
                self.full = largest_file(800)
                self.full.__enter__()
                Run.open(run).metrics.write_text("")  # rows are short enough to be written
            if self.calls == 6:
                self.full.__exit__(None, None, None)
            return super()._call(batch)

    outcome = trained(run, Filling(), epochs=3, keep_last=9)
    assert outcome.status == "finished"
    assert [each.step for each in checkpoints_in(run / "checkpoints")] == [3, 9]
    assert not list((run / "checkpoints").glob("*.part"))
    trained(tmp_path / "whole", Toy(), epochs=3)
    assert files(run) == files(tmp_path / "whole")


def test_what_cannot_be_saved_at_the_end_is_said(tmp_path: Path) -> None:
    class Filling(Toy):
        def _call(self, batch: Mapping[str, Tensor]) -> float:
            resource.setrlimit(resource.RLIMIT_FSIZE, (800, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            return super()._call(batch)

    with largest_file(1 << 40), pytest.raises(BadRun, match=r"make room.*voicewright train"):
        trained(tmp_path / "run", Filling(), epochs=1)
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []


# ---- auditions


def test_the_start_and_every_checkpoint_are_heard_with_the_average(tmp_path: Path) -> None:
    heard = {}

    def listen(recipe: Recipe, step: int) -> dict[str, float]:
        heard[step] = {name: value.clone() for name, value in recipe.networks["main"].state_dict().items()}
        torch.rand(3)
        return {"score": float(step), "words": 1.0}

    outcome = trained(tmp_path / "run", Toy(), epochs=4, save_every=2, ema=0.9, listen=listen)
    assert list(heard) == [0, 6, 12]
    assert outcome.best is not None
    assert (outcome.best.step, outcome.best.score) == (12, 12.0)
    average = outcome.best.networks()["main"]
    assert all(torch.equal(heard[12][name], value) for name, value in average.items())
    assert not close(average, outcome.best.networks(average=False)["main"])
    trained(tmp_path / "deaf", Toy(), epochs=4, save_every=2, ema=0.9)
    ours, deaf = files(tmp_path / "run"), files(tmp_path / "deaf")
    assert {key: value for key, value in ours.items() if key != "state"} == {
        key: value for key, value in deaf.items() if key != "state"
    }, "listening changes nothing"


SCORES = {0: 9.0, 3: 1.0, 6: 5.0, 9: 2.0, 12: 4.0, 15: 3.0}


def test_the_last_and_the_best_are_kept(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), epochs=5, keep_last=1, keep_best=2, listen=lambda _, step: {"score": SCORES[step]})
    assert [each.step for each in checkpoints_in(tmp_path / "run" / "checkpoints")] == [6, 12, 15]


@pytest.mark.parametrize("stop_first", [False, True])
def test_it_stops_early_when_auditions_get_no_better(tmp_path: Path, stop_first: bool) -> None:
    settings: dict[str, Any] = {"epochs": 9, "early_stop": 2, "listen": lambda _, step: {"score": SCORES[step]}}
    if stop_first:
        trained(tmp_path / "run", Asking(tmp_path / "run", 20, "file"), **settings)
    outcome = trained(tmp_path / "run", Duel(), **settings)
    assert (outcome.status, outcome.early, outcome.step) == ("finished", True, 12)
    assert outcome.best is not None
    assert outcome.best.step == 6


def test_an_audition_that_fails_is_told_and_training_goes_on(tmp_path: Path) -> None:
    def listen(recipe: Recipe, step: int) -> dict[str, float]:
        if step == 3:
            raise BadText("nothing was said")
        return {"score": 1.0}

    assert trained(tmp_path / "run", Toy(), listen=listen).status == "finished"
    assert any("nothing was said" in row["text"] for row in Run.open(tmp_path / "run").rows("note"))


def test_killed_between_saving_and_hearing_it_hears_first(tmp_path: Path) -> None:
    def dying(recipe: Recipe, step: int) -> dict[str, float]:
        if step == 3:
            raise KeyboardInterrupt
        return {"score": 0.0}

    heard: list[int] = []

    def listen(recipe: Recipe, step: int) -> dict[str, float]:
        heard.append(step)
        return {"score": float(step)}

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "run", Toy(), listen=dying)
    trained(tmp_path / "run", Toy(), listen=listen)
    assert heard == [3, 6]
    assert [each.score for each in checkpoints_in(tmp_path / "run" / "checkpoints")] == [3.0, 6.0]


# ---- what cannot be


def test_what_this_machine_cannot_do_is_refused(tmp_path: Path) -> None:
    for fields, words in (({"precision": "float16"}, "float16 needs a GPU"), ({"optimizer": "adamw8bit"}, "adamw8bit")):
        with pytest.raises(BadPlan, match=words):
            trained(tmp_path / words, Toy(), **fields)


def test_fewer_processes_than_planned_are_told(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), processes=2)
    assert any("1 of the plan's 2 processes" in row["text"] for row in Run.open(tmp_path / "run").rows("note"))


def test_a_launcher_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(BadPlan, match="FSDP"):
        trained(tmp_path / "run", Toy())


def test_a_dataset_with_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "run")
    run = Run.create(tmp_path / "run", plan)
    with pytest.raises(BadDataset, match=r"none of the 3 clips.*0.wav is broken"):
        train(plan, Toy, examples(tmp_path / "sounds", 3, broken=[0, 1, 2]), run)
    assert run.state().status == "failed"


def test_a_broken_clip_is_left_out_and_told(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "run", epochs=1)
    run = Run.create(tmp_path / "run", plan)
    recipe = Toy()
    outcome = train(plan, lambda: recipe, examples(tmp_path / "sounds", 9, broken=[4]), run)
    assert [name for name, _ in outcome.problems] == ["4"]
    assert sorted(int(number) for batch in recipe.batches for number in batch) == [0, 1, 2, 3, 5, 6, 7, 8]
    assert any("4.wav is broken" in row["text"] for row in run.rows("note"))


def test_bfloat16_trains_too(tmp_path: Path) -> None:
    trained(tmp_path / "run", Toy(), epochs=3, precision="bfloat16")
    trained(tmp_path / "full", Toy(), epochs=3)
    assert losses(tmp_path / "run") == pytest.approx(losses(tmp_path / "full"), rel=0.05)
    assert read_checkpoint(newest(tmp_path / "run")).networks()["main"]["0.weight"].dtype == torch.float32
