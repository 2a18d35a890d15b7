"""Which file clips are cut from, and which one is listened to."""

from pathlib import Path

import pytest

from voicewright.audio.edit import gain
from voicewright.audio.files import describe, read_clip, write_clip
from voicewright.data.options import PrepareOptions
from voicewright.data.stages.sound import improve
from voicewright.data.tasks import Bench, Place, Task
from voicewright.samples import samples


class Quieter:
    """Takes away 6 dB of everything, the noise too."""

    def denoise(self, sound: Path, out: Path) -> None:
        write_clip(out, gain(read_clip(sound), -6.0))


def improved(folder: Path, path: Path, **options: bool) -> dict[str, Path]:
    bench = Bench(Place(folder=folder, weights=folder, options=PrepareOptions(**options)))
    about = describe(path)
    given = {"path": str(path), "container": about.container, "rate": about.rate}
    told = improve(bench, Task(stage="sound", name="take", key="k", given=given))
    return {name: folder / value for name, value in told.items()}


def test_a_file_that_needs_nothing_is_read_where_it_is(tmp_path: Path) -> None:
    path = samples()[1].path
    assert improved(tmp_path, path) == {"sound": path, "heard": path}
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_file_without_places_to_jump_to_is_decoded_once(tmp_path: Path) -> None:
    clip = read_clip(samples()[1].path)
    write_clip(tmp_path / "take.mp3", clip)
    found = improved(tmp_path / "made", tmp_path / "take.mp3")
    assert found["sound"] == found["heard"]
    assert found["sound"].suffix == ".flac"
    assert read_clip(found["sound"]).seconds == pytest.approx(clip.seconds, abs=0.1)


@pytest.mark.parametrize("ending", [".wav", ".mp3"])
def test_words_are_heard_in_the_noise_and_clips_are_cut_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("voicewright.data.denoising.load_denoiser", Quieter)
    clip = read_clip(samples()[1].path)
    write_clip(tmp_path / f"take{ending}", clip)
    found = improved(tmp_path / "made", tmp_path / f"take{ending}", denoise=True)
    loud, quiet = (float(abs(read_clip(found[name]).samples).max()) for name in ("heard", "sound"))
    assert quiet == pytest.approx(loud / 2, rel=0.02)
    assert describe(found["heard"]).seconds == describe(found["sound"]).seconds
