"""Derive `kokoro-prior.safetensors` from the public voices of Kokoro-82M.

    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz
    python scripts/build_kokoro_prior.py package/voices src/voicewright/weights/bundled/kokoro-prior.safetensors

The folder holds one `NAME.bin` for each voice: float32 (510, 256), row n the style for a text of n + 1 tokens.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from voicewright.engines.kokoro.enrolment import SENTENCES
from voicewright.engines.kokoro.inversion import Inversion
from voicewright.engines.kokoro.network import load_network
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.kokoro.target import TYPICAL_LEVEL_DB
from voicewright.home import Home
from voicewright.nn.campplus import load_campplus
from voicewright.nn.ge2e import load_ge2e
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import encode
from voicewright.weights.store import Store

REFERENCE_ROWS = slice(100, 301)
"""Texts of ordinary sentences' length; a voice's style is the mean over them."""


def main(folder: Path, out: Path) -> None:
    tables = {path.stem: np.fromfile(path, np.float32).reshape(510, 256) for path in sorted(folder.glob("*.bin"))}
    stacked = np.stack(list(tables.values()))
    voices = stacked[:, REFERENCE_ROWS].mean(1)
    by_length = (stacked - voices[:, None]).mean(0)
    prior = StylePrior(
        mean=torch.from_numpy(voices.mean(0)),
        spread=torch.from_numpy(voices.std(0)),
        by_length=torch.from_numpy(by_length),
        voices=torch.from_numpy(voices),
        ge2e=torch.zeros(len(voices), 256),
        campplus=torch.zeros(len(voices), 192),
    )
    ge2e, campplus = listen(prior)
    tensors = {"mean": prior.mean, "spread": prior.spread, "by_length": prior.by_length, "voices": prior.voices}
    arrays = {name: tensor.numpy().astype(np.float16) for name, tensor in tensors.items()}
    arrays |= {"ge2e": ge2e.astype(np.float16), "campplus": campplus.astype(np.float16)}
    source = "statistics of the 54 voices of hexgrad/Kokoro-82M (Apache-2.0), as packed in kokoro-js 1.2.1"
    save_file(arrays, out, {"format": "1", "licence": "Apache-2.0", "source": source, "names": " ".join(tables)})


def listen(prior: StylePrior) -> tuple[np.ndarray, np.ndarray]:
    """How each voice is heard, over two sentences: (v, 256), (v, 192)."""
    store = Store(Home.find().weights)
    network, _ = load_network(store.file("kokoro", "model.safetensors"))
    ge2e, campplus = load_ge2e(store.file("ge2e")), load_campplus(store.file("campplus"))
    inversion = Inversion(network, prior, ge2e, campplus)
    phonemizer = Phonemizer("en-us")
    phrases = [inversion.read(encode(phonemizer(sentence))) for sentence in SENTENCES[:2]]
    heard: list[list[np.ndarray]] = []
    with torch.inference_mode():
        for voice in prior.voices:
            timbre = voice[: prior.width].expand(network.config.stages, -1)
            style = Style(timbre=timbre, prosody=voice[prior.width :])
            waves = [inversion.speak(style, phrase, torch.Generator().manual_seed(0))[0] for phrase in phrases]
            wave = torch.cat(waves, dim=1)
            wave = wave * 10 ** (TYPICAL_LEVEL_DB / 20) / wave.square().mean().sqrt()
            heard.append([net.embed_waveform(wave)[0].numpy() for net in (ge2e, campplus)])
    ge2e_rows, campplus_rows = zip(*heard, strict=True)
    return np.stack(ge2e_rows), np.stack(campplus_rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
