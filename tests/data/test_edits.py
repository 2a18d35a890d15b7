"""Edits: a log over the base. Replayed it gives the same, taken back it gives what was."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.files import read_clip
from voicewright.data.dataset import Dataset
from voicewright.data.edits import (
    Anchor,
    Drop,
    Edit,
    Keep,
    LoggedEdit,
    Merge,
    SetLanguage,
    SetSpeaker,
    SetSplit,
    SetText,
    SplitAt,
    Undo,
    append_log,
    read_log,
    split_before_word,
)
from voicewright.data.replay import anchored, apply
from voicewright.data.utterance import Source, TimedWord, Utterance
from voicewright.errors import BadDataset, BadSetting

Make = Callable[..., Dataset]


def at(name: str) -> Anchor:
    return Anchor(id=name)


def by_id(dataset: Dataset) -> dict[str, Utterance]:
    return {utterance.id: utterance for utterance in dataset.utterances()}


def test_a_text_keeps_the_times_of_words_that_stayed(make_dataset: Make) -> None:
    dataset = make_dataset()
    (changed,) = dataset.edit(SetText(at=at("u0"), text="ONE, too three!"))
    assert changed.gold
    assert changed.edited
    assert [word.text for word in changed.words] == ["ONE,", "three!"]
    assert changed.scores.snr_db == 40.0, "the sound is the same"
    assert changed.scores.cer is None


def test_a_split_is_exactly_the_old_sound(make_dataset: Make) -> None:
    dataset = make_dataset()
    old = by_id(dataset)["u0"]
    first, second = dataset.edit(split_before_word(old, 1))
    assert (first.id, second.id) == ("u0.1", "u0.2")
    assert (first.text, second.text) == ("One", "two three.")
    joined = np.concatenate([read_clip(dataset.audio(part)).samples for part in (first, second)])
    assert np.array_equal(joined, read_clip(dataset.audio(old)).samples)
    assert second.words[0].start_s == pytest.approx(old.words[1].start_s - first.seconds, abs=1e-3)
    assert first.source
    assert second.source
    assert first.source.end_s == second.source.start_s
    assert first.heard == ""
    assert first.scores.snr_db is None
    assert dataset.verify() == []


def test_a_merge_of_touching_clips_is_the_recording(make_dataset: Make, recording_file: Path) -> None:
    dataset = make_dataset()
    (whole,) = dataset.edit(Merge(at=at("u0"), next=at("u1")))
    assert whole.id == "u0+u1"
    assert whole.text == "One two three. Four five six."
    samples = read_clip(dataset.audio(whole)).samples
    assert np.array_equal(samples, read_clip(recording_file).samples[: len(samples)])
    assert whole.words[3].start_s == pytest.approx(1.6, abs=1e-3)
    assert [each.id for each in dataset.utterances()] == ["u0+u1", "u2", "u3"]


def test_a_merge_over_a_gap_takes_the_recordings_sound_at_the_clips_level(
    make_dataset: Make, recording_file: Path
) -> None:
    dataset = make_dataset()
    (whole,) = dataset.edit(Merge(at=at("u1"), next=at("u2")))
    samples = read_clip(dataset.audio(whole)).samples
    expected = read_clip(recording_file).between(1.5, 4.5).samples
    assert len(samples) == len(expected)
    assert np.abs(samples - expected).max() < 1e-3


def test_without_the_recording_a_gap_cannot_be_filled(make_dataset: Make) -> None:
    dataset = Dataset.open(make_dataset().folder)
    with pytest.raises(BadDataset, match="'tones', which is not at hand"):
        dataset.edit(Merge(at=at("u1"), next=at("u2")))
    assert dataset.log() == []


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (Drop(at=at("nobody")), "not there"),
        (SplitAt(at=at("u0"), at_s=1.49), "cannot be divided"),
        (SplitAt(at=at("u0"), at_s=-1), "cannot be divided"),
        (Merge(at=at("u2"), next=at("u3")), "lie between"),
        (Merge(at=at("u1"), next=at("u0")), "does not come after"),
    ],
)
def test_an_impossible_edit_changes_nothing(make_dataset: Make, edit: Edit, why: str) -> None:
    dataset = make_dataset()
    before = dataset.manifest.read_bytes()
    with pytest.raises(BadDataset, match=why):
        dataset.edit(Drop(at=at("u0")), edit)
    assert dataset.manifest.read_bytes() == before
    assert dataset.log() == []
    with pytest.raises(BadSetting):
        split_before_word(by_id(dataset)["u0"], 0)


def test_what_was_divided_cannot_be_divided_again_under_its_old_name(make_dataset: Make) -> None:
    dataset = make_dataset()
    dataset.edit(SplitAt(at=at("u0"), at_s=0.5))
    with pytest.raises(BadDataset):
        dataset.edit(SplitAt(at=at("u0"), at_s=0.7))


def test_a_divided_clip_can_be_divided_and_merged_again(make_dataset: Make) -> None:
    dataset = make_dataset()
    old = read_clip(dataset.folder / "clips" / "u0.wav").samples
    dataset.edit(SplitAt(at=at("u0"), at_s=0.5))
    dataset.edit(SplitAt(at=at("u0.2"), at_s=0.5))
    dataset.edit(Merge(at=at("u0.1"), next=at("u0.2.1")))
    (whole,) = dataset.edit(Merge(at=at("u0.1+u0.2.1"), next=at("u0.2.2")))
    assert np.array_equal(read_clip(dataset.audio(whole)).samples, old)
    assert whole.text == "One two three."


def test_a_split_after_a_corrected_text_uses_the_word_times_of_the_check(make_dataset: Make) -> None:
    dataset = make_dataset()
    times = by_id(dataset)["u0"].words
    dataset.edit(SetText(at=at("u0"), text="Won too free."))
    with pytest.raises(BadDataset, match="give the texts"):
        dataset.edit(SplitAt(at=at("u0"), at_s=0.5))
    words = tuple(replace(word, text=text) for word, text in zip(times, ["Won", "too", "free."], strict=True))
    dataset.update(lambda all: [replace(all[0], words=words), *all[1:]])
    dataset.edit(SplitAt(at=at("u0"), at_s=0.5))
    dataset.rebuild()
    assert [by_id(dataset)[name].text for name in ("u0.1", "u0.2")] == ["Won", "too free."]


def test_undo_brings_everything_back_and_undoing_that_does_it_again(make_dataset: Make) -> None:
    dataset = make_dataset()
    before = dataset.manifest.read_bytes()
    dataset.edit(SetText(at=at("u0"), text="Uno."), SplitAt(at=at("u1"), at_s=0.5), Drop(at=at("u2"), reason="cough"))
    after = dataset.manifest.read_bytes()
    for _ in range(3):
        dataset.undo()
    assert dataset.manifest.read_bytes() == before
    assert [line.edit.kind for line in dataset.log()] == ["text", "split_at", "drop", "undo", "undo", "undo"]
    for number in (6, 5, 4):
        dataset.undo(number)
    assert dataset.manifest.read_bytes() == after
    with pytest.raises(BadDataset, match="no edit number"):
        dataset.undo(99)


def test_an_edit_of_a_part_is_reported_when_the_split_is_taken_back(make_dataset: Make) -> None:
    dataset = make_dataset()
    dataset.edit(SplitAt(at=at("u0"), at_s=1.2, texts=("One two", "three.")))
    dataset.edit(Drop(at=at("u0.1")))
    dataset.undo(1)
    assert by_id(dataset)["u0"].kept, "a decision about a part is none about the whole"
    assert [orphan.line.number for orphan in dataset.orphans()] == [2]
    assert any("taken back" in str(problem) for problem in dataset.verify())


def test_decisions_of_humans_are_marked(make_dataset: Make) -> None:
    dataset = make_dataset()
    dataset.update(lambda all: [replace(all[0], dropped="noise"), *all[1:]])
    dataset.edit(Keep(at=at("u0")), Drop(at=at("u1"), reason="cough"), SetSplit(at=at("u2"), split="test"))
    dataset.edit(SetSpeaker(at=at("u3"), speaker="bert"), SetLanguage(at=at("u3"), language="fr"))
    found = by_id(dataset)
    assert (found["u0"].decision, found["u0"].dropped) == ("keep", "")
    assert (found["u1"].decision, found["u1"].dropped) == ("drop", "cough")
    assert (found["u2"].split, found["u2"].split_fixed) == ("test", True)
    assert (found["u3"].speaker, found["u3"].language) == ("bert", "fr")


def test_edits_survive_a_new_preparation_that_cut_elsewhere(make_dataset: Make) -> None:
    dataset = make_dataset()
    dataset.edit(
        SetText(at=at("u0"), text="Uno."), Drop(at=at("u1")), SetText(at=at("u2"), text="Sette."), Keep(at=at("u3"))
    )
    base = list(dataset.base())

    def moved(utterance: Utterance, name: str, by_s: float) -> Utterance:
        assert utterance.source
        place = replace(utterance.source, start_s=utterance.source.start_s + by_s)
        return replace(utterance, id=name, source=place, sha256=utterance.sha256[::-1])

    gone = Source(recording="tones", sha256=base[3].source.sha256, start_s=50, end_s=51)  # type: ignore[union-attr]
    fresh = [
        moved(base[0], "n7", 0.1),
        moved(base[1], "u2", 0.5),  # another clip bears an old id now
        moved(base[2], "n9", 0.4),
        replace(base[3], source=gone),
    ]
    applied = apply(fresh, dataset.log())
    found = {each.id: each for each in applied.utterances}
    assert found["n7"].text == "Uno."
    assert found["u2"].decision == "drop"
    assert found["n9"].text == "Seven eight.", "0.4 s are more than a pause: the new text might not fit"
    assert found["u3"].decision == ""
    assert {orphan.line.number for orphan in applied.orphans} == {3, 4}


def test_without_a_recording_the_sound_itself_is_the_anchor(make_dataset: Make) -> None:
    base = [replace(each, source=None) for each in make_dataset().utterances()]
    known = {each.id: each for each in base}
    log = [LoggedEdit(number=1, edit=anchored(Drop(at=at("u1")), known))]
    renamed = [replace(each, id=f"other-{each.id}") for each in base]
    assert [each.id for each in apply(renamed, log).utterances if each.dropped] == ["other-u1"]


def test_a_line_cut_short_is_left_out_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    append_log(path, [Drop(at=at("a"), reason="“cough”\n|"), Undo(number=1)])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "drop", "at": {"id')
    assert len(read_log(path)) == 2
    append_log(path, [Keep(at=at("b"))])
    assert path.read_bytes().startswith(whole)
    assert [line.edit.kind for line in read_log(path)] == ["drop", "undo", "keep"]
    path.write_text('{"kind": "delete"}\n', "utf-8")
    with pytest.raises(BadDataset, match="unknown kind"):
        read_log(path)


# ---- any edits, in any order

PLACES_S = [(float(2 * i), float(2 * i + 2)) for i in range(5)]


def base_of(places_s: list[tuple[float, float]]) -> list[Utterance]:
    return [
        Utterance(
            id=f"u{i}",
            audio=f"clips/u{i}.wav",
            sha256=f"{i:064}",
            seconds=end_s - start_s,
            rate=16_000,
            text=f"a{i} b{i}",
            speaker="anna",
            words=(
                TimedWord(text=f"a{i}", start_s=0.1, end_s=0.8),
                TimedWord(text=f"b{i}", start_s=1.1, end_s=1.8),
            ),
            source=Source(recording="r", sha256="f" * 64, start_s=start_s, end_s=end_s),
        )
        for i, (start_s, end_s) in enumerate(places_s)
    ]


@st.composite
def logs(draw: st.DrawFn) -> list[LoggedEdit]:
    """Edits that were possible when they were made, some taken back."""
    log: list[LoggedEdit] = []
    for number in range(1, draw(st.integers(1, 10)) + 1):
        state = apply(base_of(PLACES_S), log).utterances
        index = draw(st.integers(0, len(state) - 1))
        chosen = Anchor.of(state[index])
        following = Anchor.of(state[min(index + 1, len(state) - 1)])
        edit = draw(
            st.sampled_from(
                [
                    SetText(at=chosen, text=f"text {number}"),
                    Keep(at=chosen),
                    Drop(at=chosen, reason=str(number)),
                    SetSpeaker(at=chosen, speaker=f"s{number}"),
                    SetSplit(at=chosen, split="test"),
                    SplitAt(at=chosen, at_s=state[index].seconds / 2, texts=("first", "second")),
                    Merge(at=chosen, next=following),
                    Undo(number=draw(st.integers(1, max(1, number - 1)))),
                ]
            )
        )
        trial = [*log, LoggedEdit(number=number, edit=edit)]
        result = apply(base_of(PLACES_S), trial)
        impossible = any(orphan.line.number == number for orphan in result.orphans)
        if not impossible and (not isinstance(edit, Undo) or number > 1):
            log = trial
    return [LoggedEdit(number=line.number, edit=line.edit) for line in log]


@given(logs())
def test_replayed_a_log_gives_the_same(log: list[LoggedEdit]) -> None:
    once = apply(base_of(PLACES_S), log)
    again = apply(base_of(PLACES_S), log)
    assert once.utterances == again.utterances
    assert once.cuts == again.cuts
    ids = [each.id for each in once.utterances]
    assert len(set(ids)) == len(ids)
    lines = {line.number for line in log if not isinstance(line.edit, Undo)}
    assert {orphan.line.number for orphan in once.orphans} <= lines


@given(logs())
def test_no_sound_is_lost_or_doubled(log: list[LoggedEdit]) -> None:
    places = [each.source for each in apply(base_of(PLACES_S), log).utterances]
    edges = [(place.start_s, place.end_s) for place in places if place]
    assert edges[0][0] == 0
    assert edges[-1][1] == PLACES_S[-1][1]
    assert all(one[1] == pytest.approx(two[0], abs=1e-3) for one, two in pairwise(edges))


@given(logs())
def test_all_taken_back_is_the_base(log: list[LoggedEdit]) -> None:
    last = max((line.number for line in log), default=0)
    undone = [line for line in log if not isinstance(line.edit, Undo)]
    undone += [LoggedEdit(number=last + i, edit=Undo(number=line.number)) for i, line in enumerate(undone, start=1)]
    assert apply(base_of(PLACES_S), undone).utterances == base_of(PLACES_S)


@given(logs())
def test_applied_to_its_own_result_a_log_changes_nothing(log: list[LoggedEdit]) -> None:
    if not any(isinstance(line.edit, Undo) for line in log):
        once = apply(base_of(PLACES_S), log).utterances
        assert apply(once, log).utterances == once
