"""Words are found where they sound, and words that do not sound are told."""

import json
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.activity import Span
from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, pad, resample
from voicewright.audio.files import read_clip
from voicewright.errors import BadClip, BadSetting, MissingWeights
from voicewright.measure import alignment
from voicewright.measure.alignment import Alignment, PhoneAligner

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"


@pytest.fixture(scope="module")
def aligner() -> PhoneAligner:
    return PhoneAligner(ROOT / "src/voicewright/weights/bundled/phones.safetensors")


def starts(alignment: Alignment) -> np.ndarray:
    return np.array([word.start_s for word in alignment.words])


def hiss(seconds: float, rate: int = 16_000) -> Clip:
    return Clip(0.001 * np.random.default_rng(0).normal(size=round(seconds * rate)), rate)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_words_are_where_the_engine_put_them(aligner: PhoneAligner, rate: int, noise: float) -> None:
    clip, truth = read_clip(GOLDEN / "word_times.flac"), json.loads((GOLDEN / "word_times.json").read_text("utf-8"))
    clip = clip.with_samples(clip.samples + noise * np.random.default_rng(1).normal(size=len(clip)))
    found = aligner.align(resample(clip, rate), truth["words"])
    missed = np.array([(word.start_s, word.end_s) for word in found.words]) - np.array(truth["edges"])
    assert np.abs(missed).mean() < 0.05
    assert np.median(np.abs(missed)) < 0.035


def test_words_follow_each_other_within_the_clip(
    aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]
) -> None:
    for name, clip in austen.items():
        words = texts[name].split()
        found = aligner.align(clip, words)
        assert [word.text for word in found.words] == words
        edges = [edge for word in found.words for edge in (word.start_s, word.end_s)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= clip.seconds


def test_the_right_text_scores_highest(aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]) -> None:
    for name, clip in austen.items():
        heard = aligner.emissions(clip)
        right = aligner.lay(heard, texts[name].split())
        others = [aligner.lay(heard, text.split()[:12]).score for other, text in texts.items() if other != name]
        assert right.score > 0.5
        assert max(others) < 0.45
        assert right.extra == ()


def test_a_wrong_word_and_an_added_word_stand_out(
    aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]
) -> None:
    heard, words = aligner.emissions(austen["0870"]), texts["0870"].split()
    for changed, place in (([*words[:10], "crocodile", *words[11:]], 10), ([*words[:7], "umbrella", *words[7:]], 7)):
        scores = [word.score for word in aligner.lay(heard, changed).words]
        assert scores[place] < np.percentile(scores, 15)
        assert scores[place] < 0.4


def test_a_word_that_the_text_lacks_is_extra_speech(
    aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]
) -> None:
    words = texts["0890"].split()
    whole = aligner.align(austen["0890"], words)
    lacking = aligner.align(austen["0890"], [word for word in words if word != "selfish"])
    missing = whole.words[words.index("selfish")]
    assert 0.5 * (missing.end_s - missing.start_s) < lacking.extra_s < 1.2 * (missing.end_s - missing.start_s)
    assert all(missing.start_s < (span.start_s + span.end_s) / 2 < missing.end_s for span in lacking.extra)


def test_words_move_with_the_sound(aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]) -> None:
    words = texts["0880"].split()
    at_once = aligner.align(austen["0880"], words)
    later = aligner.align(join([hiss(1.0), austen["0880"], hiss(0.7)]), words)
    assert np.abs(starts(later) - starts(at_once) - 1.0).mean() < 0.03


def test_a_sentence_is_found_in_a_minute_of_silence(
    aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]
) -> None:
    words = texts["0880"].split()
    found = aligner.align(join([hiss(30.0), austen["0880"], hiss(25.0)]), words)
    assert np.abs(starts(found) - starts(aligner.align(austen["0880"], words)) - 30.0).mean() < 0.05
    assert found.score > 0.5


def test_a_pause_belongs_to_no_word(aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]) -> None:
    first, second = austen["0880"], austen["0890"]
    words = (texts["0880"] + " — " + texts["0890"]).split()
    found = aligner.align(join([pad(first, after_s=0.8), second]), words)
    last, dash, following = found.words[7:10]
    assert last.end_s < first.seconds + 0.1
    assert (dash.text, dash.start_s, dash.score) == ("—", dash.end_s, 1.0)
    assert following.start_s > first.seconds + 0.75


def test_looks_only_within(aligner: PhoneAligner, austen: dict[str, Clip], texts: dict[str, str]) -> None:
    both = join([austen["0880"], austen["0930"]])
    border = austen["0880"].seconds
    found = aligner.align(both, texts["0930"].split(), within=Span(border, both.seconds))
    alone = aligner.align(austen["0930"], texts["0930"].split())
    assert found.score > 0.5
    assert np.abs(starts(found) - starts(alone) - border).mean() < 0.04
    with pytest.raises(BadSetting, match="start before the end"):
        aligner.align(both, ["he"], within=Span(2.0, 1.0))


def test_long_clips_are_heard_in_stretches(
    aligner: PhoneAligner, austen: dict[str, Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = join(list(austen.values()))
    whole = aligner.emissions(clip).log_probabilities
    monkeypatch.setattr(alignment, "STRETCH_S", 5.0)
    parts = aligner.emissions(clip).log_probabilities
    assert parts.shape == whole.shape
    assert np.mean(parts.argmax(1) == whole.argmax(1)) > 0.9


def test_no_words_and_no_sound(aligner: PhoneAligner, austen: dict[str, Clip]) -> None:
    nothing = aligner.align(austen["0880"], [])
    assert nothing.words == ()
    assert nothing.extra_s > 1.0
    assert aligner.align(Clip.silence(1.0, 16_000), ["hello"]).score < 0.3
    assert aligner.align(Clip.silence(0.0, 16_000), ["—"]).words[0].end_s == 0.0


def test_what_cannot_be_is_said(aligner: PhoneAligner, tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="too short"):
        aligner.align(Clip.silence(0.1, 16_000), ["many", "more", "words", "than", "that"])
    with pytest.raises(BadSetting, match="only en-us and en-gb"):
        PhoneAligner(tmp_path / "phones.safetensors", "fr")
    with pytest.raises(MissingWeights):
        PhoneAligner(tmp_path / "phones.safetensors").align(hiss(1.0), ["word"])
