"""The command line itself: help, versions, exit codes, progress."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import voicewright
from voicewright.apps.cli import main
from voicewright.apps.progress import shown


def test_help_names_every_command_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for word in ("clone", "speak", "voices", "measure", "card", "weights", "doctor", "--home", "--offline"):
        assert word in out
    assert '  voicewright speak "Any text." --voice narrator -o out.wav\n' in out


@pytest.mark.parametrize("command", ["clone", "speak", "measure", "card"])
def test_each_commands_help_has_an_example(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "--help"]) == 0
    assert f"\n    voicewright {command} " in capsys.readouterr().out


def test_the_help_of_a_flag_is_its_fields_own(capsys: pytest.CaptureFixture[str]) -> None:
    main(["speak", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "Speaking rate; 1 is the speaker's own" in words
    assert "[default: 1.0]" in words


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"voicewright {voicewright.__version__}\n"


@pytest.mark.parametrize(
    "wrong",
    [["speek"], ["speak", "--sped", "1"], ["clone"], ["clone", "x", "y.wav", "--preset", "fastest"], ["speak", "Hi."]],
)
def test_a_wrong_command_exits_with_2(capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    assert main(wrong) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("voicewright.voice.library.Library.list", interrupted)
    assert main(["--home", str(tmp_path), "voices", "list"]) == 130


def test_a_system_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "out.wav")

    monkeypatch.setattr("voicewright.voice.library.Library.list", full)
    assert main(["voices", "list"]) == 2
    assert capsys.readouterr().err == "voicewright: No space left on device: out.wav\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [(["Hi.", "--file", "x.txt"], "not both"), ([], "either a text"), (["--file", "nowhere.txt"], "No such file")],
)
def test_speak_wants_one_text(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert main(["speak", *words, "--voice", "x", "-o", "x.wav"]) == 2
    assert message in capsys.readouterr().err


def test_a_text_that_is_not_utf_8_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.txt").write_bytes("café".encode("latin-1"))
    assert main(["speak", "--file", str(tmp_path / "old.txt"), "--voice", "x", "-o", "x.wav"]) == 2
    assert "UTF-8" in capsys.readouterr().err


def test_python_m_is_the_same_program() -> None:
    run = [sys.executable, "-m", "voicewright", "--version"]
    done = subprocess.run(run, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"voicewright {voicewright.__version__}\n")


def test_the_shell_can_complete_commands() -> None:
    environment = os.environ | {
        "_VOICEWRIGHT_COMPLETE": "complete_bash",
        "COMP_WORDS": "voicewright cl",
        "COMP_CWORD": "1",
    }
    script = Path(sys.executable).parent / "voicewright"
    done = subprocess.run([script], capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert done.stdout.split() == ["clone"]


def test_progress_without_a_terminal_is_a_line_for_each_step() -> None:
    stream = io.StringIO()
    with shown(stream) as progress:
        for done in range(100):
            progress("listening", done, 100)
        progress("fitting", 0, 10)
    assert stream.getvalue().splitlines() == ["listening", "fitting"]


def test_progress_on_a_terminal_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")  # whatever the one is that the tests run in

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with shown(stream) as progress:
        progress("fitting", 5, 10)
        progress("fitting", 10, 10)
    assert "fitting" in stream.getvalue()
    assert "\x1b[2K" in stream.getvalue()
