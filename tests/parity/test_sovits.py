"""Our networks compute what the originals of the so-vits-svc family compute; the harness notices when they do not."""

from dataclasses import replace
from pathlib import Path

import pytest

from voicewright.parity.__main__ import main
from voicewright.parity.case import Case
from voicewright.parity.checks import CHECKS, find_check

GOLDEN = Path(__file__).parents[1] / "golden" / "sovits"
CASES = sorted(path for path in GOLDEN.glob("*.json") if path.stem in CHECKS)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_output_is_the_original_s(path: Path) -> None:
    case = Case.read(path)
    check = find_check(case.name)
    assert check is not None
    rows = list(check(case))
    assert [f"{row.call}.{row.output} {row.error:.1e}" for row in rows if not row.passed] == []
    assert {row.call for row in rows} == set(case.calls)


def test_every_check_can_be_found() -> None:
    assert all(find_check(name) is not None for name in CHECKS)


def test_a_wrong_number_is_noticed() -> None:
    case = Case.read(GOLDEN / "nvstft_up41.json")
    call = case.calls[0]
    name = f"out.{call}.mel"
    wrong = replace(case, tensors=dict(case.tensors) | {name: case.tensors[name] + 0.01})
    check = find_check(case.name)
    assert check is not None
    assert [row.call for row in check(wrong) if not row.passed] == [call]


def test_what_nothing_answers_for_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "unheard_of.json").write_text('{"calls": []}', "utf-8")
    assert main([str(tmp_path)]) == 1
    assert "nothing of ours answers" in capsys.readouterr().out


def test_a_folder_of_cases_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(GOLDEN), "--only", "f0_functions"]) == 0
    assert "2 of 2 cases pass" in capsys.readouterr().out
