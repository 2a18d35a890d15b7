"""Every error that a user can mend.

VoicewrightError
  + BadClip          the sound cannot be read or used (not audio, truncated, silent, not finite)
  |   + NotWritten     sound cannot be written (a full disk, a folder that is gone)
  + BadText          the text cannot be spoken (empty, no words in it)
  + BadSetting       a value outside its range, or an unknown name
  + BadReference     recordings from which no voice can be made (too short, silent, two speakers)
  + BadVoice         a voice name or a voice file that cannot be used
  |   + UnknownVoice   no such voice in the library
  |   + WrongVoice     a voice made for another engine
  |   + StaleVoice     a voice made with other weights
  + NoConsent        the speaker's consent is required here and was not stated
  + UnsafeFile       a foreign file that holds more than plain data
  + BadWeights       weights that do not match their checksum or their network
  |   + MissingWeights weights found in none of their sources
  + BadDataset       a dataset, manifest or transcript that cannot be used
  + BadPlan          a training plan that cannot be carried out
  + BadRun           a training run that is not there, or cannot go on
  |   + BadCheckpoint  a checkpoint that is damaged or belongs to something else
  + BadDevice        a sound device that is not there, or does not do what is asked
  + BadJob           a journal that belongs to another job, or cannot be resumed
  |   + UnknownJob     no such job in the queue
  |   + QueueFull      too much is waiting already
  + BadUpload        a file from a client that is not what it has to be
  |   + TooLarge       a file from a client that is too large or too long
  + UnknownName      nothing here is called so
  + MissingExtra     an optional package is not installed

A message says what is wrong, where, and what to do about it. Bugs raise ordinary exceptions.
"""


class VoicewrightError(Exception):
    """Anything a user can fix. It can come from another process, whatever its class wants to be made from."""

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.args)


class BadClip(VoicewrightError):
    """The sound cannot be read or used."""


class NotWritten(BadClip):
    """Sound cannot be written: a full disk, a folder that is gone. Nothing is wrong with the sound."""


class BadText(VoicewrightError):
    """The text cannot be spoken."""


class BadSetting(VoicewrightError, ValueError):
    """A value outside its range, or an unknown name."""


class BadReference(VoicewrightError):
    """Recordings from which no voice can be made."""


class BadVoice(VoicewrightError):
    """A voice name or a voice file that cannot be used."""


class UnknownVoice(BadVoice):
    """No such voice in the library."""


class WrongVoice(BadVoice):
    """A voice made for another engine."""

    def __init__(self, voice: str, *, made_for: str, used_with: str) -> None:
        super().__init__(
            f"voice {voice!r} was made for the engine {made_for!r} and cannot speak with {used_with!r}; "
            f"make it again from its recordings: voicewright clone {voice} FILES… --engine {used_with}"
        )


class StaleVoice(BadVoice):
    """A voice made with other weights than the ones in place."""


class NoConsent(VoicewrightError):
    """The speaker's consent is required here and was not stated."""


class UnsafeFile(VoicewrightError):
    """A foreign file that holds more than plain data."""


class BadWeights(VoicewrightError):
    """Weights that do not match their checksum or their network."""


class MissingWeights(BadWeights):
    """Weights found in none of their sources."""


class BadDataset(VoicewrightError):
    """A dataset, a manifest or a transcript that cannot be used."""


class BadPlan(VoicewrightError):
    """A training plan that cannot be carried out."""


class BadRun(VoicewrightError):
    """A training run that is not there, or cannot go on."""


class BadCheckpoint(BadRun):
    """A checkpoint that is damaged or belongs to something else."""


class BadDevice(VoicewrightError):
    """A sound device that is not there, or does not do what is asked."""


class BadJob(VoicewrightError):
    """A journal that belongs to another job, or cannot be resumed."""


class UnknownJob(BadJob):
    """No such job in the queue."""


class QueueFull(BadJob):
    """Too much is waiting already; `retry_after_s` says when it is worth asking again."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BadUpload(VoicewrightError):
    """A file from a client that is not what it has to be."""


class TooLarge(BadUpload):
    """A file from a client that is too large or too long."""


class UnknownName(VoicewrightError):
    """Nothing here is called so."""


class MissingExtra(VoicewrightError):
    """An optional package is not installed."""

    def __init__(self, package: str, *, needed_for: str, extra: str) -> None:
        super().__init__(f"{needed_for} needs the package {package!r}: pip install 'voicewright[{extra}]'")


def _again(kind: type[VoicewrightError], words: tuple[object, ...]) -> VoicewrightError:
    return kind.__new__(kind, *words)
