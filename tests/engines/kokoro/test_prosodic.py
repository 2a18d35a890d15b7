"""Prosody that is learned from recordings, on the tiny twin."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from voicewright.engines.kokoro.adapters import merge
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.prosodic import TunedProsody, gather
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.options import LoraOptions


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def item(network: Kokoro, tokens: int, seed: int) -> dict[str, Tensor]:
    """Somebody who speaks slowly, high and loud, with a pause of breath in the middle."""
    draw = seeded(seed)
    durations = torch.randint(5, 9, (tokens,), generator=draw)
    moments = 2 * int(durations.sum())
    f0 = torch.full((moments,), 260.0)
    f0[moments // 2 : moments // 2 + 8] = 0
    meaning = torch.randn(tokens, network.config.width, generator=draw)
    return {"meaning": meaning.half(), "durations": durations, "f0": f0, "energy": torch.full((moments,), 6.0)}


@pytest.fixture
def items(tiny: Kokoro) -> list[dict[str, Tensor]]:
    return [item(tiny, tokens, seed) for seed, tokens in enumerate((5, 11, 8))]


@pytest.fixture
def prosody(tiny: Kokoro, tiny_prior: StylePrior, tiny_style: Style) -> TunedProsody:
    lora = LoraOptions(rank=2)
    return TunedProsody(tiny.predictor, tiny_style, tiny_prior, lora, generator=seeded(0)).eval()


def trained(prosody: TunedProsody, items: list[dict[str, Tensor]], steps: int) -> TunedProsody:
    optimizer = torch.optim.Adam([p for p in prosody.parameters() if p.requires_grad], lr=0.02)
    for _ in range(steps):
        losses = prosody(**gather(items))
        optimizer.zero_grad()
        torch.stack([losses[name] for name in ("duration", "pitch", "voicing", "energy")]).sum().backward()
        optimizer.step()
    return prosody


def test_items_of_other_lengths_beside_it_change_nothing(prosody: TunedProsody, items: list[dict[str, Tensor]]) -> None:
    together = prosody(**gather(items))
    alone = [prosody(**gather([one])) for one in items]
    for name, loss in together.items():
        assert loss.item() == pytest.approx(torch.stack([row[name] for row in alone]).mean().item(), rel=1e-4)


def test_every_figure_gets_better_by_learning(prosody: TunedProsody, items: list[dict[str, Tensor]]) -> None:
    before = prosody.figures(**gather(items))
    after = trained(prosody, items, 60).figures(**gather(items))
    assert set(after) == {"duration_ms", "pitch_cents", "voicing_error", "energy_error"}
    for name in ("duration_ms", "pitch_cents", "energy_error"):
        assert after[name] < 0.8 * before[name], name


def test_the_voice_speaks_with_what_was_learned(
    prosody: TunedProsody, items: list[dict[str, Tensor]], tiny: Kokoro, tiny_prior: StylePrior, tiny_style: Style
) -> None:
    """The frozen network says the old durations, the one with merged adapters those that the figures were made from."""
    trained(prosody, items, 60)
    style, one = prosody.tuned(tiny_style), items[1]
    tuned = merge(tiny, prosody.to_tensors())
    tokens = len(one["durations"])
    shifted = (style.prosody + tiny_prior.shift(tokens - 2)[1])[None]
    with torch.no_grad():
        spoken = tuned.predictor.durations(one["meaning"][None].float(), shifted)[0] * style.stretch
        frozen = tiny.predictor.durations(one["meaning"][None].float(), shifted)[0] * style.stretch
    away_ms = 25 * (spoken[0] - one["durations"])[1:-1].abs().mean()
    assert away_ms.item() == pytest.approx(prosody.figures(**gather([one]))["duration_ms"].item(), rel=1e-4)
    assert not torch.allclose(spoken, frozen)


def test_silence_learns_to_have_no_voice(prosody: TunedProsody, items: list[dict[str, Tensor]]) -> None:
    silent = [{**one, "f0": torch.zeros_like(one["f0"])} for one in items]
    assert prosody.figures(**gather(silent))["voicing_error"] == 1
    assert trained(prosody, silent, 150).figures(**gather(silent))["voicing_error"] < 0.5


def test_a_style_can_be_left_alone(tiny: Kokoro, tiny_prior: StylePrior, tiny_style: Style) -> None:
    items = [item(tiny, 6, 1)]
    fixed = TunedProsody(tiny.predictor, tiny_style, tiny_prior, LoraOptions(rank=1), prosody_rate=0.0)
    style = trained(fixed, items, 3).tuned(replace(tiny_style, gain=0.5))
    assert torch.equal(style.prosody, tiny_style.prosody)
    assert style.gain == 0.5
