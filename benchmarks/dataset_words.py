"""How right the texts of a dataset are: against a table of what is really said.

    voicewright prepare /usr/share/asterisk/sounds/en_US_f_Allison --speaker allison -o datasets/prompts
    python benchmarks/dataset_words.py datasets/prompts /usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz

Counts words over whole recordings, dropped clips too, and shows how many of the wrong recordings a human was told of.
"""

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from voicewright.data.cleaning import clean
from voicewright.data.dataset import Dataset
from voicewright.data.sources import SOURCES, read_recordings
from voicewright.data.transcripts.reading import for_recording, read_transcript
from voicewright.data.utterance import Utterance
from voicewright.measure.intelligibility import WordErrors, word_errors


def main(
    dataset: Path,
    table: Path,
    worst: Annotated[int, typer.Option(help="List so many recordings with the most wrong words.")] = 10,
) -> None:
    recordings = read_recordings(dataset / "work" / SOURCES)
    clips: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in Dataset.open(dataset).utterances():
        if utterance.source:
            clips[utterance.source.recording].append(utterance)
    transcript = read_transcript(table, names=[recording.label for recording in recordings])
    rows: list[tuple[str, str, str, WordErrors]] = []
    for recording in recordings:
        lines = for_recording(transcript, recording.name, recording.label, False) or []
        said = clean(" ".join(line.text for line in lines)).text
        heard = " ".join(each.text for each in sorted(clips[recording.name], key=start_s))
        if said:
            rows.append((recording.name, said, heard, word_errors(said, heard)))
    words, wrong = sum(errors.words for *_, errors in rows), sum(errors.wrong for *_, errors in rows)
    faulty = {name for name, *_, errors in rows if errors.wrong}
    told = {name for name in faulty if any(each.flags or each.dropped for each in clips[name])}
    print(f"{len(rows)} recordings with text, {words} words, {wrong} wrong: {100 * wrong / words:.2f} %")
    print(f"{len(faulty)} recordings with a wrong word, {len(told)} of them flagged or dropped")
    for name, said, heard, errors in sorted(rows, key=lambda row: -row[3].wrong)[:worst]:
        print(f"  {name}: {errors.wrong} wrong\n    said:  {said[:100]}\n    heard: {heard[:100]}")


def start_s(utterance: Utterance) -> float:
    return utterance.source.start_s if utterance.source else 0.0


if __name__ == "__main__":
    typer.run(main)
