// A blind test: two takes of each sentence, nobody says which is which; the verdict comes at the end.

import { at, get, post } from "./api.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { button, during, empty, notice, place } from "./parts.js";
import { player } from "./player.js";

/** The test of the last comparison of the run `name`. */
export async function blind(name) {
  const { pairs } = await get(at("runs", name, "blind")).catch(() => ({ pairs: [] }));
  if (!pairs.length) return empty("help", t("blind.none"), t("blind.noneWhy"));
  const answers = {};
  const wrong = place();
  const out = h("div", { role: "status" });
  const send = (event) =>
    during(event.currentTarget, wrong, async () => {
      const told = await post(at("runs", name, "blind"), { answers });
      fill(out, notice("good", told.sentence));
    });
  return h(
    "div",
    { class: "stack" },
    h("h3", {}, t("blind.title")),
    h("p", { class: "soft" }, t("blind.lead")),
    h(
      "ol",
      { class: "list" },
      pairs.map((each) => pair(each, answers)),
    ),
    wrong,
    h("div", { class: "actions" }, button(t("blind.go"), send, { kind: "primary" })),
    out,
  );
}

function pair(each, answers) {
  const side = (name) => {
    const letter = name.toUpperCase();
    const sound = player(each[name], { name: `${letter} ${each.number}`, slim: true });
    return h("div", { class: "row" }, h("b", {}, letter), sound);
  };
  const better = (value, words) =>
    button(
      words,
      (event) => {
        answers[each.number] = value;
        const chosen = event.currentTarget;
        for (const one of chosen.parentElement.children) one.setAttribute("aria-pressed", String(one === chosen));
      },
      { kind: "small", "aria-pressed": "false" },
    );
  return h(
    "li",
    {},
    h("span", { class: "said" }, each.text ?? t("blind.pair", { n: each.number })),
    h("div", { class: "grid" }, side("a"), side("b")),
    h(
      "div",
      { class: "row", role: "group", "aria-label": t("blind.which") },
      better("a", "A"),
      better("same", t("blind.same")),
      better("b", "B"),
    ),
  );
}
