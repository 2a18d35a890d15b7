"""`python -m voicewright.parity DIR …`: every case below the folders, one line each; exit code 1 if any fails.

A case fails when an output is further from the original's than its tolerance, when an output is not made, or when
nothing of ours answers for it.
"""

import argparse
import sys
from pathlib import Path

from voicewright.parity.case import Case, Compared
from voicewright.parity.checks import find_check


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m voicewright.parity", description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds this")
    parser.add_argument("--verbose", action="store_true", help="every output, not only the worst of a case")
    given = parser.parse_args(arguments)
    paths = sorted(path for folder in given.folders for path in folder.rglob("*.json") if given.only in path.stem)
    if not paths:
        print(f"no cases below {', '.join(map(str, given.folders))}")
        return 1
    failed = [path.stem for path in paths if not _passes(path, verbose=given.verbose)]
    print(f"{len(paths) - len(failed)} of {len(paths)} cases pass")
    return int(bool(failed))


def _passes(path: Path, *, verbose: bool) -> bool:
    case = Case.read(path)
    check = find_check(case.name)
    if check is None:
        print(f"FAIL  {case.name}: nothing of ours answers for it")
        return False
    rows = list(check(case))
    silent = sorted(set(case.calls) - {row.call for row in rows})
    wrong = [row for row in rows if not row.passed]
    passed = not wrong and not silent and bool(rows)
    counted = [row for row in rows if not row.excused]
    worst = max(counted, key=lambda row: row.error / max(row.tolerance, 1e-30), default=None)
    told = f"worst {_line(worst)}" if worst else "nothing was compared"
    print(f"{'ok  ' if passed else 'FAIL'}  {case.name}: {len(rows)} outputs, {told}")
    for row in rows:
        if verbose or not row.passed or row.excused:
            print(f"        {'ok  ' if row.passed else 'FAIL'} {_line(row)}")
    for call in silent:
        print(f"        FAIL {call}: not compared")
    return passed


def _line(row: Compared) -> str:
    excuse = f", not followed: {row.excused}" if row.excused else ""
    return f"{row.call}.{row.output} {row.error:.1e} (tolerance {row.tolerance:.0e}){excuse}"


if __name__ == "__main__":
    sys.exit(main())
