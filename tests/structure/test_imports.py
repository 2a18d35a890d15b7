"""Imports run one way: apps → jobs → studio → rooms → {nn, text} → audio → {errors, progress}."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "voicewright"
FILES = sorted(SOURCE.rglob("*.py"))

# The house from its ground up. A room may import its own floor and everything below.
FLOORS = [
    {"errors", "progress", "clock", "__init__"},
    {"settings", "samples"},
    {"home", "audio"},
    {"text", "nn"},
    {"voice", "weights", "measure", "engines", "speech", "conversion", "live"},
    {"doctor", "meters", "parity"},
    {"data"},
    {"training"},
    {"studio"},
    {"jobs"},
    {"apps"},
    {"__main__"},
]
# Within the floor of the rooms: who may know whom.
KNOWS = {
    "voice": {"measure", "weights"},
    "weights": set(),
    "measure": {"weights"},
    "engines": {"voice", "weights", "measure"},
    "speech": {"voice", "engines", "measure", "weights"},
    "conversion": {"voice", "engines", "measure", "weights", "speech"},
    "live": {"voice", "engines", "measure", "weights", "conversion"},
}
NO_TORCH = {"audio", "text", "voice", "conversion", "live", "data", "settings", "home", "errors", "progress"} | {
    "jobs",
    "apps",
}
ONLY_APPS = {"typer", "rich", "click", "fastapi", "starlette", "uvicorn"}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def module_of(path: Path) -> str:
    parts = ("voicewright", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, ("." * node.level) + (node.module or "")


def type_only(tree: ast.AST) -> set[int]:
    """Lines below `if TYPE_CHECKING:`; they import nothing when the program runs."""
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or block.lineno) + 1)}


def floor(name: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


def allowed(importer: str, imported: str) -> bool:
    own, other = room(importer), room(imported)
    if own == other:
        if own == "engines" and len(importer.split(".")) > 2 and len(imported.split(".")) > 3:
            return importer.split(".")[2] == imported.split(".")[2]
        return True
    if floor(own) == floor(other):
        return other in KNOWS.get(own, FLOORS[floor(own)])
    return floor(other) < floor(own)


def problems(code: str, module: str) -> Iterator[str]:
    tree = ast.parse(code)
    skipped = type_only(tree)
    for line, name in imports(tree):
        top = name.split(".")[0]
        if name.startswith("."):
            yield f"{line} relative import"
        if top == "voicewright" and room(module) != "__init__" and not allowed(module, name):
            yield f"{line} {module} must not import {name}"
        if top == "torch" and room(module) in NO_TORCH and line not in skipped:
            yield f"{line} {module} must not import torch"
        if top in ONLY_APPS and room(module) != "apps":
            yield f"{line} only apps import {top}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    assert list(problems(path.read_text("utf-8"), module_of(path))) == []


def test_every_room_has_its_floor() -> None:
    rooms = {room(module_of(path)) for path in FILES}
    assert rooms <= set().union(*FLOORS)


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("voicewright.audio.x", "import torch"),
        ("voicewright.audio.x", "from voicewright.voice.voice import Voice"),
        ("voicewright.text.x", "from voicewright.studio import Studio"),
        ("voicewright.engines.a.net", "from voicewright.engines.b.net import Net"),
        ("voicewright.measure.x", "import rich.console"),
        ("voicewright.weights.x", "from voicewright.engines.base import Engine"),
        ("voicewright.studio", "from voicewright.apps.cli import main"),
        ("voicewright.voice.x", "from .voice import Voice"),
    ],
)
def test_the_rule_notices(module: str, code: str) -> None:
    assert list(problems(code, module)) != []
