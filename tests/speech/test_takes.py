"""A bad take is noticed, made again within the budget, and the better one is kept."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tones import RATE, ToneEncoder, ToneEngine, ToneRecogniser, pieces_of, voice

from voicewright.audio.clip import Clip
from voicewright.errors import BadSetting
from voicewright.measure.intelligibility import Transcript
from voicewright.measure.speed import syllables
from voicewright.speech.assemble import Narration
from voicewright.speech.checks import Checker, TakeScores
from voicewright.speech.options import CheckOptions, SpeakOptions, SpeechSettings
from voicewright.speech.signal import sound_facts
from voicewright.speech.takes import Take, rank, speak_piece, speak_with, split_piece
from voicewright.text.piece import Piece

Narrate = Callable[..., Narration]
SAID = "The quick brown fox, jumping over a lazy dog, was late."
PIECE = Piece(text=SAID, spoken=SAID)
FAST = CheckOptions()


def take_of(
    engine: ToneEngine, options: CheckOptions = FAST, piece: Piece = PIECE, **more: object
) -> tuple[Clip, Take]:
    checker = Checker(recogniser=ToneRecogniser(piece.spoken))
    return speak_piece(engine, piece, voice(), SpeakOptions(), checker, options, **more)  # type: ignore[arg-type]


def test_a_good_first_take_is_kept_and_costs_one() -> None:
    engine = ToneEngine()
    _, take = take_of(engine)
    assert take.passed
    assert take.retries == 0
    assert len(engine.calls) == 1
    assert take.scores is not None
    assert (take.scores.words_wrong, take.scores.words) == (0, 11)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("word", "1 of 11 words wrong"),
        ("silent", "silent"),
        ("noise", "noise after the last word"),
        ("clipped", "clipped"),
        ("slow", "too long for 14 syllables"),
    ],
)
def test_each_fault_is_named_and_the_retry_is_kept(fault: str, told: str) -> None:
    engine = ToneEngine(faults={(SAID, 0): fault})
    clip, take = take_of(engine)
    assert told in str(take)
    assert take.passed
    assert take.retries == 1
    assert take.best.why == "another seed"
    np.testing.assert_array_equal(
        clip.samples, speak_with(engine, PIECE, voice(), SpeakOptions(), take.setting).samples
    )


def test_the_retries_change_more_and_more_and_stop_at_the_budget() -> None:
    engine = ToneEngine(always="word")
    _, take = take_of(engine, replace(FAST, retries=5))
    assert [a.why for a in take.attempts] == [
        "first take",
        "another seed",
        "5 % slower",
        "in two parts",
        "4 % faster",
        "8 % slower",
    ]
    assert [a.setting.speed for a in take.attempts] == [1.0, 1.0, 0.95, 1.0, 1.04, 0.92]
    assert len({a.setting.seed for a in take.attempts}) == 6
    assert len(engine.calls) == 7  # two for the parts


def test_a_sentence_that_fails_as_a_whole_is_spoken_in_two_parts() -> None:
    engine = ToneEngine(faults={(SAID, seed): "word" for seed in range(20)})
    clip, take = take_of(engine, replace(FAST, retries=5))
    assert take.passed
    assert take.best.why == "in two parts"
    np.testing.assert_array_equal(
        clip.samples, speak_with(engine, PIECE, voice(), SpeakOptions(), take.setting).samples
    )


def test_with_no_retries_a_bad_take_is_kept_and_said() -> None:
    engine = ToneEngine(faults={(SAID, 0): "word"})
    _, take = take_of(engine, replace(FAST, retries=0))
    assert not take.passed
    assert "heard 'the wibble brown" in str(take)
    assert len(engine.calls) == 1


def test_several_takes_are_all_made_and_the_best_is_kept() -> None:
    engine = ToneEngine(faults={(SAID, 0): "clipped", (SAID, 1): "word"})
    _, take = take_of(engine, replace(FAST, takes=4))
    assert [seed for _, seed, _ in engine.calls] == [0, 1, 2, 3]
    assert take.kept == 2  # the first of the good ones
    assert take.retries == 0


def test_the_whole_text_has_a_budget_too(narrate: Narrate) -> None:
    text = "It was late again. " * 12
    engine = ToneEngine(faults={("It was late again.", seed): "word" for seed in range(9)})
    settings = SpeechSettings(check=CheckOptions(retries=2, retry_share=0.25))
    narration = narrate(text, engine=engine, settings=settings)
    list(narration)
    assert len(engine.calls) <= 12 + 2 + 0.25 * 12


def test_the_same_sound_is_not_checked_twice() -> None:
    engine = ToneEngine(faults={(SAID, seed): "word" for seed in range(9)}, listens_to_seed=False)
    recogniser = ToneRecogniser(SAID)
    speak_piece(engine, PIECE, voice(), SpeakOptions(), Checker(recogniser=recogniser), replace(FAST, retries=1))
    assert len(engine.calls) == 2
    assert recogniser.heard == 1


def test_unchecked_speech_is_not_recognised() -> None:
    recogniser = ToneRecogniser(SAID)
    off = CheckOptions(check="off", takes=3)
    _, take = speak_piece(ToneEngine(), PIECE, voice(), SpeakOptions(), Checker(recogniser=recogniser), off)
    assert recogniser.heard == 0
    assert take.scores is None
    assert str(take) == "not checked"
    assert len(take.attempts) == 1


def test_a_voice_that_is_another_is_noticed() -> None:
    class Bright(ToneEngine):
        def stream(self, pieces, voice, options):  # type: ignore[no-untyped-def]
            for clip in super().stream(pieces, voice, options):
                yield clip.with_samples(np.diff(clip.samples, n=6, prepend=np.zeros(6))) if options.seed == 0 else clip

    encoder = ToneEncoder()
    (spoken,) = ToneEngine().stream([PIECE], voice(), SpeakOptions(seed=3))
    speaker = replace(voice(), tensors={"embedding.ge2e": encoder.embed(spoken)})
    checker = Checker(encoders=[encoder])
    _, take = speak_piece(Bright(), PIECE, speaker, SpeakOptions(), checker, FAST)
    assert "not like the voice" in str(take)
    assert take.kept == 1
    assert take.scores is not None
    assert take.scores.similarity == pytest.approx(1.0, abs=0.01)


def test_a_voice_that_was_never_measured_is_asked_for_less_than_one_that_did_well() -> None:
    checker, blended = Checker(encoders=[ToneEncoder()]), voice()
    measured = replace(blended, scores={ToneEncoder().name: 0.95})
    assert 0.5 < checker.floor(blended, FAST) < checker.floor(measured, FAST) < 0.75


def test_the_verifier_may_not_choose() -> None:
    with pytest.raises(ValueError, match="verifier"):
        Checker(encoders=[ToneEncoder(name="dvector")])


def test_a_rushed_piece_is_noticed_against_the_others() -> None:
    _, usual = take_of(ToneEngine(), replace(FAST, retries=0), usual_rate=4.0)
    _, rushed = take_of(ToneEngine(), replace(FAST, retries=0), usual_rate=2.0)
    assert usual.passed
    assert "faster than the rest" in str(rushed)


class Mishears:
    """Hears one thing whatever it is given, and counts the silence around it."""

    def __init__(self, text: str, probability: float) -> None:
        self.text, self.probability, self.quiet_s = text, probability, 0.0

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript:
        facts = sound_facts(clip)
        self.quiet_s = min(facts.start_s, clip.seconds - facts.end_s)
        return Transcript(text=self.text, probability=self.probability)


@pytest.mark.parametrize(
    ("heard", "probability", "wrong"),
    [("High.", 0.95, None), ("Thanks for watching", 0.3, None), ("Goodbye now", 0.95, 2), ("Hi", 0.2, 0)],
)
def test_a_very_short_text_fails_only_when_the_recogniser_is_sure(
    heard: str, probability: float, wrong: int | None
) -> None:
    recogniser = Mishears(heard, probability)
    piece = Piece(text="Hi!", spoken="Hi!")
    checker, once = Checker(recogniser=recogniser), replace(FAST, retries=0)
    _, take = speak_piece(ToneEngine(), piece, voice(), SpeakOptions(), checker, once)
    assert take.scores is not None
    assert take.scores.words_wrong == wrong
    assert take.passed == (not wrong)
    assert recogniser.quiet_s >= 0.5


def test_the_check_knows_when_each_word_was_said() -> None:
    clip, take = take_of(ToneEngine())
    assert take.scores is not None
    times = take.scores.word_times
    assert [word.text for word in times] == [word.strip(",.").lower() for word in SAID.split()]
    assert all(clip.between(word.start_s, word.end_s).samples.any() for word in times)


def test_ranking_prefers_right_words_then_whole_sound_then_likeness() -> None:
    best_to_worst = [
        TakeScores(words_wrong=0, similarity=0.9, naturalness=3.4),
        TakeScores(words_wrong=0, similarity=0.9, naturalness=2.9),
        TakeScores(words_wrong=None, similarity=0.8),
        TakeScores(words_wrong=0, similarity=0.95, problems=("noise",)),
        TakeScores(words_wrong=1, similarity=0.95, problems=("words",)),
        TakeScores(words_wrong=0, unusable=True, problems=("silent",)),
    ]
    assert sorted(best_to_worst[::-1], key=rank) == best_to_worst


@given(st.lists(st.sampled_from(["word", "noise", "clipped", "silent", ""]), min_size=1, max_size=6))
def test_the_kept_take_is_never_worse_than_another(faults: list[str]) -> None:
    engine = ToneEngine(faults={(SAID, seed): fault for seed, fault in enumerate(faults)})
    _, take = take_of(engine, replace(FAST, takes=len(faults), retries=0))
    assert all(rank(take.scores) <= rank(other.scores) for other in take.attempts)
    assert take.passed == ("" in faults)


@pytest.mark.parametrize(
    ("spoken", "first"),
    [
        (SAID, "The quick brown fox,"),
        ("He came in and she went out again.", "He came in"),
        ("One two three four five six seven eight.", "One two three four"),
        ("Too short, this.", None),
        ("Nobody answered him now.", None),
    ],
)
def test_a_piece_is_split_at_the_clause_nearest_its_middle(spoken: str, first: str | None) -> None:
    halves = split_piece(Piece(text=spoken, spoken=spoken, pause_s=0.5))
    if first is None:
        assert halves is None
    else:
        assert halves is not None
        assert halves[0].spoken == first
        assert f"{halves[0].spoken} {halves[1].spoken}" == spoken


def test_given_phonemes_are_not_split() -> None:
    assert split_piece(replace(PIECE, phonemes="ðə kwɪk")) is None


@pytest.mark.parametrize(
    ("word", "count"),
    [("late", 1), ("nobody", 3), ("apple", 2), ("the", 1), ("café", 2), ("東京", 2), ("hmm", 1), ("", 0)],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_facts_of_a_sound() -> None:
    (clip,) = ToneEngine().stream(pieces_of("It was late."), voice(), SpeakOptions())
    facts = sound_facts(clip)
    assert facts.start_s == pytest.approx(0.25, abs=0.02)
    assert facts.end_s == pytest.approx(clip.seconds - 0.25 - 0.06, abs=0.02)
    assert facts.tail_noise_db is not None
    assert facts.tail_noise_db < -60
    assert sound_facts(Clip([], RATE)).silent


@pytest.mark.parametrize("bad", [{"takes": 0}, {"retries": 9}, {"max_words_wrong": 1.5}, {"min_similarity": -0.1}])
def test_options_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(BadSetting, match=next(iter(bad))):
        CheckOptions(**bad)  # type: ignore[arg-type]
