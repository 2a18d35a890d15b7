"""`Meters`: the listening networks of a studio, each loaded from its weights when it is first asked for."""

import threading
from collections.abc import Callable
from typing import TypeVar, cast

from voicewright.audio.activity import SileroActivity
from voicewright.audio.pitch import PitchTracker
from voicewright.engines.options import EnrollOptions
from voicewright.measure.alignment import PhoneAligner
from voicewright.measure.intelligibility import WhisperRecogniser
from voicewright.measure.naturalness import Dnsmos
from voicewright.measure.similarity import SpeakerEncoder, load_encoder
from voicewright.measure.tracking import tracker_named
from voicewright.speech.checks import Checker
from voicewright.speech.options import CheckOptions
from voicewright.voice.reference import ReferenceTools
from voicewright.weights.store import Store

T = TypeVar("T")

JUDGES = ("campplus", "ge2e")
"""The encoders that checks may use, the cheaper first. The verifier is not among them."""

ALIGNED = ("en-us", "en-gb")
"""Languages that the aligner knows."""


class Meters:
    """Speaker encoders, recognisers and the naturalness meter. Several threads may ask; each is loaded once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._loaded: dict[str, object] = {}

    def encoder(self, name: str) -> SpeakerEncoder:
        """The speaker encoder "ge2e", "campplus" or "dvector". Raises MissingWeights, BadWeights."""
        return self._once(name, lambda: load_encoder(name, self._store.file(name)))

    def recogniser(self, language: str, *, better: bool = False) -> WhisperRecogniser | None:
        """What hears words of `language`: the small English one, or the larger one that knows many languages.

        None when the language needs the larger one and it is not on this machine. `better` prefers the larger one.
        Without a language the larger one hears which it is, and the small one takes it for English.
        """
        spoken = language.split("-")[0]
        larger = self._is_here("whisper-base")
        if not larger and spoken not in ("en", ""):
            return None
        name = "whisper-base" if larger and (better or spoken != "en") else "whisper-tiny.en"
        heard_as = spoken or (None if larger else "en")
        return self._once(f"{name} {spoken}", lambda: WhisperRecogniser(self._store.folder(name), language=heard_as))

    def activity(self) -> SileroActivity:
        """What finds speech. Raises MissingWeights, BadWeights."""
        return self._once("activity", lambda: SileroActivity(self._store.file("silero-vad")))

    def aligner(self, language: str) -> PhoneAligner | None:
        """What finds each word of a known text; None when it does not know the language."""
        if language not in ALIGNED:
            return None
        return self._once(f"aligner {language}", lambda: PhoneAligner(self._store.file("phones"), language))

    def pitch(self, name: str = "swift") -> PitchTracker:
        """What follows the pitch: a tracker by name, as `tracker_named` finds it and with its errors."""
        return self._once(f"pitch {name}", lambda: tracker_named(name, self._store))

    def naturalness(self) -> Dnsmos | None:
        """The naturalness meter; None when it is not on this machine."""
        if not self._is_here("dnsmos"):
            return None
        file = self._store.file
        return self._once("dnsmos", lambda: Dnsmos(file("dnsmos", "sig_bak_ovr.onnx"), file("dnsmos", "model_v8.onnx")))

    def checker(self, options: CheckOptions, language: str) -> Checker | None:
        """What looks at takes, as far as `options` and this machine go; None when nothing is to be checked."""
        if options.check == "off":
            return None
        full = options.check == "full"
        encoders = [self.encoder(name) for name in (JUDGES if full else JUDGES[:1])]
        return Checker(
            recogniser=self.recogniser(language, better=full),
            encoders=encoders,
            naturalness=self.naturalness() if full else None,
        )

    def reference_tools(self, options: EnrollOptions) -> ReferenceTools:
        """What the reference doctor listens with. The quick preset does without the words."""
        recogniser = None if options.preset == "quick" else self.recogniser(options.language)
        return ReferenceTools(activity=self.activity(), encoder=self.encoder("campplus"), recogniser=recogniser)

    def _is_here(self, name: str) -> bool:
        return any(status.ready for status in self._store.status() if status.name == name)

    def _once(self, key: str, load: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load()
            return cast(T, self._loaded[key])
