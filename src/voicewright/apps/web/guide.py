"""`Guide`: the project's own pages (docs/*.md), as they ship with the package, for the tab Help."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, Self

from markdown_it import MarkdownIt

FIRST: Final = ("studio", "voices", "conversion", "datasets", "training", "weights", "safety", "processes", "cli")
"""The order for a reader; pages that are not named follow."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its name in addresses, its title, its Markdown."""

    name: str
    title: str
    text: str


class Guide:
    """Pages of Markdown in a folder."""

    def __init__(self, folder: Traversable | None) -> None:
        self._folder = folder
        found = [_page(each) for each in folder.iterdir() if each.name.endswith(".md")] if folder else []
        order = {name: place for place, name in enumerate(FIRST)}
        self.pages = tuple(sorted(found, key=lambda page: (order.get(page.name, len(order)), page.name)))

    @classmethod
    def find(cls) -> Self:
        """The pages inside the package; in a checkout, those of the checkout."""
        inside = files("voicewright.apps.web") / "docs"
        if inside.is_dir():
            return cls(inside)
        checkout = Path(__file__).parents[4] / "docs"
        return cls(checkout if checkout.is_dir() else None)

    def html(self, name: str) -> str | None:
        """A page as HTML, its tags and scripts escaped; None if there is no such page."""
        text = next((page.text for page in self.pages if page.name == name), None)
        return None if text is None else _html(text)

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """The pictures that the pages show, by name."""
        images = self._folder / "images" if self._folder else None
        for each in images.iterdir() if images is not None and images.is_dir() else ():
            if each.name.endswith((".png", ".svg")):
                yield each.name, each.read_bytes()


def _page(file: Traversable) -> Page:
    text = file.read_text(encoding="utf-8")
    heading = next((line[2:] for line in text.splitlines() if line.startswith("# ")), file.name)
    return Page(file.name.removesuffix(".md"), heading.strip().strip("`"), text)


def _html(text: str) -> str:
    """Columns' alignment would be a style in a tag, which the page's policy forbids; it is left out."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for token in tokens:
        token.attrs.pop("style", None)
        for inner in token.children or ():
            source = str(inner.attrs.get("src", ""))
            if inner.type == "image" and source.startswith("images/"):
                inner.attrs["src"] = f"/help/{source}"
    return str(markdown.renderer.render(tokens, markdown.options, {}))
