"""Pitch curves as a picture."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread

from voicewright.audio.pitch import Pitch
from voicewright.conversion.picture import COLOURS, draw_curves, note_name
from voicewright.errors import BadSetting, NotWritten


def curve(*notes: float) -> Pitch:
    hz = np.repeat(np.array(notes, np.float32), 30)
    return Pitch(hz, np.ones(len(hz), np.float32), 0.01)


def test_notes_have_their_names() -> None:
    assert [note_name(number) for number in (60, 69, 70.4, 21, 91)] == ["C4", "A4", "A♯4", "A0", "G6"]


def test_the_picture_shows_every_curve(tmp_path: Path) -> None:
    source = curve(220, 330, 0, 440)
    path = tmp_path / "curves.png"
    draw_curves(
        {"source": source, "wished": source.transposed(7), "result": source.transposed(7.1)}, path, title="song"
    )
    pixels = (imread(path)[..., :3] * 255).round().astype(int).reshape(-1, 3)
    seen = {tuple(pixel) for pixel in np.unique(pixels, axis=0)}
    for colour in COLOURS[:3]:
        assert tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5)) in seen
    assert np.median(pixels) == 255, "light"


def test_only_what_is_voiced_is_drawn_and_no_line_crosses_a_leap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    plot = Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda self, *a, **k: drawn.append(a) or plot(self, *a, **k))
    draw_curves({"source": curve(220, 0, 220, 440)}, tmp_path / "a.svg")
    _, height = drawn[0]
    assert (~np.isnan(height)).sum() == 90
    steps = np.abs(np.diff(height))
    assert np.nanmax(steps) < 1
    assert height[0] == pytest.approx(57)


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for curves in ({}, {"source": curve(0)}, {str(i): curve(220) for i in range(6)}):
        with pytest.raises(BadSetting):
            draw_curves(curves, path)
    with pytest.raises(BadSetting, match=r"\.png"):
        draw_curves({"source": curve(220)}, tmp_path / "a.txt")
    with pytest.raises(NotWritten, match="another place"):
        draw_curves({"source": curve(220)}, tmp_path / "none" / "a.png")
    draw_curves({"source": curve(220), "result": curve(0)}, path)
    assert path.is_file()
