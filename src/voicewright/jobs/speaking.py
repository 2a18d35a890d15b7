"""Jobs that speak: a text, and single pieces of it once more."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicewright.audio.clip import Clip
from voicewright.audio.files import SoundWriter
from voicewright.errors import BadJob, BadSetting
from voicewright.jobs.places import Places
from voicewright.jobs.plain import plain
from voicewright.jobs.soundstream import StreamWriter
from voicewright.jobs.work import Work
from voicewright.settings import from_dict, to_dict
from voicewright.speech.assemble import Narration
from voicewright.speech.journal import Journal
from voicewright.speech.options import Output, SpeechSettings
from voicewright.speech.output import write_beside
from voicewright.speech.speech import Speech, SpokenPiece
from voicewright.speech.takes import speak_piece
from voicewright.text.lexicon import Lexicon
from voicewright.text.piece import Piece
from voicewright.text.split import split

if TYPE_CHECKING:
    from voicewright.studio import Studio
    from voicewright.voice.voice import Voice

PIECES = "pieces.json"
LEXICON = "lexicon.txt"
FORMATS = ("wav", "flac", "ogg", "mp3")


class KeptJournal(Journal):
    """A journal that stays when the work is done: single pieces may be wished once more."""

    def finish(self) -> None:
        """It stays."""


def journal_of(folder: Path, name: str) -> KeptJournal:
    """The finished pieces of the speaking job called `name`."""
    return KeptJournal(folder / "pieces", name)


def voice_for(studio: "Studio", places: Places, request: Mapping[str, Any]) -> "Voice":
    """The voice that a request names: of the library, or what a run learned. Raises UnknownVoice, BadVoice, BadRun."""
    name, engine = str(request.get("voice", "")), str(request.get("engine", ""))
    if engine.startswith("runs/"):
        return studio.training.voice_of(places.run(engine.removeprefix("runs/")), name)
    return studio.voice(name or None)


def settings_for(request: Mapping[str, Any]) -> SpeechSettings:
    """How a request wants its text spoken. Raises BadSetting."""
    return from_dict(SpeechSettings, request.get("settings") or {}, where="settings")


def speak(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """The text in the voice, into out/speech.FORMAT; its sound can be heard while it is made."""
    request = work.request
    lexicon = None
    if request.get("lexicon"):
        lexicon = work.folder / LEXICON
        lexicon.write_text(request["lexicon"], "utf-8")
    voice = voice_for(studio, places, request)
    narration = studio.narrate(
        request["text"], voice=voice, settings=settings_for(request), lexicon=lexicon, progress=work.progress
    )
    return _narrated(narration, voice, work)


def redo(studio: "Studio", places: Places, work: Work) -> Mapping[str, Any]:
    """An earlier speech with some pieces spoken anew; the others stay sample for sample."""
    parent, folder = work.of(work.request["parent"])
    voice, settings = voice_for(studio, places, parent.request), settings_for(parent.request)
    engine = studio.engine(voice.engine)
    old, new = journal_of(folder, parent.id), journal_of(work.folder, work.job.id)
    lexicon = folder / LEXICON if (folder / LEXICON).is_file() else None
    if lexicon:
        (work.folder / LEXICON).write_bytes(lexicon.read_bytes())
    wishes = {int(wish["index"]): wish for wish in work.request["pieces"]}
    rows = _changed(_read_pieces(folder), wishes, lexicon)
    checker = studio.meters.checker(settings.check, voice.language)
    anew = sum(seed is not None for _, _, seed in rows)
    for index, (piece, before, seed) in enumerate(rows):
        if new.find(index) is not None:
            continue  # from before the program died
        found = old.find(before) if seed is None else None
        if found is None:
            work.progress(f"speaking piece {index + 1} of {len(rows)}", index, len(rows) + anew)
            options = replace(settings.speak, seed=seed if seed is not None else settings.speak.seed)
            found = speak_piece(engine, piece, voice, options, checker, settings.check)
        new.keep(index, *found)
    pieces = [piece for piece, _, _ in rows]
    narration = Narration(engine, voice, pieces, settings, checker=checker, progress=work.progress)
    return {**_narrated(narration, voice, work), "parent": parent.id}


def _narrated(narration: Narration, voice: "Voice", work: Work) -> dict[str, Any]:
    """The narration into the job's folder: its sound, its stream, its pieces, and what there is to tell."""
    request = work.request
    ending = request.get("format", "wav")
    if ending not in FORMATS:
        raise BadSetting(f"format must be one of {', '.join(FORMATS)}, got {ending!r}")
    _write_pieces(work.folder, narration.pieces)
    narration.journal = journal_of(work.folder, work.job.id)
    out = work.out / f"speech.{ending}"
    stream = StreamWriter(work.folder, narration.rate)
    try:
        with SoundWriter(out, narration.rate) as writer:
            for clip in narration:
                writer.write(clip)
                stream.write(clip)
    finally:
        stream.close()
    speech = narration.speech(out)
    write_beside(out, speech, voice, Output(subtitles=request.get("subtitles")))
    return told(speech, narration.rate)


def told(speech: Speech, rate: int) -> dict[str, Any]:
    """A speech as plain data."""
    return {
        "seconds": speech.seconds,
        "rate": rate,
        "voice": plain(speech.voice),
        "settings": to_dict(speech.settings),
        "scores": plain(speech.scores),
        "pieces": [_piece_told(index, part) for index, part in enumerate(speech.parts)],
    }


def piece_sound(folder: Path, name: str, index: int) -> Clip:
    """One finished piece of a speech, by itself. Raises BadJob: it is not finished, or there is none."""
    found = journal_of(folder, name).find(index)
    if found is None or not len(found[0]):
        raise BadJob(f"piece {index} of this speech is not there (yet)")
    return found[0]


def _piece_told(index: int, part: SpokenPiece) -> dict[str, Any]:
    scores = part.take.scores
    return {
        "index": index,
        "text": part.text,
        "spoken": part.spoken,
        "start_s": part.start_s,
        "end_s": part.end_s,
        "passed": part.take.passed,
        "told": str(part.take),
        "seed": part.take.setting.seed,
        "words_wrong": scores.words_wrong if scores else None,
        "words": scores.words if scores else 0,
        "similarity": plain(scores.similarity) if scores else None,
    }


Row = tuple[Piece, int, int | None]
"""A piece, the index that it had (-1: none), and the seed it is spoken anew with; None: it stays."""


def _changed(pieces: Sequence[Piece], wishes: Mapping[int, Mapping[str, Any]], lexicon: Path | None) -> list[Row]:
    """The pieces after the wishes. Raises BadJob: a wish for a piece that is not there. BadText: nothing to speak."""
    if strangers := sorted(set(wishes) - set(range(len(pieces)))):
        raise BadJob(f"this speech has no piece {strangers[0]}; it has {len(pieces)}, numbered from 0")
    rows: list[Row] = []
    for index, piece in enumerate(pieces):
        wish = wishes.get(index)
        if wish is None:
            rows.append((piece, index, None))
            continue
        seed = wish.get("seed")
        seed = secrets.randbelow(2**31) if seed is None else int(seed)
        text = wish.get("text")
        anew = [piece] if text is None or text == piece.text else _respoken(text, piece, lexicon)
        rows += [(each, -1, seed) for each in anew]
    return rows


def _respoken(text: str, before: Piece, lexicon: Path | None) -> list[Piece]:
    """An edited text in pieces, in the place of `before`: with its white space and its pause at the end."""
    found = split(text.strip(), language=before.language, lexicon=Lexicon.read(lexicon) if lexicon else None)
    space = before.text[len(before.text.rstrip()) :]
    last = replace(found[-1], text=found[-1].text + space, pause_s=before.pause_s)
    return [*found[:-1], last]


def _write_pieces(folder: Path, pieces: Sequence[Piece]) -> None:
    (folder / PIECES).write_text(json.dumps([to_dict(piece) for piece in pieces]), "utf-8")


def _read_pieces(folder: Path) -> list[Piece]:
    path = folder / PIECES
    if not path.is_file():
        raise BadJob("that job spoke nothing that could be spoken anew; speak the text again")
    return [from_dict(Piece, each, where="piece") for each in json.loads(path.read_text("utf-8"))]
