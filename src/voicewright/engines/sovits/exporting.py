"""A voice as the checkpoint that so-vits-svc 4.1 and so-vits-svc-fork read."""

from pathlib import Path

from voicewright.engines.sovits.singer import Singer
from voicewright.engines.sovits.upstream import write_upstream


def export_checkpoint(singer: Singer, folder: Path) -> list[Path]:
    """`G_0.pth` and `config.json` in `folder`, without the posterior encoder, as a compressed model is; it converts in
    those programs, and cannot be trained on. Raises BadWeights: the voice's network is not whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "G_0.pth"
    write_upstream(singer.network(), path, speakers=singer.speakers, content=singer.content)
    return [path, folder / "config.json"]
