from dataclasses import replace

import pytest

from voicewright.data.utterance import Scores, Utterance
from voicewright.engines.options import EnrollOptions
from voicewright.errors import BadDataset
from voicewright.training.start import best_clips, fit_start
from voicewright.voice.consent import Consent


def clip(name: str, *, seconds: float = 5.0, likeness: float = 0.8, naturalness: float = 3.0) -> Utterance:
    scores = Scores(likeness=likeness, naturalness=naturalness)
    return Utterance(
        id=name, audio=f"clips/{name}.wav", sha256="0" * 64, seconds=seconds, rate=24_000, text=name, speaker="a",
        scores=scores,
    )  # fmt: skip


def names(clips: list[Utterance]) -> list[str]:
    return [each.id for each in clips]


def test_the_clips_most_like_the_speaker_come_first() -> None:
    assert names(best_clips([clip("far", likeness=0.5), clip("near", likeness=0.9)], enough_s=5.0)) == ["near"]


def test_a_rough_clip_gives_way_to_a_clean_one() -> None:
    assert names(best_clips([clip("rough", naturalness=2.0), clip("clean")], enough_s=5.0)) == ["clean"]


def test_a_flag_counts_against_a_clip() -> None:
    flagged = replace(clip("flagged", likeness=0.85), flags=("a word is in doubt",))
    assert names(best_clips([flagged, clip("plain")], enough_s=5.0)) == ["plain"]


def test_no_more_than_enough_is_taken() -> None:
    assert len(best_clips([clip(str(i)) for i in range(100)], enough_s=22.0)) == 5


def test_odd_lengths_only_where_others_are_missing() -> None:
    chosen = best_clips([clip("short", seconds=0.7, likeness=0.99), clip("usual", likeness=0.6)], enough_s=5.0)
    assert names(chosen) == ["usual"]
    assert names(best_clips([clip("short", seconds=0.7)])) == ["short"]


def test_held_out_and_dropped_clips_are_never_fitted_to() -> None:
    held_out, dropped = replace(clip("a"), split="validation"), replace(clip("b"), dropped="clipped")
    assert best_clips([held_out, dropped]) == []


def test_no_clip_no_voice() -> None:
    with pytest.raises(BadDataset, match="no clip to fit"):
        fit_start(None, [], name="a", consent=Consent(""), options=EnrollOptions())  # type: ignore[arg-type]
