"""What a human should know of a dataset is kept beside it, word for word."""

from pathlib import Path

import pytest

from voicewright.data.findings import Findings, read_findings, write_findings
from voicewright.data.problems import Problem
from voicewright.errors import BadDataset

ODD = Problem(where="day one/line\nbreak 🎙️.wav", what="“a”\tis not b")
FOUND = Findings(problems=(ODD, Problem(where="b.wav", what="")), disagreements=(Problem(where="c", what="d"),))


def test_findings_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_findings(tmp_path, FOUND)
    assert read_findings(tmp_path) == FOUND
    write_findings(tmp_path, Findings())
    assert read_findings(tmp_path) == Findings()


def test_a_dataset_that_was_not_prepared_has_none(tmp_path: Path) -> None:
    assert read_findings(tmp_path) == Findings()


def test_more_problems_come_behind(tmp_path: Path) -> None:
    more = Problem(where="e", what="f")
    assert FOUND.with_problems([more]).problems == (*FOUND.problems, more)
    assert FOUND.with_problems([more]).disagreements == FOUND.disagreements


@pytest.mark.parametrize("line", ["nonsense", '{"kind": "problem"}', "[1]"])
def test_a_file_that_was_spoilt_is_told(tmp_path: Path, line: str) -> None:
    write_findings(tmp_path, FOUND)
    (tmp_path / "work" / "findings.jsonl").write_text(line + "\n", "utf-8")
    with pytest.raises(BadDataset, match=r"findings\.jsonl"):
        read_findings(tmp_path)
