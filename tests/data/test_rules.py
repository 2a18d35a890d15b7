"""What is dropped and what is flagged: exact sentences, no wrong drops of short prompts, humans win."""

from dataclasses import replace
from itertools import pairwise

import pytest

from voicewright.data.options import KeepRules, PrepareOptions, SliceOptions
from voicewright.data.rules import KINDS, judge, judge_all, kind_of, reasons
from voicewright.data.utterance import Scores, Source, Utterance

RULES = KeepRules()
GOOD = Scores(
    snr_db=40.0, clipped=0.0, reverb_s=0.1, tones=0.3, bandwidth_hz=11_000.0, naturalness=3.2, words_min=150.0,
    syllable_s=0.22, alignment=0.9, alignment_low=0.8, cer=0.0, likeness=0.85, overlap=0.0,
)  # fmt: skip
TEXT = "The late owner of this estate was a single man"


def said(name: str = "a", text: str = TEXT, seconds: float = 4.0, **scores: float | None) -> Utterance:
    return Utterance(
        id=name, audio=f"clips/{name}.wav", sha256=name.ljust(64, "0"), seconds=seconds, rate=24_000,
        text=text, speaker="ada", gold=True, scores=replace(GOOD, **scores),
    )  # fmt: skip


def judged(utterance: Utterance, **given: float) -> tuple[tuple[str, ...], str]:
    return judge(utterance, RULES, shortest_s=1.0, longest_s=12.0, longest_text=400, **given)


def test_a_good_clip_passes_without_a_word() -> None:
    assert judged(said()) == ((), "")


def test_what_was_not_measured_is_not_held_against_a_clip() -> None:
    assert judged(replace(said(), scores=Scores())) == ((), "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"snr_db": 9.04}, "noise close to the speech (9.0 dB below it, 14 dB wanted)"),
        ({"snr_db": -5.2}, "no speech stands out (-5 dB above the background, 14 dB wanted)"),
        ({"clipped": 0.021}, "clipped (2.10% of the samples, at most 0.50% wanted)"),
        ({"reverb_s": 1.1}, "a bare room (it rings for 1.10 s, at most 0.7 s wanted)"),
        ({"tones": 6.25}, "music or hum behind the speech (6.2 held tones, at most 3 wanted)"),
        ({"bandwidth_hz": 4_687.0}, "telephone sound (up to 4.7 kHz, 5.0 kHz wanted)"),
        ({"naturalness": 1.5}, "it sounds damaged (mark 1.50 of 5, 2 wanted)"),
        ({"words_min": 480.0}, "the text does not fit the length (480 words a minute, 50 to 300 wanted)"),
        ({"alignment": 0.12}, "the sound does not fit the text (score 0.12, 0.40 wanted)"),
        ({"cer": 0.8, "alignment": 0.5}, "another text was heard (80% of the letters differ, at most 40% wanted)"),
        (
            {"cer": 1.7, "alignment": None},
            "another text was heard (more letters differ than the text has, at most 40% wanted)",
        ),
        ({"likeness": 0.21}, "another speaker (likeness 0.21, 0.55 wanted)"),
        ({"overlap": 0.2}, "somebody else speaks too (20.0% of the clip, at most 5.0% wanted)"),
        ({"seconds": 0.4}, "too short (0.40 s, 1 s wanted)"),
        ({"seconds": 14.0}, "too long (14.00 s, at most 12 s wanted)"),
        ({"text": " … "}, "no text"),
        ({"text": "word " * 90}, "the text is too long (450 characters, at most 400 wanted)"),
    ],
)
def test_a_bad_clip_is_dropped_and_told_why(change: dict[str, float], sentence: str) -> None:
    _, dropped = judged(said(**change))
    assert dropped == sentence
    assert kind_of(sentence) in KINDS


def test_silence_gets_one_reason_not_five() -> None:
    _, dropped = judged(said(snr_db=-5.0, bandwidth_hz=2_000.0, naturalness=1.0))
    assert [kind_of(reason) for reason in reasons(dropped)] == ["no speech stands out"]


def test_several_reasons_are_all_told() -> None:
    _, dropped = judged(said(snr_db=8.0, likeness=0.3))
    assert [kind_of(reason) for reason in reasons(dropped)] == ["noise close to the speech", "another speaker"]


@pytest.mark.parametrize(("text", "words_min"), [("Nine.", 500.0), ("Goodbye", 35.0), ("A.M.", 20.0)])
def test_short_prompts_are_not_dropped_for_their_pauses(text: str, words_min: float) -> None:
    """Single words are drawn out and stand between pauses; single letters hardly show who speaks."""
    short = said(text=text, seconds=1.1, words_min=words_min, syllable_s=0.85, likeness=0.5, cer=0.3)
    (found,) = judge_all([short], PrepareOptions())
    assert found.kept
    assert {kind_of(flag) for flag in found.flags} == {"another speaker", "the text differs from what was heard"}


def test_letters_that_a_recogniser_mishears_are_flagged_not_dropped() -> None:
    (found,) = judge_all([said(text="i", seconds=1.1, cer=3.0, alignment=0.2, alignment_low=0.2)], PrepareOptions())
    assert found.kept
    assert kinds(found) == {"another text was heard", "the sound does not fit the text"}


def test_without_need_of_text_nothing_is_said_about_it() -> None:
    assert judged(said(text="", cer=0.9, alignment=0.0), text=False) == ((), "")


def test_singing_is_judged_by_its_engine() -> None:
    sung = said(text="", seconds=9.0)
    assert judge_all([sung], PrepareOptions(task="convert"))[0].kept
    assert not judge_all([sung], PrepareOptions())[0].kept


def test_doubts_are_flags() -> None:
    flags, dropped = judged(said(cer=0.2, alignment_low=0.1, bandwidth_hz=6_000.0))
    assert dropped == ""
    assert {kind_of(flag) for flag in flags} == {
        "the text differs from what was heard",
        "some words fit badly",
        "muffled",
    }


def crowd(count: int = 40) -> list[Utterance]:
    return [
        said(f"u{i:03}", text=f"{TEXT} number {i}", likeness=0.8 + 0.01 * (i % 5), syllable_s=0.2 + 0.001 * i,
             alignment=0.8 + 0.004 * i)
        for i in range(count)
    ]  # fmt: skip


def kinds(utterance: Utterance) -> set[str]:
    return {kind_of(flag) for flag in utterance.flags}


def test_a_good_dataset_has_no_flags() -> None:
    assert all(each.kept and not each.flags for each in judge_all(crowd(), PrepareOptions()))


def test_outliers_stand_out_against_the_rest() -> None:
    everyone = crowd()
    everyone[7] = replace(everyone[7], scores=replace(everyone[7].scores, syllable_s=0.6))
    everyone[8] = replace(everyone[8], scores=replace(everyone[8].scores, likeness=0.6))
    everyone[9] = replace(everyone[9], scores=replace(everyone[9].scores, alignment=0.45))
    found = judge_all(everyone, PrepareOptions())
    assert kinds(found[7]) == {"unusual seconds per syllable"}
    assert kinds(found[8]) == {"less like the speaker than the other clips"}
    assert kinds(found[9]) == {"among the quarter that fits its text worst"}
    assert not any(each.flags for i, each in enumerate(found) if i not in (7, 8, 9))


def test_a_slow_speaker_is_not_flagged_from_end_to_end() -> None:
    slow = [replace(each, scores=replace(each.scores, syllable_s=0.43 + 0.001 * i)) for i, each in enumerate(crowd())]
    flagged = sum(bool(each.flags) for each in judge_all(slow, PrepareOptions()))
    assert flagged <= 0.05 * len(slow) + 1


def test_a_transcript_that_lost_the_sound_is_noticed_where_it_did() -> None:
    placed = [
        replace(each, source=Source(recording="tape", sha256="", start_s=5.0 * i, end_s=5.0 * i + 4))
        for i, each in enumerate(crowd())
    ]
    bad = [
        replace(each, scores=replace(each.scores, alignment=0.35)) if i >= 36 else each for i, each in enumerate(placed)
    ]
    found = judge_all(list(reversed(bad)), PrepareOptions())[::-1]
    run = [i for i, each in enumerate(found) if "the transcript may be wrong from here on" in kinds(each)]
    assert run == [36, 37, 38, 39]
    assert "4 utterances in a row fit badly, the first is u036" in " ".join(found[36].flags)
    two = [
        replace(each, scores=replace(each.scores, alignment=0.35)) if i >= 38 else each for i, each in enumerate(placed)
    ]
    assert not any(
        "the transcript may be wrong from here on" in kinds(each) for each in judge_all(two, PrepareOptions())
    )


def test_copies_are_dropped_and_repeated_words_flagged() -> None:
    first, twin, other, near = (
        said("a"),
        said("b"),
        said("c", text="Something else is said here"),
        said("d", text="Fine words"),
    )
    twin = replace(twin, text=TEXT.upper() + "!")
    copy = replace(other, id="e")
    found = {each.id: each for each in judge_all([first, twin, other, near, copy], PrepareOptions(), alike={"d": "a"})}
    assert found["b"].flags == ("the same words as another (a)",)
    assert found["d"].dropped == "the same sound as another (a)"
    assert found["e"].dropped == "the same sound as another (c)"
    assert found["a"].kept
    assert found["c"].kept


def test_only_the_wanted_speaker_is_kept() -> None:
    guest = replace(said("b"), speaker="guest")
    found = judge_all([said("a"), guest], PrepareOptions(speaker="ada"))
    assert [each.dropped for each in found] == ["", "not the wanted speaker (guest)"]


def test_a_human_wins_over_the_rules() -> None:
    noisy = replace(said("a", snr_db=5.0), decision="keep", edited=True)
    fine = replace(said("b"), decision="drop", dropped="coughs", edited=True)
    plain = replace(said("c"), decision="drop", edited=True)
    kept, dropped, also = judge_all([noisy, fine, plain], PrepareOptions())
    assert kept.kept
    assert "noise close to the speech (5.0 dB below it, 14 dB wanted)" in kept.flags
    assert dropped.dropped == "coughs"
    assert also.dropped == "dropped by hand"


def test_judging_twice_changes_nothing_and_other_stages_keep_their_words() -> None:
    everyone = crowd()
    everyone[3] = replace(everyone[3], flags=("two words were not heard: the, owner",), dropped="speech without words")
    everyone[4] = replace(everyone[4], scores=replace(everyone[4].scores, snr_db=3.5))
    everyone[5] = replace(everyone[5], scores=replace(everyone[5].scores, snr_db=3.5), decision="keep")
    once = judge_all(everyone, PrepareOptions())
    assert judge_all(once, PrepareOptions()) == once
    assert once[3].flags == everyone[3].flags
    assert once[3].dropped == "speech without words"
    lenient = judge_all(once, PrepareOptions(keep=KeepRules(snr_db=0.0)))
    assert lenient[4].kept
    assert not lenient[5].flags


def test_the_limits_are_those_of_the_engine_unless_given() -> None:
    short = said(seconds=1.2)
    assert kind_of(judge_all([short], PrepareOptions(engine="sv2tts"))[0].dropped) == "too short"
    assert judge_all([short], PrepareOptions(engine="tortoise"))[0].kept
    assert judge_all([short], PrepareOptions(engine="sv2tts", slices=SliceOptions(shortest_s=0.5)))[0].kept


def test_sentences_say_different_things() -> None:
    ordered = sorted(KINDS)
    assert all(a != b for a, b in pairwise(ordered))
    assert not any(" (" in kind or ";" in kind for kind in ordered)


def test_what_the_recogniser_was_unsure_of_is_flagged_and_kept() -> None:
    flags, dropped = judged(said(sureness=0.2))
    assert (flags, dropped) == (("the recogniser was unsure of a word (0.20, 0.35 wanted)",), "")
    assert judged(said(sureness=0.5)) == ((), "")
