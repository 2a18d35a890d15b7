"""Every format: what is written can be read again, by us and by the programs it is for; bad lines harm nothing."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import describe, read_clip, write_clip
from voicewright.data.dataset import Dataset
from voicewright.data.edits import Anchor, Drop, SplitAt
from voicewright.data.formats.base import ExportOptions, ImportOptions
from voicewright.data.formats.intake import stretches
from voicewright.data.formats.libritts import alignment_line, parse_alignment
from voicewright.data.formats.table import FORMATS, detect, export_dataset, find_format, import_dataset
from voicewright.data.merge import merge
from voicewright.data.utterance import TimedWord, Utterance
from voicewright.errors import BadDataset, BadSetting
from voicewright.samples import samples

Make = Callable[..., Dataset]
TRICKY = ['She said "no", 3 times;', "naïve — “café” 🎤 ", "tab\tand\nline\u2028break", "it's 50% 'off' \\n {x}"]


def tricky(make: Make) -> Dataset:
    """Two speakers, all splits, names and texts that break careless programs."""
    dataset = make("tricky")
    names = ["take 1", "🎤 é", "a.b+c", "'quoted' #1, %20"]
    splits = ["train", "train", "validation", "test"]

    def change(all: list[Utterance]) -> list[Utterance]:
        return [
            replace(u, id=names[i], text=TRICKY[i], words=(), split=splits[i], speaker=["Anna B.", "بيرت"][i % 2])  # type: ignore[arg-type]
            for i, u in enumerate(all)
        ]

    dataset.update(change)
    return dataset


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", FORMATS)
def test_there_and_back_again(name: str, make_dataset: Make, tmp_path: Path) -> None:
    dataset = tricky(make_dataset)
    out = tmp_path / "out"
    exported = export_dataset(dataset, name, out)
    assert exported.utterances == 4
    assert detect(out) == name
    imported = import_dataset(out, tmp_path / "back")
    assert imported.problems == ()
    assert imported.dataset.verify() == []
    back = {u.id.replace("_", " "): u for u in imported.dataset.utterances()}
    before = {u.id: u for u in dataset.utterances()}
    assert set(back) == set(before)
    for key, old in before.items():
        new = back[key]
        assert new.seconds == pytest.approx(old.seconds, abs=1e-3)
        if name != "sovits":
            assert flat(new.text) == flat(old.text)
        if name in {"sovits", "libritts", "huggingface", "voicewright"}:
            assert new.split == old.split
        if name in {"sovits", "valle", "huggingface", "voicewright"}:
            assert new.speaker == old.speaker.rstrip(".") or new.speaker == old.speaker
        if name in {"huggingface", "voicewright"}:
            assert replace(new, audio="", sha256="") == replace(old, audio="", sha256="")
        if name in {"whisper-json", "valle", "huggingface", "voicewright", "libritts"}:
            assert np.array_equal(
                read_clip(imported.dataset.audio(new)).samples, read_clip(dataset.audio(old)).samples
            ), "at its own rate a clip is copied as it is"


@pytest.mark.parametrize("name", ["whisper-json", "valle", "libritts", "huggingface", "voicewright", "tortoise"])
def test_word_times_survive(name: str, make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    export_dataset(dataset, name, tmp_path / "out")
    back = import_dataset(tmp_path / "out", tmp_path / "back").dataset
    for old, new in zip(dataset.utterances(), back.utterances(), strict=True):
        assert [w.text for w in new.words] == [w.text for w in old.words]
        for one, two in zip(old.words, new.words, strict=True):
            assert two.start_s == pytest.approx(one.start_s, abs=1e-3)
            assert two.end_s == pytest.approx(one.end_s, abs=1e-3)


@pytest.mark.parametrize(("name", "rate"), [("ljspeech", 22_050), ("tortoise", 22_050), ("sovits", 44_100)])
def test_clips_have_the_rate_that_the_program_wants(name: str, rate: int, make_dataset: Make, tmp_path: Path) -> None:
    export_dataset(make_dataset(), name, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.wav"):
        about = describe(path)
        assert (about.rate, about.channels, about.codec) == (rate, 1, "pcm_16")
    export_dataset(make_dataset("b"), name, tmp_path / "other", ExportOptions(rate=16_000))
    assert {describe(path).rate for path in (tmp_path / "other").rglob("*.wav")} == {16_000}


@pytest.mark.parametrize("name", FORMATS)
def test_dropped_ones_and_broken_clips_are_left_out_and_told(name: str, make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.edit(Drop(at=Anchor(id="u0")))
    (dataset.folder / "clips" / "u1.wav").write_bytes(b"not sound")
    exported = export_dataset(dataset, name, tmp_path / "out")
    assert exported.utterances == 2
    assert [problem.where for problem in exported.problems] == ["u1"]
    assert not [path for path in (tmp_path / "out").rglob("*") if "u0" in path.name or "u1" in path.name]
    with pytest.raises(BadDataset, match="not empty"):
        export_dataset(dataset, name, tmp_path / "out")


@pytest.mark.parametrize("name", FORMATS)
def test_a_broken_clip_harms_no_other_on_the_way_in(name: str, make_dataset: Make, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_dataset(make_dataset(), name, out)
    broken = next(path for path in out.rglob("u1.wav"))
    broken.write_bytes(broken.read_bytes()[:2000])
    imported = import_dataset(out, tmp_path / "back")
    assert [u.id for u in imported.dataset.utterances()] == ["u0", "u2", "u3"]
    assert any("u1.wav" in str(problem) for problem in imported.problems)
    assert imported.dataset.verify() == []


def test_ljspeech_texts_cannot_hold_bars(make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.update(lambda all: [replace(all[0], text="one | two"), *all[1:]])
    exported = export_dataset(dataset, "ljspeech", tmp_path / "out")
    lines = (tmp_path / "out" / "metadata.csv").read_text("utf-8").splitlines()
    assert lines[0] == "u0|one two|one two"
    assert all(line.count("|") == 2 for line in lines)
    assert "|" in exported.problems[0].what


def test_ljspeech_numbers_are_spoken_in_the_third_column(make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.update(lambda all: [replace(all[0], text="Dr. Lee, 3 cats"), *all[1:]])
    export_dataset(dataset, "ljspeech", tmp_path / "out")
    line = (tmp_path / "out" / "metadata.csv").read_text("utf-8").splitlines()[0]
    assert line.split("|")[1] == "Dr. Lee, 3 cats"
    assert "three cats" in line.split("|")[2]


def test_ljspeech_two_columns_endings_and_bad_lines(tmp_path: Path) -> None:
    folder = tmp_path / "lj"
    (folder / "wavs").mkdir(parents=True)
    write_clip(folder / "wavs" / "a.wav", Clip(np.full(8000, 0.1), 8000))
    write_clip(folder / "wavs" / "b.flac", Clip(np.full(8000, 0.2), 8000))
    write_clip(tmp_path / "outside.wav", Clip(np.full(8000, 0.2), 8000))
    text = '\ufeffa.wav|Hello "you|\r\nb|World|world\nmissing|x\n../../outside|x\n/etc/passwd|x\nno bar\n\n'
    (folder / "metadata.csv").write_text(text, "utf-8")
    imported = import_dataset(folder, tmp_path / "out", options=ImportOptions(speaker="linda", gold=True))
    assert [(u.id, u.text, u.speaker, u.gold) for u in imported.dataset.utterances()] == [
        ("a", 'Hello "you', "linda", True),
        ("b", "World", "linda", True),
    ]
    assert [problem.where for problem in imported.problems] == [f"metadata.csv, line {n}" for n in (3, 4, 5, 6)]


def test_tortoise_takes_what_its_trainer_takes(make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.edit(SplitAt(at=Anchor(id="u0"), at_s=0.5))
    dataset.update(
        lambda all: [*all[:2], replace(all[2], text="long " * 50), replace(all[3], split="validation"), *all[4:]]
    )
    out = tmp_path / "out"
    exported = export_dataset(dataset, "tortoise", out)
    assert {problem.where for problem in exported.problems} == {"u0.1", "u1"}
    train, validation = ((out / name).read_text("utf-8") for name in ("train.txt", "validation.txt"))
    assert validation == "audio/u2.wav|Seven eight."
    assert train.split("\n") == ["audio/u0.2.wav|two three.", "audio/u3.wav|Nine ten."]
    told = json.loads((out / "whisper.json").read_text("utf-8"))
    assert told["u2.wav"]["segments"][0] | {"words": 0} == {
        "id": 0,
        "start": 0,
        "end": 1.2,
        "text": "Seven eight.",
        "words": 0,
    }
    assert told["u2.wav"]["language"] == "en"


def test_tortoise_takes_words_and_languages_from_whisper(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "audio").mkdir(parents=True)
    for name in ("whole", "talk_00003"):
        write_clip(folder / "audio" / f"{name}.wav", Clip(np.full(32_000, 0.1), 16_000))
    (folder / "train.txt").write_text("audio/whole.wav|Eins. Zwei.\naudio/talk_00003.wav|Oui.", "utf-8")
    segments = [
        {"start": i, "end": i + 1, "text": text, "words": [{"word": text, "start": i + 0.2, "end": i + 0.7}]}
        for i, text in enumerate([" Eins.", " Zwei."])
    ]
    told = {"whole.wav": {"segments": segments, "language": "de"}, "talk.mp3": {"segments": [], "language": "fr"}}
    (folder / "whisper.json").write_text(json.dumps(told), "utf-8")
    whole, part = import_dataset(folder, tmp_path / "out").dataset.utterances()
    assert [(word.text, word.start_s) for word in whole.words] == [("Eins.", 0.2), ("Zwei.", 1.2)]
    assert (whole.language, part.language) == ("de", "fr")


def test_whisper_json_of_a_long_recording_is_cut_at_its_segments(tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    (folder / "audio").mkdir(parents=True)
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 40 * 16_000)
    write_clip(folder / "audio" / "my talk.wav", Clip(samples, 16_000))
    whole = read_clip(folder / "audio" / "my talk.wav")
    word = {"word": " two", "start": 33.5, "end": 34.0, "probability": 0.5}
    segments = [
        {"id": 0, "start": 1.0, "end": 3.0, "text": " One."},
        {"id": 1, "start": 33.0, "end": 36.5, "text": " Two.", "words": [word, {"word": "x"}]},
        {"id": 2, "start": 36.0, "end": 99.0, "text": " Three."},
        {"id": 3, "start": 5.0, "end": 4.0, "text": " Backwards."},
        {"id": 4, "start": None, "end": 4.0, "text": "?"},
        {"id": 5, "start": 70.0, "end": 80.0, "text": "Beyond."},
        "nonsense",
    ]
    told = {
        "my talk.wav": {"text": "…", "segments": segments, "language": "de"},
        "gone.mp3": {"segments": []},
        "../x": {},
    }
    (folder / "whisper.json").write_text(json.dumps(told), "utf-8")
    imported = import_dataset(folder, tmp_path / "out")
    found = list(imported.dataset.utterances())
    assert [(u.id, u.text, u.language) for u in found] == [
        ("my talk_00000", "One.", "de"),
        ("my talk_00001", "Two.", "de"),
        ("my talk_00002", "Three.", "de"),
    ]
    for utterance, (start_s, end_s) in zip(found, [(1, 3), (33, 36.5), (36, 40)], strict=True):
        expected = whole.between(start_s, end_s).samples
        assert np.array_equal(read_clip(imported.dataset.audio(utterance)).samples, expected)
        assert utterance.source
        assert (utterance.source.recording, utterance.source.start_s) == ("my talk.wav", start_s)
    assert found[1].words == (TimedWord(text="Two.", start_s=0.5, end_s=1.0, score=0.5),)
    assert len(imported.problems) == 6


def test_stretches_of_a_long_file_may_overlap(tmp_path: Path) -> None:
    clip = Clip(np.random.default_rng(1).uniform(-0.5, 0.5, 100 * 8_000), 8_000)
    write_clip(tmp_path / "a.wav", clip)
    whole = read_clip(tmp_path / "a.wav")
    spans_s = [(0.0, 70.0), (1.0, 2.0), (1.5, 61.25), (60.0, 60.5), (95.0, 100.0)]
    for span_s, part in zip(spans_s, stretches(tmp_path / "a.wav", spans_s), strict=True):
        assert np.array_equal(part.samples, whole.between(*span_s).samples)


def test_sovits_folders_of_any_depth_and_any_ending(tmp_path: Path) -> None:
    raw = tmp_path / "songs" / "dataset_raw"
    tone = Clip(np.sin(np.arange(8000) * 0.1) * 0.3, 8000)
    for path in ("bob/a.wav", "bob/live/a.flac", "alice/a.ogg", "alice/.hidden.wav", "loose.wav"):
        (raw / path).parent.mkdir(parents=True, exist_ok=True)
        write_clip(raw / path, tone)
    (raw / "bob" / "notes.txt").write_text("not sound", "utf-8")
    (tmp_path / "songs" / "filelists" / "44k").mkdir(parents=True)
    (tmp_path / "songs" / "filelists" / "44k" / "val.txt").write_text("dataset/44k/bob/a.wav\n", "utf-8")
    found = {u.id: u for u in import_dataset(tmp_path / "songs", tmp_path / "out").dataset.utterances()}
    assert {name: u.speaker for name, u in found.items()} == {
        "a": "alice", "bob-a": "bob", "live-a": "bob", "loose": "speaker",
    }  # fmt: skip
    assert found["bob-a"].split == "validation"
    assert found["live-a"].split == "train"


def test_sovits_speakers_are_numbered_by_name(make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.update(
        lambda all: [replace(u, speaker=s) for u, s in zip(all, ["zoe", "../bob", "zoe", "Zoe"], strict=True)]
    )
    export_dataset(dataset, "sovits", tmp_path / "out")
    numbers = json.loads((tmp_path / "out" / "speakers.json").read_text("utf-8"))
    assert list(numbers.values()) == [0, 1, 2]
    assert list(numbers) == sorted(numbers)
    assert len(list((tmp_path / "out" / "dataset_raw").iterdir())) == 3


def test_an_alignment_line_is_what_librispeech_writes(make_dataset: Make) -> None:
    words = (
        TimedWord(text="go,", start_s=0.52, end_s=0.8),
        TimedWord(text='"do', start_s=0.8, end_s=1.1),
        TimedWord(text="you", start_s=1.4, end_s=1.6),
    )
    utterance = replace(next(make_dataset().utterances()), words=words, seconds=2.0)
    line = alignment_line("84-1-0", utterance)
    assert line == '84-1-0 ",go,do,,you," "0.52,0.8,1.1,1.4,1.6,2"\n'
    parsed = parse_alignment(line)
    assert parsed
    assert [(w.text, w.start_s, w.end_s) for w in parsed[1]] == [("go", 0.52, 0.8), ("do", 0.8, 1.1), ("you", 1.4, 1.6)]
    for bad in ("", "x", 'a ",b," "1,2"', 'a ",b," "1,0.5,2"', 'a ",b," "1,x,2"'):
        assert parse_alignment(bad) is None


def test_librispeech_with_alignments_and_transcripts(tmp_path: Path) -> None:
    book = tmp_path / "LibriSpeech" / "dev-clean" / "84" / "121123"
    book.mkdir(parents=True)
    for number in (0, 1, 2):
        write_clip(book / f"84-121123-000{number}.flac", Clip(np.full(32_000, 0.1 + number / 10), 16_000))
    line = '84-121123-0000 ",GO,,ON," "0.5,0.9,1.2,1.7,2"\nbroken\n'
    (book / "84-121123.alignment.txt").write_text(line, "utf-8")
    (book / "84-121123.trans.txt").write_text("84-121123-0001 DO YOU\n", "utf-8")
    imported = import_dataset(tmp_path / "LibriSpeech", tmp_path / "out")
    found = list(imported.dataset.utterances())
    assert [(u.text, u.speaker, u.split) for u in found] == [
        ("GO ON", "84", "validation"),
        ("DO YOU", "84", "validation"),
    ]
    assert [(w.start_s, w.end_s) for w in found[0].words] == [(0.5, 0.9), (1.2, 1.7)]
    assert len(imported.problems) == 2, "the broken line, the clip without a text"


def test_huggingface_rows_have_the_same_columns_in_every_split(make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.update(lambda all: [replace(all[0], split="test", words=(), speaker=""), *all[1:]])
    export_dataset(dataset, "huggingface", tmp_path / "out")
    rows = [json.loads(line) for p in (tmp_path / "out").rglob("*.jsonl") for line in p.read_text("utf-8").splitlines()]
    assert len(rows) == 4
    assert len({tuple((name, type(value)) for name, value in row.items()) for row in rows}) == 1
    assert sorted(p.name for p in (tmp_path / "out" / "test").iterdir()) == ["metadata.jsonl", "u0.wav"]


def test_huggingface_changes_made_elsewhere_win(make_dataset: Make, tmp_path: Path) -> None:
    dataset = make_dataset()
    export_dataset(dataset, "huggingface", tmp_path / "out")
    path = tmp_path / "out" / "train" / "metadata.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows[0]["text"] = "One two five."
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    first = next(import_dataset(tmp_path / "out", tmp_path / "back").dataset.utterances())
    assert first.text == "One two five."
    assert [w.text for w in first.words] == ["One", "two"]
    assert first.scores.cer is None
    assert first.scores.snr_db == 40.0


def test_huggingface_csv_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "hf"
    (folder / "train").mkdir(parents=True)
    write_clip(folder / "train" / "a.wav", Clip(np.full(8000, 0.1), 8000))
    text = (
        'file_name,transcription,speaker_id\ntrain/a.wav,"Hello, ""you""\nthere",7\nvalid/gone.wav,x,7\n../x.wav,x,7\n'
    )
    (folder / "metadata.csv").write_text(text, "utf-8", newline="")
    imported = import_dataset(folder, tmp_path / "out")
    (found,) = imported.dataset.utterances()
    assert (found.text, found.speaker, found.split) == ('Hello, "you"\nthere', "7", "train")
    assert len(imported.problems) == 2


def test_valle_metadata_without_whisper(make_dataset: Make, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_dataset(make_dataset(), "valle", out)
    about = json.loads((out / "metadata" / "small" / "anna.json").read_text("utf-8"))
    assert about["u2"] == {"text": "Seven eight.", "language": "en", "duration": 1.2}
    shutil.rmtree(out / "training")
    (out / "metadata" / "small" / "anna.json").write_text(json.dumps(about | {"../../x": {}, "gone": {}}), "utf-8")
    imported = import_dataset(out, tmp_path / "back")
    assert [u.text for u in imported.dataset.utterances()] == [about[f"u{i}"]["text"] for i in range(4)]
    assert len(imported.problems) == 2


def test_what_is_no_format_is_said_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"metadata\.csv.*voicewright prepare"):
        detect(tmp_path)
    with pytest.raises(BadSetting, match="ljspeech"):
        find_format("ljspeach")
    (tmp_path / "metadata.csv").write_text("a|b\n", "utf-8")
    with pytest.raises(BadDataset, match=r"nothing to import; the first problem: metadata\.csv, line 1"):
        import_dataset(tmp_path, tmp_path / "out")


def test_links_share_the_clips(make_dataset: Make, tmp_path: Path) -> None:
    export_dataset(make_dataset(), "huggingface", tmp_path / "out", ExportOptions(link=True))
    linked = import_dataset(tmp_path / "out", tmp_path / "back", options=ImportOptions(link=True)).dataset
    assert os.stat(linked.folder / "clips" / "u0.wav").st_nlink == 3  # noqa: PTH116


def test_a_name_that_is_no_utf8_survives(tmp_path: Path) -> None:
    raw = tmp_path / "in" / "dataset_raw" / "bob"
    raw.mkdir(parents=True)
    write_clip(tmp_path / "a.wav", Clip(np.full(8000, 0.1), 8000))
    try:
        os.rename(tmp_path / "a.wav", os.fsencode(raw) + b"/caf\xe9\nx.wav")  # noqa: PTH104
    except OSError:
        pytest.skip("this file system takes no such name")
    (found,) = import_dataset(tmp_path / "in", tmp_path / "out").dataset.utterances()
    assert found.id == "caf-x"


def test_merged_datasets_keep_speakers_decisions_and_every_sound_once(make_dataset: Make, tmp_path: Path) -> None:
    one = make_dataset("one", speaker="anna")
    two = make_dataset("two", speaker="bert", shift_s=0.05)
    copy = make_dataset("copy", prefix="c")
    two.edit(Drop(at=Anchor(id="u1"), reason="cough"))
    two.edit(SplitAt(at=Anchor(id="u0"), at_s=0.5))
    merged = merge([one, two, copy], tmp_path / "out")
    found = {u.id: u for u in merged.dataset.utterances()}
    assert list(found) == ["u0", "u1", "u2", "u3", "u0.1", "u0.2", "two-u1", "two-u2", "two-u3"]
    assert found["two-u1"].dropped == "cough"
    assert found["two-u1"].decision == "drop"
    assert found["u1"].kept
    assert {u.speaker for u in found.values()} == {"anna", "bert"}
    assert len(merged.problems) == 4
    assert merged.dataset.verify() == []
    assert merged.dataset.log() == []


def test_voices_without_names_in_two_datasets_are_told_when_merged(
    tmp_path: Path, make_dataset: Callable[..., Dataset]
) -> None:
    one = make_dataset("one", speaker="speaker1")
    two = make_dataset("two", speaker="speaker1", shift_s=0.2)
    problems = merge([one, two], tmp_path / "out").problems
    assert [problem.where for problem in problems] == ["speaker1"]
    assert "one" in problems[0].what
    assert "two" in problems[0].what


def test_real_speech_goes_through_every_format(tmp_path: Path) -> None:
    folder = tmp_path / "lj"
    (folder / "wavs").mkdir(parents=True)
    spoken = samples()[:2]
    for sample in spoken:
        shutil.copy(sample.path, folder / "wavs")
    text = "".join(f"{sample.path.stem}|{sample.text}\n" for sample in spoken)
    (folder / "metadata.csv").write_text(text, "utf-8")
    dataset = import_dataset(folder, tmp_path / "first", options=ImportOptions(gold=True, speaker="reader")).dataset
    plain = [u.text for u in dataset.utterances()]
    for name in FORMATS:
        export_dataset(dataset, name, tmp_path / name)
        back = list(import_dataset(tmp_path / name, tmp_path / f"{name}-back").dataset.utterances())
        assert len(back) == 2
        if name != "sovits":
            assert [u.text for u in back] == plain
