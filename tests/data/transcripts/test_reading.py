"""What people give as transcripts, and what is understood of it."""

import gzip
import json
from pathlib import Path

import pytest

from voicewright.data.transcripts.decoding import LARGEST_BYTES
from voicewright.data.transcripts.line import Line
from voicewright.data.transcripts.reading import beside, for_recording, read_transcript
from voicewright.errors import BadDataset

SHORT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
2
<exists>
2
"IntervalTier"
"Jane - words"
0
2
2
0
1
"hello"
1
2
"there"
"IntervalTier"
"Jane"
0
2
1
0
2
"Hello there."
"""


def lines_of(path: Path, content: str | bytes, names: list[str] | None = None) -> list[Line]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_transcript(path, names or []).lines)


def said(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line.speaker, line.text) for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "Jane Smith: Good evening.\nAnd welcome.\nDr. Bob: Thanks: really.\nJane Smith: So?\n",
        "Jane Smith| Good evening.\nAnd welcome.\nDr. Bob| Thanks: really.\nJane Smith| So?\n",
        "[00:00:01] Jane Smith: Good evening.\n\nAnd welcome.\n[0:03] Dr. Bob: Thanks: really.\n[0:04] Jane Smith: So?",
    ],
)
def test_speakers_are_told_from_words(tmp_path: Path, text: str) -> None:
    assert said(lines_of(tmp_path / "a.txt", text)) == [
        ("Jane Smith", "Good evening."),
        ("Jane Smith", "And welcome."),
        ("Dr. Bob", "Thanks: really."),
        ("Jane Smith", "So?"),
    ]


def test_times_before_a_name_are_read(tmp_path: Path) -> None:
    lines = lines_of(tmp_path / "a.txt", "[01:02:03.5] JANE: Hello.\n(00:04) BOB: Hi.\n")
    assert [line.start_s for line in lines] == [3723.5, 4.0]


def test_a_colon_in_prose_is_no_speaker(tmp_path: Path) -> None:
    text = "It was late.\nThere was one thing: fear.\nHe said: run!\nAt 12:30 they met. See https://example.org/a\n"
    assert {speaker for speaker, _ in said(lines_of(tmp_path / "a.txt", text))} == {""}


def test_the_place_of_a_line_can_be_found_again(tmp_path: Path) -> None:
    lines = lines_of(tmp_path / "talk.txt", "One.\n\nThree.\n")
    assert [line.place for line in lines] == ["talk.txt, line 1", "talk.txt, line 3"]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b""), ("utf-16-le", b"")],
)
def test_encodings_of_windows_editors_are_read(tmp_path: Path, encoding: str, mark: bytes) -> None:
    text = "Jane: Café, naïve.\r\nBob: Yes\x07.\r\nJane: No.\r\n"
    lines = lines_of(tmp_path / "a.txt", mark + text.encode(encoding))
    assert said(lines) == [("Jane", "Café, naïve."), ("Bob", "Yes."), ("Jane", "No.")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"One.\nCaf\xe9.\n", ["line 2", "0xE9", "Café", "iconv"]),
        (b"", ["empty"]),
        (b"\xef\xbb\xbf \r\n", ["empty"]),
        (bytes(range(256)) * 40, ["a.txt"]),
        (b"a\n" * (LARGEST_BYTES // 2 + 1), ["50 MB"]),
    ],
    ids=["latin-1", "empty", "blank", "binary", "huge"],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, words: list[str]) -> None:
    with pytest.raises(BadDataset) as problem:
        lines_of(tmp_path / "a.txt", content)
    assert all(word in str(problem.value) for word in words)


def test_a_missing_file_and_a_broken_archive_are_reported(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"none\.txt"):
        read_transcript(tmp_path / "none.txt")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"hello " * 99)[:-12])
    with pytest.raises(BadDataset, match="unpacked"):
        read_transcript(tmp_path / "a.txt.gz")


def test_subrip(tmp_path: Path) -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,500\nJANE: Hello <i>there</i>,\nfriend.\n\n"
        "2\n00:01:00,000 --> 00:01:01,000\n- Who?\n- BOB: Me.\n"
    )
    lines = lines_of(tmp_path / "a.srt", text)
    assert said(lines) == [("JANE", "Hello there, friend."), ("", "Who?"), ("BOB", "Me.")]
    assert [(line.start_s, line.end_s) for line in lines] == [(1.0, 2.5), (None, None), (None, None)]


def test_webvtt_voices(tmp_path: Path) -> None:
    text = (
        "WEBVTT\n\nNOTE made by hand\n\nintro\n00:01.000 --> 00:02.000 align:start\n"
        "<v Jane Smith>Fish &amp; chips\n\n00:02.000 --> 00:04.000\n<v.loud Bob>No!</v> <v Jane Smith>Yes.</v>\n"
    )
    lines = lines_of(tmp_path / "a.vtt", text)
    assert said(lines) == [("Jane Smith", "Fish & chips"), ("Bob", "No!"), ("Jane Smith", "Yes.")]
    assert lines[0].start_s == 1.0
    assert lines[0].end_s == 2.0


def test_textgrid_with_words(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path / "a.TextGrid", SHORT_GRID)
    assert (line.speaker, line.text, line.start_s, line.end_s) == ("Jane", "Hello there.", 0.0, 2.0)
    assert [(word.text, word.start_s) for word in line.words] == [("hello", 0.0), ("there", 1.0)]


def test_textgrid_in_the_long_format_and_utf_16(tmp_path: Path) -> None:
    from praatio import textgrid

    grid = textgrid.Textgrid()
    grid.addTier(textgrid.IntervalTier("Bob", [(0.5, 1.5, 'He said "né"')], 0, 3))
    grid.addTier(textgrid.IntervalTier("phones", [(0.5, 0.6, "h")], 0, 3))
    grid.save(str(tmp_path / "long.TextGrid"), format="long_textgrid", includeBlankSpaces=True)
    text = (tmp_path / "long.TextGrid").read_text("utf-8")
    (line,) = lines_of(tmp_path / "a.TextGrid", text.encode("utf-16"))
    assert (line.speaker, line.text, line.start_s) == ("Bob", 'He said "né"', 0.5)


@pytest.mark.parametrize("text", ["ooTextFile nonsense", SHORT_GRID[:70], SHORT_GRID.replace("Interval", "Text")])
def test_a_broken_textgrid_is_reported(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadDataset, match=r"a\.TextGrid"):
        lines_of(tmp_path / "a.TextGrid", text)


def test_json_of_whisper(tmp_path: Path) -> None:
    words = [{"word": " Hi", "start": 1, "end": 1.5}]
    text = json.dumps({"text": "Hi you.", "segments": [{"start": 1, "end": 2.5, "text": " Hi you.", "words": words}]})
    (line,) = lines_of(tmp_path / "a.json", text)
    assert (line.text, line.start_s, line.end_s, line.words[0].text) == ("Hi you.", 1.0, 2.5, "Hi")
    (tmp_path / "b.json").write_text('{"one.wav": {"segments": [{"text": "One."}]}, "two.wav": {"text": "Two."}}')
    found = read_transcript(tmp_path / "b.json")
    assert {name: lines[0].text for name, lines in found.table.items()} == {"one.wav": "One.", "two.wav": "Two."}


@pytest.mark.parametrize("text", ["{", "[1]", '{"segments": 3}', '{"segments": [{"text": "a", "start": "x"}]}', "3"])
def test_json_of_another_kind_is_reported(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadDataset, match=r"a\.json"):
        lines_of(tmp_path / "a.json", text)


def test_times_that_run_backwards_are_reported_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"a\.srt, cue 1"):
        lines_of(tmp_path / "a.srt", "1\n00:00:09,000 --> 00:00:02,500\nHello.\n")


TABLE = [
    "; a remark of whoever made it\n\nhello: Hello: you.\ndigits/1: one\nbeep: [a tone]\n",
    "hello|Hello: you.\ndigits/1|one\nbeep|[a tone]\n",
    "hello.wav|Hello: you.|hello you\ndigits/1.wav|one|one\nbeep.wav|[a tone]|tone\n",
    "hello\tHello: you.\ndigits/1\tone\nbeep\t[a tone]\n",
    'path,sentence,speaker\nhello.wav,"Hello: you.",\ndigits/1.wav,one,\nbeep.wav,[a tone],\n',
    "hello.wav|anna|Hello: you.\ndigits/1.wav|anna|one\nbeep.wav|anna|[a tone]\n",
]


@pytest.mark.parametrize("text", TABLE)
def test_tables_name_recordings(tmp_path: Path, text: str) -> None:
    recordings = ["hello.g722", "digits/1.g722", "beep.g722", "other/9.g722"]
    (tmp_path / "table.txt.gz").write_bytes(gzip.compress(text.encode()))
    found = read_transcript(tmp_path / "table.txt.gz", recordings)
    texts = [for_recording(found, Path(name).stem, name, False) for name in recordings]
    assert [lines and lines[0].text for lines in texts] == ["Hello: you.", "one", "[a tone]", None]
    assert found.speakers == (("anna",) if "anna" in text else ())


def test_a_recording_called_like_its_speaker_is_no_table(tmp_path: Path) -> None:
    text = "narrator: Once upon a time.\nguest: When?\nnarrator: Long ago.\nguest: I see.\n"
    (tmp_path / "talk.txt").write_text(text)
    assert read_transcript(tmp_path / "talk.txt", ["narrator.wav"]).speakers == ("narrator", "guest")


def test_lines_without_names_belong_to_the_only_recording_or_the_one_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("Hello there.\n")
    found = read_transcript(tmp_path / "talk.txt")
    assert for_recording(found, "x", "x.wav", True)
    assert for_recording(found, "talk", "sub/talk.wav", False)
    assert for_recording(found, "x", "x.wav", False) is None


def test_a_table_with_a_broken_row_says_where(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="line 3"):
        lines_of(tmp_path / "a.csv", "file,text\na.wav,One\nb.wav\n")
    with pytest.raises(BadDataset, match="line 2"):
        lines_of(tmp_path / "a.csv", "file,text\na.wav,One, and two\n")


def test_a_recording_with_the_longest_possible_name_has_no_transcript_beside_it(tmp_path: Path) -> None:
    recording = tmp_path / ("x" * 251 + ".wav")
    recording.write_bytes(b"sound")
    assert beside(recording) is None


@pytest.mark.parametrize("name", ["clip.txt", "clip.normalized.txt", "clip.srt", "clip.TextGrid", "clip.txt.gz"])
def test_a_transcript_beside_its_recording_is_found(tmp_path: Path, name: str) -> None:
    recording = tmp_path / "clip.wav"
    assert beside(recording) is None
    (tmp_path / "clip.json").write_text("{}")
    assert beside(recording) is None
    (tmp_path / name).write_text("x")
    assert beside(recording) == tmp_path / name
