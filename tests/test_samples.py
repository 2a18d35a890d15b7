import soundfile

from voicewright.samples import AUSTEN, samples


def test_every_sample_is_listed_with_its_words_and_is_sound() -> None:
    listed = samples()
    assert {sample.path for sample in listed} == set(AUSTEN.glob("*.flac"))
    for sample in listed:
        sound, rate = soundfile.read(sample.path)
        assert rate == 16_000
        assert abs(sound).max() > 0.05
        words_per_s = len(sample.text.split()) / (len(sound) / rate)
        assert 1.5 < words_per_s < 5, sample


def test_there_is_enough_for_a_voice_and_its_provenance_is_told() -> None:
    assert sum(soundfile.info(sample.path).duration for sample in samples()) > 20
    assert "public domain" in (AUSTEN / "PROVENANCE.md").read_text("utf-8")
