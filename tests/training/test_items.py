"""Clips are prepared once; a crash loses one; what cannot be learned from is told."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from voicewright.engines.recipe import Example
from voicewright.errors import BadDataset
from voicewright.training.items import prepare_items, reader

sys.path.insert(0, str(Path(__file__).parent))  # `toy` lies beside this file, and is a program too

from toy import Toy, examples


def test_items_are_made_once_and_read_as_they_were_made(tmp_path: Path) -> None:
    given, recipe = examples(tmp_path / "sounds", 5), Toy()
    items = prepare_items(recipe, given, tmp_path / "items")
    assert (items.ids, items.seconds) == (("0", "1", "2", "3", "4"), (1.0, 2.0, 3.0, 4.0, 5.0))
    again = prepare_items(recipe, given, tmp_path / "items")
    assert again == items
    assert recipe.prepared == 5
    made = recipe.prepare(given[3])
    assert all(torch.equal(items.read(3)[name], value) for name, value in made.items())
    assert items.lengths == (3, 4, 5, 6, 7)


def test_another_text_preparation_or_sound_is_another_item(tmp_path: Path) -> None:
    given, recipe = examples(tmp_path / "sounds", 3), Toy()
    first = prepare_items(recipe, given, tmp_path / "items")
    moved = [replace(each, id=f"x{each.id}") for each in given]
    moved[1] = replace(moved[1], text="another", id="1")
    moved = [replace(each, id=each.id.removeprefix("x")) for each in moved]
    second = prepare_items(recipe, moved, tmp_path / "items")
    assert [one == two for one, two in zip(first.keys, second.keys, strict=True)] == [True, False, True]
    assert first.fingerprint != second.fingerprint
    recipe.preparation = "toy 2"
    assert set(prepare_items(recipe, given, tmp_path / "items").keys).isdisjoint(first.keys)


def test_a_crash_loses_one_item(tmp_path: Path) -> None:
    class Dying(Toy):
        def prepare(self, example: Example) -> dict[str, Tensor]:
            if self.prepared == 3:
                raise KeyboardInterrupt
            return super().prepare(example)

    given, recipe = examples(tmp_path / "sounds", 5), Toy()
    with pytest.raises(KeyboardInterrupt):
        prepare_items(Dying(), given, tmp_path / "items")
    prepare_items(recipe, given, tmp_path / "items")
    assert recipe.prepared == 2


def test_an_item_that_is_cut_short_is_made_again(tmp_path: Path) -> None:
    given, recipe = examples(tmp_path / "sounds", 2), Toy()
    items = prepare_items(recipe, given, tmp_path / "items")
    path = next((tmp_path / "items").rglob(f"{items.keys[1]}*"))
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(BadDataset, match="damaged"):
        items.read(1)
    prepare_items(recipe, given, tmp_path / "items")
    assert recipe.prepared == 3
    items.read(1)


def test_problems_are_told_and_the_rest_is_prepared(tmp_path: Path) -> None:
    given = examples(tmp_path / "sounds", 5, broken=[1])
    given[3].audio.write_bytes(b"another sound")
    given.append(replace(given[0], id="twice"))
    items = prepare_items(Toy(), given, tmp_path / "items")
    assert items.ids == ("0", "2", "4")
    reasons = dict(items.problems)
    assert list(reasons) == ["1", "3", "twice"]
    assert "is broken" in reasons["1"]
    assert "was changed" in reasons["3"]
    assert "same sound and text as 0" in reasons["twice"]


def test_what_is_known_to_be_bad_is_not_tried_again(tmp_path: Path) -> None:
    given, recipe = examples(tmp_path / "sounds", 3, broken=[1]), Toy()
    items = prepare_items(recipe, given, tmp_path / "items", known={"1": "it was broken"})
    assert (items.problems, recipe.prepared) == ((("1", "it was broken"),), 2)


def test_shares_are_everything_once(tmp_path: Path) -> None:
    given, recipe = examples(tmp_path / "sounds", 7), Toy()
    shares = [prepare_items(recipe, given, tmp_path / "items", share=(number, 3)).ids for number in range(3)]
    assert sorted(sum(shares, ())) == [str(number) for number in range(7)]
    assert prepare_items(recipe, given, tmp_path / "items").ids == tuple(str(number) for number in range(7))
    assert recipe.prepared == 7


def test_nothing_to_learn_from_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"none of the 2 clips.*0: .*is broken"):
        prepare_items(Toy(), examples(tmp_path / "sounds", 2, broken=[0, 1]), tmp_path / "items")
    with pytest.raises(BadDataset, match="there is none"):
        prepare_items(Toy(), [], tmp_path / "items")


def test_progress_counts_clips(tmp_path: Path) -> None:
    told: list[tuple[str, float, float]] = []
    prepare_items(Toy(), examples(tmp_path / "sounds", 2), tmp_path / "items", progress=lambda *now: told.append(now))
    assert told == [("preparing", 0, 2), ("preparing", 1, 2), ("preparing", 2, 2)]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_reader_gives_what_was_asked_in_order_and_not_far_ahead(tmp_path: Path, workers: int) -> None:
    items = prepare_items(Toy(), examples(tmp_path / "sounds", 9), tmp_path / "items")
    asked: list[int] = []

    def steps() -> Iterator[list[int]]:
        for number in range(40):
            asked.append(number)
            yield [number % 9, (number + 4) % 9]

    state = torch.get_rng_state()
    found: list[list[Mapping[str, Tensor]]] = []
    for step in reader(items, steps(), workers):
        found.append(step)
        assert len(asked) - len(found) <= 2 * workers + 1, "memory does not grow"
    assert torch.equal(torch.get_rng_state(), state)
    numbers = [[int(item["number"]) for item in step] for step in found]
    assert numbers == [[number % 9, (number + 4) % 9] for number in range(40)]
