"""Who hears the words: faster-whisper by default, any other recogniser by the same door.

A plugin is an entry point in the group "voicewright.transcribers": NAME = "module:function", called as
`function(model, language=…, device=…)` and giving a `Recogniser`. It is chosen as `--model NAME:MODEL`.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from voicewright.data.options import TranscribeOptions
from voicewright.errors import BadSetting, MissingWeights
from voicewright.measure.intelligibility import Recogniser, WhisperRecogniser
from voicewright.weights.store import Store

GROUP = "voicewright.transcribers"
MODEL = "model.bin"


def load_transcriber(options: TranscribeOptions, language: str, store: Store) -> Recogniser:
    """The recogniser that the options name, for a language like "en-us"; None is never given back silently.

    Raises:
        BadSetting: no such model or plugin. MissingWeights, BadWeights: it is not on this machine.
    """
    spoken = language.split("-")[0]
    plugins = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    kind, _, model = options.model.partition(":")
    if model and kind in plugins:
        module, _, function = plugins[kind].partition(":")
        try:
            load = cast(Callable[..., Recogniser], getattr(import_module(module), function))
        except (ImportError, AttributeError) as problem:
            raise BadSetting(f"the recogniser plugin {kind!r} ({plugins[kind]}) cannot be loaded: {problem}") from None
        return load(model, language=spoken, device=options.device)
    folder = _folder(options.model, spoken, store, sorted(plugins))
    return WhisperRecogniser(folder, language=spoken, device=options.device)


def transcriber_id(options: TranscribeOptions, language: str, store: Store) -> str:
    """What stands for the content of the recogniser's weights, as far as it is known. Raises as `load_transcriber`."""
    spoken = language.split("-")[0]
    plugins = sorted(entry.name for entry in entry_points(group=GROUP))
    kind, _, model = options.model.partition(":")
    if model and kind in plugins:
        return ""
    folder = _folder(options.model, spoken, store, plugins)
    if _is_model(options.model):
        return f"{(folder / MODEL).stat().st_size} bytes"
    return store.content_id(f"whisper-{_chosen(options.model, spoken)}")


def _chosen(model: str, spoken: str) -> str:
    small = "tiny.en" if spoken == "en" else "base"
    return small if model == "auto" else model


def _is_model(folder: str) -> bool:
    return (Path(folder) / MODEL).is_file()


def _folder(model: str, spoken: str, store: Store, plugins: list[str]) -> Path:
    model = _chosen(model, spoken)
    if _is_model(model):
        return Path(model)
    name = f"whisper-{model}"
    if name not in {status.name for status in store.status()}:
        known = sorted(status.name for status in store.status() if status.name.startswith("whisper-"))
        raise BadSetting(
            f"no recogniser {model!r}: there are {', '.join(n.removeprefix('whisper-') for n in known)}, "
            f"a folder with a faster-whisper model of any size (Systran/faster-whisper-large-v3 at the model hub)"
            + (f", or a plugin: {', '.join(f'{plugin}:MODEL' for plugin in plugins)}" if plugins else "")
        )
    if model.endswith(".en") and spoken != "en":
        raise BadSetting(f"the recogniser {model!r} knows English only, and {spoken!r} is spoken; take base or larger")
    try:
        return store.folder(name)
    except MissingWeights as problem:
        raise MissingWeights(f"{problem}\nor give the folder of another faster-whisper model: --model FOLDER") from None
