import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `made_up` lies beside this file

from made_up import LEARNED, World, held_out, recordings, voice

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.engines.recipe import Example
from voicewright.errors import BadDataset, BadPlan, BadRun, MissingWeights
from voicewright.training.audition import Auditor, auditions_in, read_audition, scored
from voicewright.training.choice import choose
from voicewright.training.options import AuditionOptions
from voicewright.training.texts import HOUSE, Unlearned, audition_texts, comparison_texts, same_words
from voicewright.voice.voice import Voice


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def auditor(world: World, tmp_path: Path) -> Callable[..., Auditor]:
    def make(sentences: int = 4, held: tuple[Example, ...] | None = None, **options: object) -> Auditor:
        train = recordings(tmp_path / "train", [LEARNED])
        return Auditor(
            world,
            AuditionOptions(sentences=sentences, **options),
            language="en-us",
            held=held_out(tmp_path / "held") if held is None else held,
            train=train,
        )

    return make


def test_a_closer_voice_scores_higher_and_what_it_spoke_is_kept(
    world: World, auditor: Callable[..., Auditor], tmp_path: Path
) -> None:
    ears = auditor()
    start = ears.hear(world, voice(0.5), tmp_path / "auditions", 0)
    tuned = ears.hear(world, voice(0.2), tmp_path / "auditions", 120)
    assert tuned.score > start.score + 0.01
    assert tuned.score == pytest.approx(np.mean([tuned.figures()["ge2e"], tuned.figures()["campplus"]]))
    place = tmp_path / "auditions" / "step-00000120"
    assert read_audition(place) == tuned
    assert auditions_in(tmp_path / "auditions") == {0: start, 120: tuned}
    for sentence in tuned.sentences:
        assert read_clip(place / sentence.sound).seconds == pytest.approx(sentence.seconds, abs=0.001)
    assert tuned.figures()["words_wrong"] == 0
    assert tuned.figures()["dnsmos"] == pytest.approx(3.25, abs=0.1)


def test_the_verifier_has_no_say(world: World, auditor: Callable[..., Auditor], tmp_path: Path) -> None:
    audition = auditor().hear(world, voice(0.3), tmp_path / "a", 0)
    blinded = [replace(each, likeness={**each.likeness, "dvector": -1.0}) for each in audition.sentences]
    assert scored(blinded, None)[0] == audition.score


@pytest.mark.parametrize(("fault", "word"), [({"mumbles": 3}, "words"), ({"mark": 2.4}, "natural")])
def test_a_gain_in_likeness_does_not_pay_for_bad_speech(
    world: World, auditor: Callable[..., Auditor], tmp_path: Path, fault: dict[str, float], word: str
) -> None:
    ears = auditor()
    start = ears.hear(world, voice(0.5), tmp_path / "a", 0)
    spoiled = ears.hear(world, voice(0.35, **fault), tmp_path / "a", 10)  # type: ignore[arg-type]
    assert np.mean([each.alike for each in spoiled.sentences]) > start.score
    assert spoiled.score < start.score
    assert any(word in reason for reason in spoiled.reasons)


def test_small_changes_of_words_and_naturalness_are_noise(
    world: World, auditor: Callable[..., Auditor], tmp_path: Path
) -> None:
    ears = auditor()
    ears.hear(world, voice(0.5), tmp_path / "a", 0)
    assert ears.hear(world, voice(0.5, mark=3.15), tmp_path / "a", 10).reasons == ()


def test_a_voice_that_came_apart_scores_nothing(
    world: World, auditor: Callable[..., Auditor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears = auditor()
    start = ears.hear(world, voice(0.5), tmp_path / "a", 0)

    def broken(self: World, pieces: object, voice: Voice, options: object) -> object:
        yield Clip(np.full(100, np.nan), 16_000)

    monkeypatch.setattr(World, "stream", broken)
    ruined = ears.hear(world, voice(0.5), tmp_path / "a", 10)
    assert ruined.score < start.score - 1
    assert all(each.sound == "" for each in ruined.sentences)
    json.loads((tmp_path / "a" / "step-00000010" / "scores.json").read_text("utf-8"))


def test_what_the_speaker_sounds_like_is_heard_once(
    world: World, auditor: Callable[..., Auditor], tmp_path: Path
) -> None:
    held = held_out(tmp_path / "held")
    first = auditor(held=held).hear(world, voice(0.5), tmp_path / "a", 0)
    for example in held:
        example.audio.unlink()
    assert auditor(held=held).hear(world, voice(0.5), tmp_path / "a", 10).ceiling == first.ceiling
    other = tuple(replace(example, sha256="0" * 64) for example in held)
    with pytest.raises(BadDataset, match="recordings of the speaker"):
        auditor(held=other).hear(world, voice(0.5), tmp_path / "a", 20)


def test_without_held_out_recordings_it_says_so(world: World, auditor: Callable[..., Auditor], tmp_path: Path) -> None:
    ears = auditor(held=())
    assert "flatter" in ears.notes[0]
    assert ears.hear(world, voice(0.1), tmp_path / "a", 0).score > 0.5
    assert auditor().notes == ()


def test_missing_meters_are_left_out_and_the_choosing_ones_are_needed(
    world: World, auditor: Callable[..., Auditor], tmp_path: Path
) -> None:
    world.missing = ("dvector", "words", "dnsmos")
    figures = auditor().hear(world, voice(0.5), tmp_path / "a", 0).figures()
    assert {"dvector", "words", "words_wrong", "dnsmos"} & set(figures) == set()
    world.missing = ("campplus",)
    with pytest.raises(MissingWeights):
        auditor().hear(world, voice(0.5), tmp_path / "a", 0)


def test_a_damaged_audition_is_an_error(world: World, auditor: Callable[..., Auditor], tmp_path: Path) -> None:
    auditor().hear(world, voice(0.5), tmp_path / "a", 0)
    (tmp_path / "a" / "step-00000000" / "scores.json").write_text("{", "utf-8")
    with pytest.raises(BadRun, match="hear it again"):
        auditions_in(tmp_path / "a")


def test_no_text_that_was_learned_is_spoken(tmp_path: Path) -> None:
    train = recordings(tmp_path / "t", [f"He said: {HOUSE[0].upper()} Then he left.", HOUSE[3]])
    texts = audition_texts(8, (), "en-us", (), train)
    assert len(texts) == 8
    assert not {HOUSE[0], HOUSE[3]} & set(texts)
    with pytest.raises(BadPlan, match="learned from"):
        audition_texts(2, (HOUSE[3].lower(),), "en-us", (), train)
    assert not Unlearned(train)("…")


def test_other_languages_speak_what_was_held_out(tmp_path: Path) -> None:
    held = recordings(tmp_path / "h", ["Le vent souffle sur la plage déserte.", "Où est passée ma valise bleue ?"])
    learned = recordings(tmp_path / "t", ["le vent souffle, sur la plage déserte"])
    assert audition_texts(4, (), "fr-fr", held, learned) == ("Où est passée ma valise bleue ?",)
    with pytest.raises(BadPlan, match="audition: texts"):
        audition_texts(4, (), "fr-fr", (), learned)


def test_comparisons_use_other_texts_than_auditions(tmp_path: Path) -> None:
    held = held_out(tmp_path / "h")
    used = audition_texts(6, (), "en-us", held, ())
    texts = comparison_texts(24, used, "en-us", held, ())
    assert len(texts) == len(set(texts)) == 24
    assert not {same_words(text) for text in used} & {same_words(text) for text in texts}
    assert sum(text.startswith("There were") for text in texts) == 12


def test_the_house_sentences_are_of_all_kinds() -> None:
    assert len({same_words(text) for text in HOUSE}) == len(HOUSE) >= 32
    assert any(text.endswith("?") for text in HOUSE[:4])
    assert max(map(len, HOUSE[:4])) > 120
    assert min(map(len, HOUSE[:4])) < 30


def test_best_follows_what_was_heard_and_may_say_no(
    world: World, auditor: Callable[..., Auditor], tmp_path: Path
) -> None:
    ears, folder = auditor(), tmp_path / "a"
    start = ears.hear(world, voice(0.5), folder, 0)
    heard = {step: ears.hear(world, voice(far), folder, step) for step, far in ((10, 0.4), (20, 0.15), (30, 0.45))}
    step, reasons = choose(start, heard, {10, 20, 30})
    assert step == 20
    assert reasons[0].startswith("Take step 20")
    assert choose(start, heard, {10, 30})[0] == 10
    assert "Not heard: step 40" in " ".join(choose(start, heard, {10, 40})[1])
    worse = {10: ears.hear(world, voice(0.7), folder, 10)}
    step, reasons = choose(start, worse, {10})
    assert step == 0
    assert "better choice" in reasons[0]
    step, reasons = choose(start, worse, {10}, had_voice=False)
    assert step == 0
    assert reasons[0].startswith("It has not learned the voice yet: step 10 scores")
    assert "train it longer" in reasons[0]
    same = {10: replace(start, step=10, score=start.score + 0.004)}
    assert choose(start, same, {10})[0] == 0
    others = {20: replace(heard[20], key="other")}
    assert choose(start, others, {20})[0] == 0
