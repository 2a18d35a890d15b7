"""Every clip once an epoch, whatever the numbers; the same place in the data whenever it is asked for."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.training.batches import Place, epoch_of, parts_of, place_at, seed_of, steps_per_epoch, upcoming

COUNTS = st.integers(1, 60)


@given(COUNTS, st.integers(1, 20), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_holds_every_clip_once_in_batches_of_one_size(clips: int, size: int, seed: int, epoch: int) -> None:
    batches = epoch_of([10 + number % 7 for number in range(clips)], size, seed, epoch)
    assert Counter(int(index) for batch in batches for index in batch) == {number: 1 for number in range(clips)}
    assert len(batches) == steps_per_epoch(clips, size)
    sizes = {len(batch) for batch in batches}
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 5))
def test_no_clip_is_dealt_twice_and_no_part_is_empty(clips: int, parts: int, processes: int) -> None:
    dealt = parts_of(list(range(clips)), parts, processes)
    assert sorted(index for process in dealt for part in process for index in part) == list(range(clips))
    sizes = {len(part) for process in dealt for part in process}
    assert max(sizes) - min(sizes) <= 1
    assert len({len(process) for process in dealt}) == 1, "all processes have as many parts"
    if clips >= processes:
        assert min(sizes) >= 1


def test_the_parts_of_a_batch_are_about_equally_long() -> None:
    lengths = list(range(100, 200))
    batch = epoch_of(lengths, 40, 0, 0)[0]
    parts = [part for process in parts_of(batch, 2, 2) for part in process]
    work = [sum(lengths[index] for index in part) / len(part) for part in parts]
    assert max(work) < 1.05 * min(work)


def test_clips_of_like_length_share_a_batch() -> None:
    lengths = np.random.default_rng(0).integers(50, 1000, 400)
    padded = sum(len(batch) * lengths[batch].max() for batch in epoch_of(lengths.tolist(), 8, 0, 0))
    assert padded < 1.25 * lengths.sum()
    random = np.random.default_rng(1).permutation(400).reshape(50, 8)
    assert padded < 0.8 * sum(8 * lengths[batch].max() for batch in random), "than batches at random"


def test_epochs_and_seeds_differ_and_the_same_ones_do_not() -> None:
    lengths = [100] * 20 + [103] * 20

    def order(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in epoch_of(lengths, 4, seed, epoch)]

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)
    companions = [{frozenset(batch) for batch in order(0, epoch)} for epoch in range(2)]
    assert len(companions[0] & companions[1]) < 5, "a clip's neighbours change too"


@pytest.mark.parametrize("step", [0, 3, 5, 7, 14, 15])
def test_a_run_goes_on_where_it_was(step: int) -> None:
    lengths = list(range(30, 48))
    whole = [batch.tolist() for _, batch in upcoming(lengths, 4, 9, Place(0, 0), 3)]
    rest = [(place, batch.tolist()) for place, batch in upcoming(lengths, 4, 9, place_at(step, 5), 3)]
    assert [batch for _, batch in rest] == whole[step:]
    assert [place for place, _ in rest] == [place_at(number, 5) for number in range(step, 15)]


def test_seeds_belong_to_their_words() -> None:
    assert seed_of("step", 1, 23) == 2_593_699_039_959_065_881, "on every machine, in every version"
    assert len({seed_of("step", 1, 23), seed_of("step", 12, 3), seed_of("step", 1, 2, 3)}) == 3
