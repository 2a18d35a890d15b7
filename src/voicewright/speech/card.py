"""The card inside an output: what was said, by which voice, with which settings, and how well.

It is one JSON text in the file's own metadata (an ID3 `TXXX` frame in wav and mp3, a Vorbis comment in flac, ogg and
opus) under the key `voicewright`. It lets an output be shown, checked, replayed sample for sample, and turned into a
voice again. It marks honest use; it proves nothing about a file whose maker wants to hide, since anyone can remove it.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from voicewright.errors import BadClip, BadSetting, BadVoice
from voicewright.settings import from_dict, to_dict
from voicewright.speech.converted import ConvertedCard
from voicewright.speech.marks import AudioMark, mark_of
from voicewright.speech.options import SpeechSettings
from voicewright.speech.speech import Speech, SpeechScores, SpokenPiece, VoiceFacts
from voicewright.speech.tags import read_tag, write_tags
from voicewright.speech.takes import TakeSetting
from voicewright.text.piece import Piece

CARD_FORMAT = 1
NOTES = {"speech": "synthetic speech made with voicewright", "conversion": "voice converted with voicewright"}
UNCHANGED = {"speech": "the sound and the text are those of the card", "conversion": "the sound is that of the card"}
TITLE_LETTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPiece:
    """A piece of the text, where it is in the sound, and the setting of the take that was kept."""

    piece: Piece
    start_s: float
    end_s: float
    setting: TakeSetting
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """See the module. `audio` is filled in when the card is written; `voice_file` is a .voice file in base64, or ""."""

    tool: str
    created: str
    text_sha256: str
    voice: VoiceFacts
    settings: SpeechSettings
    pieces: tuple[CardPiece, ...]
    scores: SpeechScores
    audio: AudioMark | None = None
    voice_file: str = ""
    format: int = CARD_FORMAT

    @property
    def text(self) -> str:
        return "".join(part.piece.text for part in self.pieces)

    @property
    def kind(self) -> str:
        return "speech"

    @property
    def title(self) -> str:
        return self.text


AnyCard = Card | ConvertedCard
C = TypeVar("C", Card, ConvertedCard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Exactly what is needed to speak a text again: `Narration(engine, voice, pieces, settings, kept=kept)`.

    With the same voice content, engine weights and machine it gives the same samples; the checks are not run again.
    """

    voice: VoiceFacts
    pieces: tuple[Piece, ...]
    settings: SpeechSettings
    kept: tuple[TakeSetting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCheck:
    """What `verify` found: whether the sound and the text are those of the card, in words too."""

    card: AnyCard | None
    unchanged: bool
    told: str


def card_of(speech: Speech, *, voice_file: bytes = b"") -> Card:
    """The card of a speech; `voice_file` puts the voice itself into it (the content of a .voice file)."""
    return Card(
        tool=f"voicewright {_version()}",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        text_sha256=_text_sha256(speech.text),
        voice=speech.voice,
        settings=speech.settings,
        pieces=tuple(_card_piece(part) for part in speech.parts),
        scores=speech.scores,
        voice_file=base64.b64encode(voice_file).decode(),
    )


def settings_of(card: Card) -> Replay:
    """What to speak again, and how."""
    return Replay(
        voice=card.voice,
        pieces=tuple(part.piece for part in card.pieces),
        settings=card.settings,
        kept=tuple(part.setting for part in card.pieces),
    )


def write_card(path: Path, card: C) -> C:
    """Put `card` into the sound file at `path`, with the mark of its sound, and tags that any player shows.

    The sound itself stays as it is, byte for byte. The file is replaced as a whole or not at all.

    Raises:
        BadClip: the file is missing, damaged, or of a format that holds no card (wav, flac, ogg, opus, mp3 do).
    """
    card = replace(card, audio=mark_of(path))
    title = " ".join(card.title.split())
    title = title if len(title) <= TITLE_LETTERS else title[: TITLE_LETTERS - 1] + "…"
    text = json.dumps(to_dict(card), ensure_ascii=False, separators=(",", ":"))
    write_tags(path, text, {"title": title, "artist": card.voice.name, "comment": NOTES[card.kind]})
    return card


def read_card(path: Path) -> AnyCard | None:
    """The card in the sound file at `path`; None when it has none.

    Raises:
        BadClip: no such file, damaged, or its card is of another format version or broken.
    """
    text = read_tag(path)
    if text is None:
        return None
    try:
        given = json.loads(text)
        version = given.get("format") if isinstance(given, dict) else None
        if version != CARD_FORMAT:
            raise BadClip(f"{path}: its card has format {version!r}; this version of voicewright reads {CARD_FORMAT}")
        if given.get("kind") == "conversion":
            return from_dict(ConvertedCard, given, where="card")
        return from_dict(Card, given, where="card")
    except (ValueError, BadSetting) as problem:
        raise BadClip(f"{path}: its card is damaged ({problem}); the sound itself may be fine") from problem


def verify(path: Path) -> CardCheck:
    """Whether the sound at `path` and the text in its card are still those that the card was made for.

    Raises:
        BadClip: as `read_card`.
    """
    card = read_card(path)
    if card is None or card.audio is None:
        return CardCheck(card=card, unchanged=False, told="it has no card, or the card was removed")
    if isinstance(card, Card) and _text_sha256(card.text) != card.text_sha256:
        return CardCheck(card=card, unchanged=False, told="the text in the card is not the one that was spoken")
    if mark_of(path).sha256 != card.audio.sha256:
        return CardCheck(card=card, unchanged=False, told="the sound was changed after the card was written")
    return CardCheck(card=card, unchanged=True, told=UNCHANGED[card.kind])


def extract_voice(path: Path) -> bytes | None:
    """The .voice file inside the card of `path`, as it was; None when there is none. Read it as any foreign voice.

    Raises:
        BadClip: as `read_card`.
        BadVoice: what is there is not base64.
    """
    card = read_card(path)
    if card is None or not card.voice_file:
        return None
    try:
        return base64.b64decode(card.voice_file, validate=True)
    except binascii.Error as problem:
        raise BadVoice(f"{path}: the voice in its card is damaged ({problem})") from problem


def _card_piece(part: SpokenPiece) -> CardPiece:
    problems = part.take.scores.problems if part.take.scores else ()
    return CardPiece(
        piece=part.piece, start_s=part.start_s, end_s=part.end_s, setting=part.take.setting, problems=problems
    )


def _text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _version() -> str:
    from importlib.metadata import version

    return version("voicewright")
