import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `made_up` lies beside this file

from made_up import SPEAKER, STRANGER, tones_of

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import loudness_lufs
from voicewright.errors import BadRun, BadSetting
from voicewright.training.blind import Kind, Pair, make_blind, score


def pairs(count: int = 8) -> list[Pair]:
    """The second voice is louder, longer, and of another rate."""
    found = []
    for number in range(count):
        text = f"sentence <b>{number}</b>"
        b = tones_of(STRANGER, f"{text} and more words")
        found.append(Pair(text=text, a=tones_of(SPEAKER, text), b=Clip(np.repeat(3 * b.samples, 3), 3 * b.rate)))
    return found


def answered(folder: Path, key: Path, choose: str, form: str = "json") -> Path:
    """Answers of a listener who always wants the voice `choose` ("a", "b"), or hears whatever X is ("x")."""
    held = json.loads(key.read_text("utf-8"))
    rows = []
    for number, first in enumerate(held["first"], start=1):
        wanted = held["x"][number - 1] if choose == "x" else choose
        rows.append(
            {"pair": number, "choice": "same" if choose == "same" else "first" if first == wanted else "second"}
        )
    path = folder / f"answers.{form}"
    if form == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, ("set", "pair", "choice"))
            table.writeheader()
            table.writerows({"set": held["set"], **row} for row in rows)
    else:
        path.write_text(json.dumps({"set": held["set"], "answers": rows}), "utf-8")
    return path


@pytest.mark.parametrize("form", ["json", "csv"])
def test_answers_say_who_is_preferred(tmp_path: Path, form: str) -> None:
    key = make_blind(pairs(), tmp_path / "set", names=("start", "tuned"))
    result = score([answered(tmp_path, key, "b", form)], key)
    assert (result.a, result.b, result.same) == (0, 8, 0)
    assert result.p < 0.01
    assert "tuned is preferred" in result.sentence
    assert score([answered(tmp_path, key, "a")], key).sentence.startswith(
        "0 for tuned, 8 for start: start is preferred"
    )
    even = score([answered(tmp_path, key, "a", "csv"), answered(tmp_path, key, "b")], key)
    assert even.p == 1
    assert "no preference" in even.sentence
    assert score([answered(tmp_path, key, "same")], key).sentence == "Nobody heard a difference."


def test_abx_says_whether_they_can_be_told_apart(tmp_path: Path) -> None:
    key = make_blind(pairs(), tmp_path / "set", kind="abx")
    right = score([answered(tmp_path, key, "x")], key)
    assert (right.b, right.a) == (8, 0)
    assert "can be told apart" in right.sentence
    assert "not shown" in score([answered(tmp_path, key, "a")], key).sentence


@pytest.mark.parametrize("kind", ["ab", "abx"])
def test_the_files_do_not_tell_which_is_which(tmp_path: Path, kind: Kind) -> None:
    key = make_blind(pairs(), tmp_path / "set", names=("start", "tuned"), kind=kind)
    files = list((tmp_path / "set" / "sounds").iterdir())
    page = (tmp_path / "set" / "index.html").read_text("utf-8")
    shown = re.findall(r"sounds/(\w+)\.wav", page)
    assert sorted(shown) == sorted(path.stem for path in files)
    assert len(files) == (16 if kind == "ab" else 24)
    assert len({path.stat().st_mtime for path in files}) == 1
    assert len({path.read_bytes() for path in files}) == len(files)
    step = 2 if kind == "ab" else 3
    for number in range(8):
        clips = [read_clip(tmp_path / "set" / "sounds" / f"{name}.wav") for name in shown[step * number :][:step]]
        assert len({(len(clip), clip.rate) for clip in clips}) == 1
        levels = [loudness_lufs(clip) for clip in clips]
        assert max(levels) - min(levels) < 0.2
        assert max(levels) <= -22.8
    assert not key.is_relative_to(tmp_path / "set")
    assert all(word not in page for word in ("start", "tuned"))
    held = json.loads(key.read_text("utf-8"))
    assert held["first"].count("a") == 4
    assert held["salt"] not in page


def test_the_order_is_another_each_time_and_the_same_with_a_seed(tmp_path: Path) -> None:
    def order(name: str, seed: int | None) -> list[str]:
        return list(json.loads(make_blind(pairs(20), tmp_path / name, seed=seed).read_text("utf-8"))["first"])

    assert order("a", None) != order("b", None)
    assert order("c", 1) == order("d", 1) != order("e", 2)


def test_the_page_escapes_texts_and_fetches_nothing(tmp_path: Path) -> None:
    make_blind(pairs(2), tmp_path / "set", title="A <b> & c")
    page = (tmp_path / "set" / "index.html").read_text("utf-8")
    assert "<b>" not in page
    assert "sentence &lt;b&gt;" in page
    assert "A &lt;b&gt; &amp; c" in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_answers_to_another_set_are_refused(tmp_path: Path) -> None:
    key, other = (make_blind(pairs(2), tmp_path / name) for name in ("one", "two"))
    with pytest.raises(BadRun, match="another listening test"):
        score([answered(tmp_path, key, "a")], other)
    (tmp_path / "bad.json").write_text('{"set": 1}', "utf-8")
    with pytest.raises(BadRun, match="cannot be read"):
        score([tmp_path / "bad.json"], key)
    held = json.loads(key.read_text("utf-8"))
    for answers in (
        [{"pair": 9, "choice": "first"}],
        [{"pair": 1, "choice": "third"}],
        2 * [{"pair": 1, "choice": "first"}],
    ):
        (tmp_path / "bad.json").write_text(json.dumps({"set": held["set"], "answers": answers}), "utf-8")
        with pytest.raises(BadRun):
            score([tmp_path / "bad.json"], key)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    make_blind(pairs(1), tmp_path / "set")
    with pytest.raises(BadSetting, match="not empty"):
        make_blind(pairs(1), tmp_path / "set")
    with pytest.raises(BadSetting, match="a pair"):
        make_blind([], tmp_path / "new")
