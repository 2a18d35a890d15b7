import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `made_up` lies beside this file

from made_up import World, voice

from voicewright.errors import BadSetting
from voicewright.training.exporting import export, formats
from voicewright.voice.file import read_voice
from voicewright.voice.voice import Voice


class Writer(World):
    """An engine with a format of its own."""

    @property
    def formats(self) -> dict[str, str]:
        return {"scroll": "for monks"}

    def export(self, voice: Voice, format: str, folder: Path) -> list[Path]:
        folder.mkdir(exist_ok=True)
        (folder / "scroll.txt").write_text(f"{voice.name} as {format}", "utf-8")
        return [folder / "scroll.txt"]


def test_a_voice_is_exported_to_a_file_or_into_a_folder(tmp_path: Path) -> None:
    spoken = voice(0.2)
    (path,) = export(World(), spoken, "voice", tmp_path / "me.voice")
    assert read_voice(path).tensors["tones"].tolist() == spoken.tensors["tones"].tolist()
    (tmp_path / "empty").mkdir()
    assert export(World(), spoken, "voice", tmp_path / "empty") == [tmp_path / "empty" / "made up.voice"]
    with pytest.raises(BadSetting, match="--replace"):
        export(World(), spoken, "voice", path)
    assert export(World(), spoken, "voice", path, replace=True) == [path]


def test_an_engines_own_formats_are_its_business(tmp_path: Path) -> None:
    engine = Writer()
    assert set(formats(engine)) == {"voice", "scroll"}
    (path,) = export(engine, voice(0.2), "scroll", tmp_path / "out")
    assert path.read_text("utf-8") == "made up as scroll"


def test_a_format_that_the_engine_lacks_is_told_with_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"'tones' exports no 'onnx'; it exports: voice"):
        export(World(), voice(0.2), "onnx", tmp_path / "out")
    assert not (tmp_path / "out").exists()
