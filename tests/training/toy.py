"""Recipes small enough to see through, and a program that trains one: `python toy.py FOLDER SETTINGS`."""

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from voicewright.engines.recipe import Example, Update
from voicewright.errors import BadClip
from voicewright.training.loop import Outcome, train
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run


class Toy:
    """One network that learns to halve what it sees; item i has i + 3 rows of 4 numbers, and learns from 3 of them."""

    preparation = "toy 1"

    def __init__(
        self, *, dropout: float = 0.0, kill_at: int = 0, poisoned: Sequence[int] = (), poisoned_on: int = 0
    ) -> None:
        generator = torch.Generator().manual_seed(3)
        net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(dropout), nn.Tanh(), nn.Linear(8, 4), nn.Linear(4, 4))
        net[4].requires_grad_(False)
        for value in net.parameters():
            value.data.normal_(0, 0.5, generator=generator)
        self.networks: dict[str, nn.Module] = {"main": net}
        here = int(os.environ.get("RANK", "0")) == poisoned_on
        self.kill_at, self.poisoned = kill_at, set(poisoned if here else ())
        self.calls, self.prepared = 0, 0
        self.batches: list[Tensor] = []

    def prepare(self, example: Example) -> dict[str, Tensor]:
        self.prepared += 1
        number = int(example.id)
        if "broken" in example.text:
            raise BadClip(f"{example.audio} is broken")
        values = torch.randn(number % 9 + 3, 4, generator=torch.Generator().manual_seed(number))
        return {"rows": values, "number": torch.tensor(number)}

    def length(self, item: Mapping[str, Tensor]) -> int:
        return len(item["rows"])

    def collate(
        self, items: Sequence[Mapping[str, Tensor]], generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        starts = [
            int(torch.randint(len(item["rows"]) - 2, (1,), generator=generator))
            for item, generator in zip(items, generators, strict=True)
        ]
        rows = [item["rows"][start : start + 3] for item, start in zip(items, starts, strict=True)]
        return {"rows": torch.stack(rows), "number": torch.stack([item["number"] for item in items])}

    def updates(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> Iterator[Update]:
        scale = self._call(batch)
        loss = (networks["main"](batch["rows"]) - batch["rows"] / 2).square().mean() * scale
        yield Update("main", loss, {"double": 2 * loss.item()})

    def _call(self, batch: Mapping[str, Tensor]) -> float:
        self.calls += 1
        self.batches.append(batch["number"])
        if self.calls == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return float("nan") if self.calls in self.poisoned else 1.0

    def validate(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> dict[str, float]:
        return {"error": float((networks["main"](batch["rows"]) - batch["rows"] / 2).square().mean())}

    def trial(self) -> Any:
        return SimpleNamespace(name="toy", weights="0" * 64), None


class Duel(Toy):
    """Two networks, the second against the first as it is after its step."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        generator = torch.Generator().manual_seed(4)
        judge = nn.Sequential(nn.Linear(4, 6), nn.LeakyReLU(), nn.Linear(6, 1))
        for value in judge.parameters():
            value.data.normal_(0, 0.5, generator=generator)
        self.networks["judge"] = judge
        self.judges: list[Tensor] = []

    def updates(self, networks: Mapping[str, nn.Module], batch: Mapping[str, Tensor]) -> Iterator[Update]:
        scale = self._call(batch)
        real, judge = batch["rows"] / 2, networks["judge"]
        made = networks["main"](batch["rows"])
        self._watch()
        against = (judge(real) - 1).square().mean() + judge(made.detach()).square().mean()
        yield Update("judge", against, {"real": judge(real).mean().item()})
        self._watch()
        yield Update("main", ((judge(made) - 1).square().mean() + (made - real).square().mean()) * scale)

    def _watch(self) -> None:
        weight = next(iter(self.networks["judge"].parameters())).detach()
        self.judges.append(weight.clone() if type(weight) is Tensor else torch.zeros(0))


RECIPES = {"toy": Toy, "duel": Duel}


def examples(folder: Path, count: int, *, broken: Sequence[int] = (), first: int = 0) -> list[Example]:
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(first, first + count):
        path = folder / f"{number}.wav"
        path.write_bytes(f"sound {number}".encode())
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        text = "broken" if number in broken else f"text {number}"
        made.append(Example(id=str(number), audio=path, sha256=sha256, seconds=1.0 + number, text=text))
    return made


def plan_of(folder: Path, **fields: Any) -> TrainingPlan:
    standing = {
        "dataset": "none",
        "epochs": 2,
        "batch_size": 4,
        "schedule": "constant",
        "learning_rate": 0.01,
        "precision": "float32",
        "tensorboard": False,
        "save_every": 1,
        "validate_every": 1,
    }
    return TrainingPlan(**{**standing, "run": str(folder), **fields})


def trained(folder: Path, recipe: Toy, *, clips: int = 11, held: int = 3, listen: Any = None, **fields: Any) -> Outcome:
    plan = plan_of(folder, **fields)
    run = Run.create(folder, plan)
    sounds = folder.parent / "sounds"
    return train(
        plan,
        lambda: recipe,
        examples(sounds, clips),
        run,
        held_out=examples(sounds, held, first=100),
        listen=listen,
    )


def main() -> None:
    folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
    recipe = RECIPES[settings.pop("kind")](**settings.pop("recipe", {}))
    trained(folder, recipe, **settings)
    defaults = import_module("torch.distributed.nn.functional").broadcast.__defaults__
    if any(each is not None for each in defaults):  # its threads would abort some processes at their end
        sys.exit("the processes' group outlives the training")


if __name__ == "__main__":
    main()
