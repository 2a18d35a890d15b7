"""A dataset's folder: what is in it, what is wrong with it, and that nothing gets lost."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from voicewright.data.dataset import Dataset
from voicewright.data.edits import Anchor, Drop, Keep, SetText
from voicewright.data.options import PrepareOptions
from voicewright.data.paths import inside, nearest_id, utterance_id
from voicewright.data.utterance import Scores, Utterance
from voicewright.errors import BadDataset

Make = Callable[..., Dataset]


def test_a_dataset_can_be_moved_and_says_nothing_of_when_or_where(tmp_path: Path, make_dataset: Make) -> None:
    dataset = make_dataset()
    before = list(dataset.utterances())
    moved = tmp_path / "elsewhere"
    dataset.folder.rename(moved)
    again = Dataset.open(moved)
    assert list(again.utterances()) == before
    assert again.verify() == []
    assert str(tmp_path) not in (moved / "dataset.json").read_text("utf-8") + again.manifest.read_text("utf-8")


def test_created_twice_it_keeps_its_utterances_and_takes_the_new_options(make_dataset: Make) -> None:
    dataset = make_dataset()
    again = Dataset.create(dataset.folder, "other", PrepareOptions(task="convert"))
    assert len(list(again.utterances())) == 4
    assert Dataset.open(dataset.folder).info == again.info


def test_the_summary_counts(make_dataset: Make) -> None:
    dataset = make_dataset()
    dataset.update(lambda all: [replace(all[0], dropped="noise (3 dB)"), replace(all[1], gold=True), *all[2:]])
    summary = dataset.summary()
    assert summary.dropped.utterances == 1
    assert list(summary.reasons) == ["noise"]
    assert summary.kept.seconds == pytest.approx(1.5 + 1.2 + 1.2)
    assert summary.speakers["anna"].utterances == 3
    assert summary.gold_share == pytest.approx(1.5 / 3.9)


def test_verify_finds_everything_at_once(make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    (dataset.folder / "clips" / "u0.wav").unlink()
    with (dataset.folder / "clips" / "u1.wav").open("ab") as file:
        file.write(b"\0\0")
    (tmp_path / "secret.wav").write_bytes((dataset.folder / "clips" / "u2.wav").read_bytes())
    (dataset.folder / "clips" / "out.wav").symlink_to(tmp_path / "secret.wav")
    lines = [json.loads(line) for line in dataset.manifest.read_text("utf-8").splitlines()]
    lines[2]["audio"] = "clips/out.wav"
    lines += [lines[3], lines[3] | {"id": "U3"}, lines[3] | {"id": "n", "split": "trian"}, lines[3] | {"id": "../x"}]
    lines += [lines[3] | {"id": "p", "audio": "../secret.wav"}, lines[3] | {"id": "q", "audio": "/etc/passwd"}]
    text = "".join(json.dumps(line) + "\n" for line in lines) + "{not json\n[1]\n"
    dataset.manifest.write_text(text, "utf-8")
    found = [str(problem) for problem in dataset.verify()]
    for words in [
        ("u0", "no"), ("u1", "changed"), ("u2", "link"), ("u3", "twice"), ("U3", "twice"), ("line 7", "trian"),
        ("../x", "id"), ("p", "leads out"), ("q", "relative"), ("line 11", "JSON"), ("line 12", "object"),
    ]:  # fmt: skip
        assert any(all(word in problem for word in words) for problem in found), (words, found)
    assert len(found) == 11


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../a.wav", "clips/../../a.wav", "C:/a.wav", "clips\\a.wav", "a\0"]
)
def test_a_path_never_leads_out(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadDataset):
        inside(tmp_path, path)


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "a\nb", "", "a|b", "x" * 300, "a ", "con\udcff"])
def test_an_id_is_one_plain_file_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadDataset):
        utterance_id(name)
    near = nearest_id(name)
    assert utterance_id(near) == near
    (tmp_path / f"{near}.wav").touch()


@pytest.mark.parametrize("name", ["Interview 3", "être — là", "🎤 take 1", "日本語", "a.b+c"])
def test_names_that_people_give_stay(name: str) -> None:
    assert utterance_id(name) == name == nearest_id(name)
    assert nearest_id(name, [name.upper()]) != name


def test_two_utterances_cannot_share_an_id(make_dataset: Make) -> None:
    dataset = make_dataset()
    before = dataset.manifest.read_bytes()
    one = next(dataset.utterances())
    with pytest.raises(BadDataset, match="share the id"):
        dataset.update(lambda all: [*all, replace(one, id="U0")])
    assert dataset.manifest.read_bytes() == before


def test_scores_of_a_check_stay_when_something_else_is_edited(make_dataset: Make) -> None:
    dataset = make_dataset()
    dataset.update(lambda all: [replace(each, scores=Scores(snr_db=7), split="test", flags=("x",)) for each in all])
    dataset.edit(Drop(at=Anchor(id="u1")))
    assert {each.scores.snr_db for each in dataset.utterances()} == {7}
    assert {each.split for each in dataset.utterances()} == {"test"}


def test_what_a_check_found_for_a_new_text_stays_until_the_text_changes_again(make_dataset: Make) -> None:
    dataset = make_dataset()

    def checked(all: list[Utterance]) -> list[Utterance]:
        return [replace(each, scores=replace(each.scores, cer=0.25)) if each.edited else each for each in all]

    dataset.edit(SetText(at=Anchor(id="u0"), text="One two four."))
    assert next(dataset.utterances()).scores.cer is None
    dataset.update(checked)
    dataset.edit(Keep(at=Anchor(id="u2")))
    assert next(dataset.utterances()).scores.cer == 0.25
    dataset.edit(SetText(at=Anchor(id="u0"), text="One two five."))
    assert next(dataset.utterances()).scores.cer is None


def test_a_crash_between_the_log_and_the_manifest_is_mended_on_opening(make_dataset: Make) -> None:
    dataset = make_dataset()
    old = dataset.manifest.read_bytes()
    dataset.edit(Drop(at=Anchor(id="u1")))
    new = dataset.manifest.read_bytes()
    dataset.manifest.write_bytes(old)
    (dataset.folder / "work" / "manifest.stale").touch()
    assert Dataset.open(dataset.folder).manifest.read_bytes() == new


def test_a_manifest_without_a_base_can_be_edited(make_dataset: Make) -> None:
    dataset = make_dataset()
    (dataset.folder / "work" / "utterances.jsonl").unlink()
    dataset.edit(Drop(at=Anchor(id="u1")))
    dataset.undo()
    assert len(list(dataset.kept())) == 4


def test_no_dataset_no_guessing(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="voicewright prepare"):
        Dataset.open(tmp_path)
    (tmp_path / "dataset.json").write_text('{"format": 9}', "utf-8")
    with pytest.raises(BadDataset, match="format 9"):
        Dataset.open(tmp_path)


EDITOR = """
import sys
from pathlib import Path
from voicewright.data.dataset import Dataset
from voicewright.data.edits import Anchor, Drop

dataset = Dataset.open(Path(sys.argv[1]))
for number in range(5):
    dataset.edit(Drop(at=Anchor(id=sys.argv[2]), reason=f"{sys.argv[2]} {number}"))
"""


def test_two_programs_edit_at_once_and_no_edit_is_lost(make_dataset: Make) -> None:
    dataset = make_dataset()
    editors = [subprocess.Popen([sys.executable, "-c", EDITOR, dataset.folder, name]) for name in ("u0", "u1")]
    assert [editor.wait() for editor in editors] == [0, 0]
    assert len(dataset.log()) == 10
    assert [each.dropped for each in dataset.utterances()][:2] == ["u0 4", "u1 4"]
