"""LibriTTS and Real-Time-Voice-Cloning: `SUBSET/SPEAKER/BOOK/NAME.wav` with `NAME.original.txt` and
`NAME.normalized.txt`, and word times in `SPEAKER-BOOK.alignment.txt` as of the LibriSpeech alignments.

An alignment's line is `NAME ",ONE,TWO," "0.52,0.81,1.2,1.9"`: words and the times they end, with an empty word for each
silence, one at the beginning and one at the end always. LibriSpeech's `*.trans.txt` is read too. A name cannot hold a
space here, nor a word a comma or a quotation mark.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from voicewright.data.dataset import Dataset
from voicewright.data.formats.base import (
    SPLIT_NAMES,
    Exported,
    ExportOptions,
    Found,
    ImportOptions,
    Shelf,
    lines_of,
    one_line,
    read_text,
    sounds_below,
    spoken,
)
from voicewright.data.problems import Problem
from voicewright.data.surgery import kept_words
from voicewright.data.utterance import Split, TimedWord, Utterance
from voicewright.errors import BadDataset
from voicewright.progress import Progress

TITLE = "LibriTTS / Real-Time-Voice-Cloning: SUBSET/SPEAKER/BOOK/, texts beside clips, alignments"
LOOKS_FOR = "NAME.normalized.txt, NAME.original.txt, *.alignment.txt or *.trans.txt beside clips"
SUBSETS: dict[Split, str] = {"train": "train", "validation": "dev", "test": "test"}
SILENCE_S = 0.01
"""Between two words; less is no silence."""
TEXTS = (".original.txt", ".normalized.txt", ".txt", ".lab")
LINE = re.compile(r'^(\S+)\s+"([^"]*)"\s+"([^"]*)"\s*$')


def marks(folder: Path) -> bool:
    patterns = ("*.normalized.txt", "*.original.txt", "*.alignment.txt", "*.trans.txt")
    return any(next(folder.rglob(pattern), None) for pattern in patterns)


def export(dataset: Dataset, out: Path, options: ExportOptions, progress: Progress) -> Exported:
    shelf = Shelf(dataset=dataset, out=out, options=options, progress=progress, spaces=False)
    aligned: dict[Path, list[str]] = defaultdict(list)
    for utterance in shelf.chosen():
        if not utterance.text.strip():
            shelf.note(utterance, "left out: it has no text")
            continue
        book = shelf.folder_of(utterance.source.recording) if utterance.source else "book"
        speaker = shelf.folder_of(utterance.speaker)
        path = shelf.add(utterance, f"{SUBSETS[utterance.split]}/{speaker}/{book}")
        if path is None:
            continue
        text = one_line(utterance.text)
        path.with_name(f"{path.stem}.original.txt").write_text(text + "\n", "utf-8", newline="\n")
        said = spoken(text, utterance.language)
        path.with_name(f"{path.stem}.normalized.txt").write_text(said + "\n", "utf-8", newline="\n")
        if utterance.words:
            aligned[path.parent / f"{speaker}-{book}.alignment.txt"].append(alignment_line(path.stem, utterance))
    for list_path, lines in aligned.items():
        list_path.write_text("".join(lines), "utf-8", newline="\n")
    return shelf.done()


def read(folder: Path, options: ImportOptions) -> Iterator[Found | Problem]:
    alignments: dict[Path, tuple[TimedWord, ...]] = {}
    texts: dict[Path, str] = {}
    for path in sorted(folder.rglob("*.alignment.txt")):
        for where, line in _lines(path):
            if isinstance(line, Problem):
                yield line
            elif (parsed := parse_alignment(line)) is None:
                yield Problem(where=where, what='not a line of the form ID ",WORD," "0.1,0.5,0.9"')
            else:
                alignments[path.parent / parsed[0]] = parsed[1]
    for path in sorted(folder.rglob("*.trans.txt")):
        for _, line in _lines(path):
            if isinstance(line, Problem):
                yield line
            else:
                name, _, text = line.partition(" ")
                texts[path.parent / name] = text.strip()
    for audio in sounds_below(folder):
        key = audio.with_name(audio.stem)
        words = alignments.get(key, ())
        try:
            text = _text_beside(audio) or texts.get(key, "") or " ".join(word.text for word in words)
        except BadDataset as problem:
            yield Problem(where=str(audio), what=str(problem))
            continue
        if not text:
            yield Problem(where=str(audio.relative_to(folder)), what="there is no text beside it, nor an alignment")
            continue
        speaker, split = _place(audio, folder)
        yield Found(
            audio=audio, name=audio.stem, text=text, words=kept_words(words, text), speaker=speaker, split=split
        )


def alignment_line(name: str, utterance: Utterance) -> str:
    """The words of an utterance and when they end, a silence before, after, and wherever there is one between."""
    words, ends = [""], [utterance.words[0].start_s]
    for index, word in enumerate(utterance.words):
        if index and word.start_s - ends[-1] > SILENCE_S:
            words.append("")
            ends.append(word.start_s)
        words.append(re.sub(r'[\s",]+', "", word.text) or "-")
        ends.append(word.end_s)
    times = ",".join(f"{time:.4f}".rstrip("0").rstrip(".") for time in [*ends, utterance.seconds])
    return f'{name} "{",".join([*words, ""])}" "{times}"\n'


def parse_alignment(line: str) -> tuple[str, tuple[TimedWord, ...]] | None:
    """Name and words of a line; None if it is none."""
    match = LINE.match(line)
    if not match:
        return None
    words = match[2].split(",")
    try:
        ends = [float(time) for time in match[3].split(",")]
    except ValueError:
        return None
    if len(words) != len(ends) or any(b < a for a, b in pairwise(ends)):
        return None
    return match[1], tuple(_timed(words, ends))


def _timed(words: Sequence[str], ends: Sequence[float]) -> Iterator[TimedWord]:
    start_s = 0.0
    for word, end_s in zip(words, ends, strict=True):
        if word:
            yield TimedWord(text=word, start_s=start_s, end_s=end_s)
        start_s = end_s


def _lines(path: Path) -> Iterator[tuple[str, str | Problem]]:
    try:
        yield from lines_of(path)
    except BadDataset as problem:
        yield path.name, Problem(where=str(path), what=str(problem))


def _text_beside(audio: Path) -> str:
    for ending in TEXTS:
        path = audio.with_name(f"{audio.stem}{ending}")
        if path.is_file() and (text := one_line(read_text(path))):
            return text
    return ""


def _place(audio: Path, folder: Path) -> tuple[str, Split]:
    """Speaker and split from the folders above a clip."""
    *above, speaker, _book = ["", "", "", *audio.relative_to(folder).parts[:-1]]
    split: Split = next(
        (SPLIT_NAMES[word] for part in reversed(above) if (word := part.split("-")[0]) in SPLIT_NAMES), "train"
    )
    return speaker, split
