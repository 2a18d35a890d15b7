"""Files and functions stay small, and what has no place in this house stays out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "voicewright"
FILES = sorted(SOURCE.rglob("*.py"))
FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 60, 8
FORBIDDEN = {
    r"torch\.load\((?![^)]*weights_only=True)": "torch.load that may run code",
    r"shell=True": "a shell",
    r"(?<![\w.])(eval|exec)\(": "code from text",
    r"yaml\.(load|unsafe_load|full_load)\(": "YAML that may build objects",
    r"allow_pickle=True": "pickles in numpy files",
    r"torch\.manual_seed|np\.random\.seed|(?<![\w.])random\.seed": "a seed for the whole process",
    r"(?<![\w.])pickle\.loads?\(": "an unpickler without limits",
    r"\b(TODO|FIXME|XXX)\b": "something left for later",
}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    args = function.args
    names = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A command's parameters are its flags: their number is the command's, not the code's."""
    first = function.args.args[:1]
    return bool(first and first[0].annotation and ast.unparse(first[0].annotation) == "typer.Context")


def problems(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    if (lines := text.count("\n")) > FILE_LINES:
        yield f"{lines} lines, at most {FILE_LINES}"
    for function in functions(tree):
        assert function.end_lineno
        if (lines := function.end_lineno - function.lineno + 1) > FUNCTION_LINES:
            yield f"{function.lineno} {function.name}: {lines} lines, at most {FUNCTION_LINES}"
        if not is_command(function) and (count := parameters(function)) > PARAMETERS:
            yield f"{function.lineno} {function.name}: {count} parameters, at most {PARAMETERS}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"{node.lineno} global"
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{node.lineno} except that catches everything"
    for number, line in enumerate(text.splitlines(), 1):
        yield from (f"{number} {what}" for pattern, what in FORBIDDEN.items() if re.search(pattern, line))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_a_file_keeps_within_its_budget(path: Path) -> None:
    assert list(problems(path)) == []


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("def f():\n" + "    x = 1\n" * 61, "lines"),
        ("def f(a, b, c, d, e, f, g, h, i): ...\n", "parameters"),
        ("def f():\n    global x\n", "global"),
        ("try:\n    pass\nexcept:\n    pass\n", "catches everything"),
        ("x = eval('1')\n", "code from text"),
        ("x = torch.load(path)\n", "may run code"),
        ("x = 1\n" * 401, "lines"),
    ],
)
def test_the_budget_notices(tmp_path: Path, code: str, word: str) -> None:
    path = tmp_path / "sample.py"
    path.write_text(code, "utf-8")
    assert any(word in problem for problem in problems(path))


def test_there_is_no_room_for_odds_and_ends() -> None:
    assert [p for p in FILES if p.stem in {"utils", "util", "helpers", "misc", "common"}] == []
