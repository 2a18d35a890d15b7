"""Sounds of the language: what a dataset lacks is named, what it has is not."""

from voicewright.data.coverage import coverage_of, pairs_of, phonemes_of
from voicewright.data.utterance import Utterance
from voicewright.samples import samples


def said(text: str, *, dropped: str = "", language: str = "en-us") -> Utterance:
    return Utterance(
        id=text[:8], audio="a", sha256="", seconds=3, rate=8_000, text=text, speaker="ada", dropped=dropped,
        language=language,
    )  # fmt: skip


def test_stress_spaces_and_marks_are_no_sounds() -> None:
    assert phonemes_of("kˈæt, ˌO") == ["k", "æ", "t", "O"]


def test_pairs_go_across_words_but_not_across_pauses() -> None:
    assert pairs_of("ðə kˈæt. ˈɪt") == ["ðə", "ək", "kæ", "æt", "ɪt"]


def test_a_missing_sound_is_named_with_a_word() -> None:
    coverage = coverage_of([said("The cat sat on the mat and ate a red apple.") for _ in range(40)])
    assert {"ʒ", "ʃ", "Y"} <= set(coverage.missing)
    assert "ʒ as in “vision”" in coverage.sentence
    assert "Add recordings" in coverage.sentence


def test_saying_it_mends_it() -> None:
    text = [said("The cat sat on the mat.") for _ in range(40)]
    assert "ʒ" in coverage_of(text).missing
    assert "ʒ" not in coverage_of([*text, said("A casual vision of measured leisure.")]).missing
    assert "ʒ" in coverage_of([*text, said("A casual vision of leisure.", dropped="noise")]).missing


def test_running_text_is_covered_as_running_text_is() -> None:
    """The reader's own book is the reference, so a few of its sentences have about its shares."""
    coverage = coverage_of([said(sample.text) for sample in samples()])
    common = [sound for sound in coverage.sounds if sound.usual and sound.usual > 0.03]
    assert len(common) >= 8
    assert all(0.4 < sound.share / sound.usual < 2.5 for sound in common if sound.usual)
    assert coverage.pairs is not None
    assert 0.2 < coverage.pairs < 0.9
    assert coverage.source


def test_only_the_asked_language_counts_and_nothing_is_no_error() -> None:
    coverage = coverage_of([said("bonjour", language="fr")])
    assert coverage.phonemes == 0
    assert "nothing can be said" in coverage.sentence
    british = coverage_of([said("A very good morning to you all.", language="en-gb")], "en-gb")
    assert british.pairs is None
    assert british.phonemes > 10
