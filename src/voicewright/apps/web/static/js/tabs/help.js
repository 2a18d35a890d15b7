// Help: the project's own pages, as they ship with this version.

import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { card, head } from "../parts.js";

export async function build(page, { rest }) {
  const pages = await (await fetch("/help/index.json")).json();
  const wish = pages.some((each) => each.name === rest[0]) ? rest[0] : pages[0]?.name;
  const doc = h("article", { class: "doc", tabindex: -1 });
  const links = h(
    "div",
    { class: "row", role: "navigation", "aria-label": t("help.pages") },
    pages.map((each) =>
      h(
        "a",
        {
          class: each.name === wish ? "button small" : "button small quiet",
          href: `#help/${each.name}`,
          "aria-current": each.name === wish ? "page" : null,
          title: each.title,
        },
        each.title.split(/[:,]/)[0],
      ),
    ),
  );
  fill(page, head(t("help.title"), t("help.lead")), links, card("", doc));
  if (!wish) return;
  // Our own pages, made into HTML by the server with every tag in them escaped.
  doc.innerHTML = await (await fetch(`/help/${wish}.html`)).text();
  for (const table of doc.querySelectorAll("table")) {
    const box = h("div", { class: "table" });
    table.replaceWith(box);
    box.append(table);
  }
  for (const wide of doc.querySelectorAll("pre, .table")) wide.tabIndex = 0; // so that keys can scroll it
  for (const link of doc.querySelectorAll("a[href]")) {
    const page_ = /^([\w-]+)\.md(?:#.*)?$/.exec(link.getAttribute("href"));
    if (page_ && pages.some((each) => each.name === page_[1])) link.setAttribute("href", `#help/${page_[1]}`);
    else if (link.getAttribute("href").startsWith("http")) link.setAttribute("rel", "noreferrer noopener");
  }
}
