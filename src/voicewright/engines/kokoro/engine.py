"""`KokoroEngine`: makes voices by style inversion and speaks with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.pitch import SwiftPitch
from voicewright.engines.kokoro.adapters import has_adapters, merge
from voicewright.engines.kokoro.enrolment import PLANS, SENTENCES, TRIALS, Enrolled, Enrolment, Judges
from voicewright.engines.kokoro.inversion import Inversion, Phrase
from voicewright.engines.kokoro.network import Kokoro, Score, load_network
from voicewright.engines.kokoro.start import load_start
from voicewright.engines.kokoro.style import Style, StylePrior, load_prior
from voicewright.engines.kokoro.target import Target
from voicewright.engines.kokoro.twin import tiny_listener, tiny_network, tiny_prior
from voicewright.engines.options import ConvertOptions, EnrollOptions, SpeakOptions
from voicewright.engines.recipe import Lesson
from voicewright.errors import BadSetting, BadText, MissingWeights, StaleVoice, WrongVoice
from voicewright.measure.intelligibility import WhisperRecogniser
from voicewright.measure.naturalness import Dnsmos
from voicewright.measure.similarity import load_encoder
from voicewright.nn.campplus import load_campplus
from voicewright.nn.ge2e import load_ge2e
from voicewright.nn.phones import PhoneNetwork, load_phones
from voicewright.nn.precision import choose_precision
from voicewright.nn.whisper_encoder import WhisperEncoder
from voicewright.progress import Progress, silent
from voicewright.text.languages import resolve_language
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer
from voicewright.text.piece import Piece
from voicewright.text.tokens import encode
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store

if TYPE_CHECKING:
    from voicewright.engines.kokoro.conversion import KokoroConverter, Listener
    from voicewright.engines.kokoro.recipe import TuningRecipe

T = TypeVar("T")

NAME = "kokoro"
LICENCE = "Apache-2.0"
LIVELINESS = 0.1
"""How far a seed other than 0 moves the prosody, in units of the spread between public voices: another reading of the
same words, by the same speaker."""

HOME_PHONEMES = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˌOvəɹ ðə lˈAzi dˈɔɡ."
"""What a voice says, unheard, to tell its usual pitch."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A network, the content id of its weights, and what is known of styles."""

    network: Kokoro
    weights: str
    prior: StylePrior
    name: str = NAME
    sensible: bool = True
    """Whether its speech means anything."""


def published_parts(store: Store) -> Parts:
    """Kokoro-82M. Raises MissingWeights, BadWeights."""
    return Parts(*load_network(store.file(NAME, "model.safetensors")), load_prior(store.file("kokoro-prior")))


def tiny_parts() -> Parts:
    """The tiny twin."""
    return Parts(*tiny_network(), tiny_prior(), name=f"{NAME}-tiny", sensible=False)


class KokoroEngine:
    """Kokoro-82M. See `voicewright.engines.base.Speaks` and `voicewright.engines.recipe.Trains` for what its methods
    promise.

    Args:
        store: where its weights come from.
        parts: what to run instead of the published network: its tiny twin.

    Raises:
        BadSetting: another device than the CPU, or an unknown precision.
        MissingWeights, BadWeights: its weights are not to be had, or are not the right ones.
    """

    def __init__(
        self, store: Store, *, device: str = "cpu", precision: str = "auto", parts: Parts | None = None
    ) -> None:
        if device != "cpu":
            raise BadSetting(f"the engine {NAME!r} runs on the CPU only, not on {device!r}; leave the device out")
        self.dtype = choose_precision(precision, device=device)
        self._store, self._given = store, parts
        parts = parts or published_parts(store)
        self._network, self._weights, self._prior = parts.network, parts.weights, parts.prior
        self._name, self._sensible = parts.name, parts.sensible
        self._network.decoder.run_in(self.dtype)
        self._phonemizers: dict[str, Phonemizer] = {}
        self._merged: tuple[Voice, Kokoro] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def rate(self) -> int:
        return self._network.config.rate

    @property
    def weights(self) -> str:
        return self._weights

    @property
    def licence(self) -> str:
        return LICENCE

    def enroll(
        self,
        clips: Sequence[Clip],
        *,
        name: str,
        consent: Consent,
        options: EnrollOptions,
        progress: Progress = silent,
    ) -> Voice:
        language = resolve_language(options.language)
        plan = PLANS[options.preset]
        target = Target.hear(clips, ge2e=self._inversion.ge2e, campplus=self._inversion.campplus, tracker=self._tracker)
        phrases = [self._phrase(sentence) for sentence in SENTENCES[: plan.sentences]]
        enrolled = self._enrolment.run(clips, target, phrases, plan, seed=options.seed, progress=progress)
        return Voice(
            name=name,
            engine=self._name,
            weights=self._weights,
            tensors=enrolled.style.to_tensors()
            | {"embedding.ge2e": target.ge2e.numpy(), "embedding.campplus": target.campplus.numpy()},
            language=language,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            consent=consent,
            licence="",
            scores=_scores(enrolled),
            settings={"preset": options.preset, "seed": options.seed, "steps": enrolled.steps, "kept": enrolled.shrunk},
            preview=enrolled.verdict.clips[0],
        )

    def own_voice(self) -> Voice:
        """The mean of the public voices: nobody in particular."""
        width, stages = self._network.config.style, self._network.config.stages
        style = Style(timbre=self._prior.mean[:width].repeat(stages, 1), prosody=self._prior.mean[width:])
        return Voice(name="nobody", engine=self._name, weights=self._weights, tensors=style.to_tensors())

    def stream(self, pieces: Iterable[Piece], voice: Voice, options: SpeakOptions) -> Iterator[Clip]:
        style, network = self.style_of(voice), self._network_of(voice)
        for piece in pieces:
            yield self.speak(piece, style, options, network)

    def converter(self, voice: Voice, options: ConvertOptions, *, live: bool = False) -> "KokoroConverter":
        """See `voicewright.engines.base.Converts`."""
        from voicewright.engines.kokoro.conversion import KokoroConverter, LiveKokoroConverter, usual_pitch
        from voicewright.engines.kokoro.conversion_options import KokoroConvertOptions
        from voicewright.engines.kokoro.lines import CALIBRATION
        from voicewright.engines.kokoro.settling import settled

        if not isinstance(options, KokoroConvertOptions):
            options = KokoroConvertOptions(seed=options.seed)
        style, network = self.style_of(voice), self._network_of(voice)
        home_hz = usual_pitch(network, encode(HOME_PHONEMES), style.prosody)
        if live:
            own = settled(network, [self._said(network, style, text) for text in CALIBRATION], style.timbre)
            return LiveKokoroConverter(own, self._listener, style, home_hz=home_hz, seed=options.seed)
        return KokoroConverter(network, self._listener, style, home_hz=home_hz, seed=options.seed, guide=options.guide)

    def _said(self, network: Kokoro, style: Style, text: str) -> Score:
        """How a text is said in a style."""
        tokens = torch.tensor([[0, *encode(self._phonemizer("en-us")(text)), 0]])
        prosody = (style.prosody + self._prior.shift(tokens.shape[1])[1])[None]
        with torch.inference_mode():
            return network.perform(*network.read(tokens), prosody, stretch=style.stretch)

    def recipe(self, lesson: Lesson) -> "TuningRecipe":
        from voicewright.engines.kokoro.recipe import Tools, TuningRecipe

        tools = Tools(
            network=self._network,
            prior=self._prior,
            ge2e=self._inversion.ge2e,
            campplus=self._inversion.campplus,
            phones=self._phones,
            tracker=self._tracker,
            sensible=self._sensible,
        )
        return TuningRecipe(self, lesson, tools)

    @property
    def formats(self) -> Mapping[str, str]:
        from voicewright.engines.kokoro.export import FORMATS

        return FORMATS

    def export(self, voice: Voice, format: str, folder: Path) -> list[Path]:
        from voicewright.engines.kokoro.export import export_voice

        parts = self._given or published_parts(self._store)  # anew: what speaks may run in bfloat16
        return export_voice(parts.network, parts.prior, voice, self.style_of(voice), format, folder)

    def speak(self, piece: Piece, style: Style, options: SpeakOptions, network: Kokoro | None = None) -> Clip:
        """One piece in a style, by the published network or a tuned one; an empty clip for a piece that is only a
        pause."""
        if not piece.spoken and not piece.phonemes:
            return Clip.silence(0, self.rate)
        phonemes = piece.phonemes or self._phonemizer(piece.language)(piece.spoken)
        if not phonemes.strip():
            raise BadText(f"nothing in {piece.spoken!r} can be pronounced in {piece.language}; write it in other words")
        parts = _fitting(phonemes, self._network.config.longest_input)
        return join([self._play(network or self._network, encode(part), style, options) for part in parts])

    def _play(self, network: Kokoro, tokens: list[int], style: Style, options: SpeakOptions) -> Clip:
        generator = torch.Generator().manual_seed(options.seed)
        timbre_shift, prosody_shift = self._prior.shift(len(tokens))
        prosody = style.prosody + prosody_shift
        if options.seed:
            drift = torch.randn(prosody.shape, generator=generator)
            prosody = prosody + LIVELINESS * self._prior.spread[self._prior.width :] * drift
        with torch.inference_mode():
            meaning, content = network.read(torch.tensor([[0, *tokens, 0]]))
            score = network.perform(meaning, content, prosody[None], speed=options.speed, stretch=style.stretch)
            wave = network.play(score, (style.timbre + timbre_shift)[None], generator)
        samples = wave[0].numpy() * style.gain
        return Clip(np.clip(samples, -1, 1), self.rate)

    def style_of(self, voice: Voice) -> Style:
        """The style that a voice holds. Raises WrongVoice, StaleVoice, BadVoice."""
        if voice.engine != self._name:
            raise WrongVoice(voice.name, made_for=voice.engine, used_with=self._name)
        if voice.weights != self._weights:
            raise StaleVoice(
                f"voice {voice.name!r} was made with other weights of {NAME} ({voice.weights[:12]}…) than those "
                f"in place ({self._weights[:12]}…); make it again: voicewright clone {voice.name} FILES… --replace"
            )
        config = self._network.config
        return Style.from_tensors(voice.tensors, stages=config.stages, width=config.style)

    def _network_of(self, voice: Voice) -> Kokoro:
        """The published network, or one with a tuned voice's adapters merged in; that of the last such voice is kept.

        Raises BadVoice: an adapter does not fit.
        """
        if not has_adapters(voice.tensors):
            return self._network
        if self._merged is None or self._merged[0] is not voice:
            self._merged = None  # free the last one first
            self._merged = (voice, merge(self._network, voice.tensors))
        return self._merged[1]

    def _phonemizer(self, language: str) -> Phonemizer:
        if language not in self._phonemizers:
            self._phonemizers[language] = Phonemizer(language)
        return self._phonemizers[language]

    def _phrase(self, sentence: str) -> Phrase:
        return self._inversion.read(encode(self._phonemizer("en-us")(sentence)))

    @cached_property
    def _tracker(self) -> SwiftPitch:
        return SwiftPitch(self._store.file("swift-f0"))

    @cached_property
    def _phones(self) -> PhoneNetwork:
        return load_phones(self._store.file("phones"))

    @cached_property
    def _listener(self) -> "Listener":
        from voicewright.engines.kokoro.content import Hearing, load_content
        from voicewright.engines.kokoro.conversion import Listener

        if not self._sensible:
            return Listener(*tiny_listener())
        whisper = WhisperEncoder(self._store.folder("whisper-tiny.en"))
        hearing = Hearing(whisper, self._phones)
        return Listener(load_content(self._store.file("kokoro-content")), hearing, self._words)

    def _words(self, clip: Clip) -> list[list[int]]:
        """The English words that are recognised in a clip, as tokens."""
        phonemes = self._phonemizer("en-us")(normalize(self._recogniser.transcribe(clip).text))
        return [encode(word) for word in phonemes.split()]

    @cached_property
    def _recogniser(self) -> WhisperRecogniser:
        return WhisperRecogniser(self._store.folder("whisper-tiny.en"), threads=0)

    @cached_property
    def _inversion(self) -> Inversion:
        ge2e, campplus = load_ge2e(self._store.file("ge2e")), load_campplus(self._store.file("campplus"))
        return Inversion(self._network, self._prior, ge2e, campplus)

    @cached_property
    def _enrolment(self) -> Enrolment:
        start = load_start(self._store.file("kokoro-start")) if self._sensible else None
        trials = [self._phrase(sentence) for sentence in TRIALS]
        return Enrolment(self._inversion, start, self._prior, self._judges(), trials)

    def _judges(self) -> Judges:
        """Those judges whose weights are on this machine."""
        file = self._store.file

        def naturalness() -> Dnsmos:
            return Dnsmos(file("dnsmos", "sig_bak_ovr.onnx"))

        return Judges(
            recogniser=_if_here(lambda: self._recogniser),
            naturalness=_if_here(naturalness),
            verifier=_if_here(lambda: load_encoder("dvector", file("dvector"))),
        )


def _scores(enrolled: Enrolled) -> dict[str, float]:
    verdict = enrolled.verdict
    scores = {"ge2e": verdict.ge2e, "campplus": verdict.campplus}
    if enrolled.verifier is not None:
        scores["dvector"] = enrolled.verifier
    if verdict.naturalness is not None:
        scores["dnsmos"] = verdict.naturalness
    if verdict.words_wrong is not None:
        scores["words_wrong"] = float(verdict.words_wrong)
    return scores


def _fitting(phonemes: str, longest: int) -> list[str]:
    """`phonemes` in parts that the network can read at once, cut at the last space that fits."""
    parts = []
    while len(phonemes) > longest:
        cut = phonemes.rfind(" ", 1, longest + 1)
        cut = longest if cut < 0 else cut
        parts.append(phonemes[:cut])
        phonemes = phonemes[cut:].lstrip()
    return [*parts, phonemes]


def _if_here(make: Callable[[], T]) -> T | None:
    """What `make` makes, or None when its weights are not to be had here."""
    try:
        return make()
    except MissingWeights:
        return None
