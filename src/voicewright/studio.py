"""`Studio`: one method for each wish. It owns what lives long: the loaded engines, the meters, the library.

Everything heavy is imported when it is first needed, so a studio that only lists voices costs nothing.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from voicewright.clock import Clock
from voicewright.conversion.options import ConversionSettings
from voicewright.engines import registry
from voicewright.engines.options import ConvertOptions, EnrollOptions
from voicewright.errors import BadSetting, BadVoice
from voicewright.home import Home, HomeSettings
from voicewright.live.options import LiveOptions
from voicewright.progress import Progress, silent
from voicewright.speech.options import CheckOptions, Output, SpeechSettings
from voicewright.voice.consent import Consent
from voicewright.voice.names import voice_name

if TYPE_CHECKING:
    from voicewright.audio.clip import Clip
    from voicewright.conversion.conversion import Converted
    from voicewright.conversion.converting import Converting
    from voicewright.data.datasets import Datasets
    from voicewright.doctor import Finding
    from voicewright.engines.base import Speaks
    from voicewright.engines.importing import Imports
    from voicewright.engines.loaded import Engines
    from voicewright.live.card import SoundCard
    from voicewright.live.session import LiveSession
    from voicewright.measure.report import Report
    from voicewright.meters import Meters
    from voicewright.speech.assemble import Narration
    from voicewright.speech.cards import Cards
    from voicewright.speech.speech import Speech
    from voicewright.training.run import Run
    from voicewright.training.training import Training
    from voicewright.voice.cloned import Cloned
    from voicewright.voice.library import Library
    from voicewright.voice.voice import Voice
    from voicewright.weights.store import Store


class Studio:
    """Make voices, speak and convert with them, measure what came out.

    Args:
        home: a folder or a `Home`; by default the one that VOICEWRIGHT_HOME names, else the user's own.
        engine: what new voices are made for; or the folder of a training run, to speak as it learned to. A voice that
            exists is always spoken by the engine that made it.
        device: "cpu", "cuda", …
        precision: "auto" (what the processor is made for), "float32" or "bfloat16".
        offline: never ask a model hub; also set by the home's settings.

    One studio may be used by several threads: engines and meters are loaded once.
    """

    def __init__(
        self,
        home: Home | str | Path | None = None,
        *,
        engine: str = registry.DEFAULT,
        device: str = "cpu",
        precision: str = "auto",
        offline: bool = False,
    ) -> None:
        self.home = home if isinstance(home, Home) else Home.find(home)
        self._engine_name, self._device, self._precision, self._offline = engine, device, precision, offline

    @cached_property
    def settings(self) -> HomeSettings:
        """The home's settings, read once."""
        return self.home.settings()

    @cached_property
    def library(self) -> "Library":
        """The voices of this home."""
        from voicewright.voice.library import Library

        return Library(self.home.voices)

    @cached_property
    def store(self) -> "Store":
        """The weights of this home."""
        from voicewright.weights.store import Store

        return Store(self.home.weights, offline=self._offline or self.settings.offline)

    @cached_property
    def engines(self) -> "Engines":
        """The engines in memory."""
        from voicewright.engines.loaded import Engines

        return Engines(self.store, device=self._device, precision=self._precision)

    def engine(self, name: str | None = None) -> "Speaks":
        """The engine called `name`, which speaks; by default the studio's. Raises as `Engines.speaking`."""
        return self.engines.speaking(name or (self._run.plan.engine if self._run else self._engine_name))

    @cached_property
    def meters(self) -> "Meters":
        """The listening networks."""
        from voicewright.meters import Meters

        return Meters(self.store)

    @cached_property
    def datasets(self) -> "Datasets":
        """Making, checking and changing datasets."""
        from voicewright.data.datasets import Datasets

        return Datasets(self.home.weights, offline=self._offline or self.settings.offline)

    @cached_property
    def training(self) -> "Training":
        """Planning training runs, carrying them out, and what they learned."""
        from voicewright.training.training import Training

        return Training(
            engine=self.engines.get,
            voice=lambda name: self.library.open(Path(name) if name.endswith(".voice") else name),
            voices=lambda: [voice.name for voice in self.library.list()],
            meters=self.meters,
        )

    @cached_property
    def _run(self) -> "Run | None":
        """The training run that this studio speaks as, if its engine is one."""
        from voicewright.training.run import Run

        named = self._engine_name not in registry.engines() and Path(self._engine_name).exists()
        return Run.open(self._engine_name) if named else None

    def voice(self, voice: "Voice | str | Path | None") -> "Voice":
        """A voice by name, from a file (`Path`), or as it is; None is the home's default voice, or the run's own.

        Raises: UnknownVoice, BadVoice; BadRun: the engine is a training run, and this is not its voice.
        """
        if isinstance(voice, str | None) and self._run:
            return self.training.voice_of(self._run, voice or "")
        if isinstance(voice, str | Path | None):
            if not voice:
                if not self.settings.default_voice:
                    raise BadVoice(f"say whose voice: --voice NAME, or default_voice in {self.home.settings_file}")
                voice = self.settings.default_voice
            return self.library.open(voice) if isinstance(voice, Path) else self.library.get(voice)
        return voice

    def clone(
        self,
        name: str,
        recordings: Sequence[str | Path],
        *,
        options: EnrollOptions | None = None,
        consent: str = "",
        speaker: int | Path | None = None,
        licence: str = "",
        replace: bool = False,
        progress: Progress = silent,
    ) -> "Cloned":
        """Make a voice from recordings of one speaker and keep it in the library as `name`.

        Args:
            recordings: any number, of any common format and length.
            consent: who agreed to this voice being made; the home's settings can require it.
            speaker: with several speakers in the recordings: which one, by number or by a recording of them.
            licence: the voice's licence.

        Raises:
            BadVoice: the name is not allowed, or taken and `replace` is not set.
            NoConsent: consent is required here and was not stated.
            BadReference: no voice can be made from these recordings; the message says why and what would help.
        """
        from voicewright.voice.cloned import Cloned
        from voicewright.voice.reference import examine

        options = options or EnrollOptions()
        agreed = Consent(consent.strip())
        if self.settings.require_consent:
            agreed.required(by=f"this home ({self.home.root})")
        name = voice_name(name)
        if not replace:
            self.library.require_free(name)
        if self._run:
            raise BadSetting(f"{self._run.folder} is a training run, which has its voice; new ones need another engine")
        clock = Clock()
        engine = self.engine()
        clock.took("engine")
        paths = [Path(path) for path in recordings]
        tools = self.meters.reference_tools(options)
        reference = examine(paths, tools=tools, wanted_speaker=speaker, progress=progress)
        clock.took("recordings")
        voice = engine.enroll(reference.clips, name=name, consent=agreed, options=options, progress=progress)
        voice = dataclasses.replace(voice, sources=reference.sources, licence=licence or voice.licence)
        path = self.library.add(voice, replace=replace)
        clock.took("voice")
        return Cloned(voice=voice, path=path, reference=reference, taken_s=clock.seconds)

    def blend(self, name: str, of: Sequence[str], weights: Sequence[float] = (), *, replace: bool = False) -> "Voice":
        """Keep a mix `of` voices in the library as `name`. Raises: as `voicewright.voice.blending.blend`, `Library`."""
        from voicewright.voice.blending import blend

        parents, required = [self.library.get(each) for each in of], self.settings.require_consent
        self.library.add(voice := blend(parents, weights, name=name, consent_required=required), replace=replace)
        return voice

    def measure(
        self,
        sound: str | Path,
        *,
        like: Sequence[str | Path] = (),
        text: str = "",
        language: str = "en-us",
        plot: str | Path | None = None,
        progress: Progress = silent,
    ) -> "Report":
        """What a sound file is like: its sound, its likeness to recordings, its words against `text`. See `Report`.

        Raises: BadClip: a file cannot be read, or there is nothing in it to measure.
        """
        from voicewright.measure.report import measure_file

        recordings = [Path(path) for path in like]
        where = Path(plot) if plot is not None else None
        return measure_file(
            Path(sound), self.meters, like=recordings, text=text, language=language, plot=where, progress=progress
        )

    def narrate(
        self,
        text: str,
        *,
        voice: "Voice | str | Path | None" = None,
        settings: SpeechSettings | None = None,
        lexicon: Path | None = None,
        resume: bool = False,
        progress: Progress = silent,
    ) -> "Narration":
        """`text` about to be spoken: iterate over it for its clips. `resume` keeps finished pieces in the home.

        Raises:
            UnknownVoice, BadVoice: no such voice. StaleVoice, WrongVoice: it does not fit the weights in place.
            BadText: nothing in the text can be spoken.
        """
        from voicewright.speech.assemble import Narration
        from voicewright.speech.journal import Journal, job_id
        from voicewright.text.lexicon import Lexicon
        from voicewright.text.split import split

        settings = settings or SpeechSettings()
        chosen = self.voice(voice)
        engine = self.engine(chosen.engine)
        pieces = split(text, language=chosen.language, lexicon=Lexicon.read(lexicon) if lexicon else None)
        journal = Journal(self.home.jobs, job_id(pieces, chosen, engine, settings)) if resume else None
        checker = self.meters.checker(settings.check, chosen.language)
        return Narration(engine, chosen, pieces, settings, checker=checker, journal=journal, progress=progress)

    def stream(
        self,
        text: str,
        *,
        voice: "Voice | str | Path | None" = None,
        settings: SpeechSettings | None = None,
        lexicon: Path | None = None,
    ) -> "Iterator[Clip]":
        """Clips of `text` as they are spoken; joined without gaps they are the whole. Raises: as `narrate`."""
        return iter(self.narrate(text, voice=voice, settings=settings, lexicon=lexicon))

    def speak(
        self,
        text: str,
        *,
        voice: "Voice | str | Path | None" = None,
        out: str | Path | None = None,
        settings: SpeechSettings | None = None,
        output: Output | None = None,
        progress: Progress = silent,
    ) -> "Speech":
        """`text`, spoken: into the file `out`, or into memory.

        With `out`, finished pieces are kept until all is done: the same call after a crash goes on where it stopped.

        Raises:
            as `narrate`; BadSetting: `out` has an ending that cannot be written.
        """
        from voicewright.speech.assemble import assemble
        from voicewright.speech.output import check_embedding, write_beside

        output = output or Output()
        path = Path(out) if out is not None else None
        check_embedding(chosen := self.voice(voice), output)
        narration = self.narrate(
            text, voice=chosen, settings=settings, lexicon=output.lexicon, resume=path is not None, progress=progress
        )
        speech = assemble(narration, path)
        if path:
            write_beside(path, speech, chosen, output)
        return speech

    def converting(
        self,
        voice: "Voice | str | Path | None" = None,
        *,
        settings: ConversionSettings | None = None,
        options: ConvertOptions | None = None,
        output: Output | None = None,
    ) -> "Converting":
        """A voice made ready to convert any number of recordings.

        Args:
            options: the engine's own, of the class that `registry.convert_options` names for it.

        Raises:
            UnknownVoice, BadVoice: no such voice. StaleVoice, WrongVoice: it does not fit the weights in place.
            BadSetting: its engine does not convert. MissingExtra, MissingWeights: what a setting needs is not here.
        """
        from voicewright.conversion.converting import Converting
        from voicewright.conversion.separation import load_separator

        wish, chosen = settings or ConversionSettings(), self.voice(voice)
        offline = self._offline or self.settings.offline
        return Converting.ready(
            chosen,
            self.engines.converting(chosen.engine),
            self.store,
            settings=wish,
            options=options or registry.convert_options(chosen.engine)(),
            output=output or Output(),
            separator=load_separator(self.home.weights, offline=offline) if wish.separate else None,
        )

    def convert(
        self,
        source: str | Path,
        out: str | Path,
        *,
        voice: "Voice | str | Path | None" = None,
        settings: ConversionSettings | None = None,
        options: ConvertOptions | None = None,
        output: Output | None = None,
        progress: Progress = silent,
    ) -> "Converted":
        """A recording of speech or singing, of any length, said or sung again in a voice, into the file `out`.

        Raises:
            as `converting`; BadClip: the recording cannot be read, or `out` cannot be written.
        """
        ready = self.converting(voice, settings=settings, options=options, output=output)
        return ready.file(Path(source), Path(out), progress=progress)

    def live(
        self,
        card: "SoundCard",
        *,
        voice: "Voice | str | Path | None" = None,
        options: LiveOptions | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> "LiveSession":
        """What `card` hears, said in a voice while it is heard: `run` it, or enter it and leave it.

        Raises: as `converting`; BadDevice: the card cannot be used.
        """
        from voicewright.live.session import LiveSession
        from voicewright.measure.tracking import tracker_named

        options, chosen = options or LiveOptions(), self.voice(voice)
        own = registry.convert_options(chosen.engine)(seed=options.seed)
        converter = self.engines.converting(chosen.engine).converter(chosen, own, live=True)
        return LiveSession(converter, tracker_named(options.pitch, self.store), options, card, tell=tell)

    @cached_property
    def cards(self) -> "Cards":
        """The cards inside sound files: what they say, and what can be made of them."""
        from voicewright.speech.cards import Cards

        return Cards(self.library, self.engine)

    @cached_property
    def imports(self) -> "Imports":
        """Voices that come from files, ours and other people's."""
        from voicewright.engines.importing import Imports

        needed = f"this home ({self.home.root})" if self.settings.require_consent else ""
        return Imports(self.library, self.store, consent_needed_by=needed)

    def doctor(self, *, quick: bool = False) -> "list[Finding]":
        """What this machine has and can do; unless `quick`, it also speaks a sentence to measure the speed."""
        from voicewright.doctor import examine

        return examine(self.home, self.store, speak=None if quick else self._trial)

    def _trial(self) -> "Iterator[Clip]":
        from voicewright.doctor import TRIAL, first_voice

        voice = first_voice(self.library, self.settings.default_voice, self.engine)
        return self.stream(TRIAL, voice=voice, settings=SpeechSettings(check=CheckOptions(check="off")))
