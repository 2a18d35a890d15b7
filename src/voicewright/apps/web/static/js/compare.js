// Two or more voices saying the same sentence, side by side.

import { post } from "./api.js";
import { field, fill, h } from "./dom.js";
import { fileOf } from "./jobs.js";
import { number, t } from "./i18n.js";
import { button, during, place } from "./parts.js";
import { player } from "./player.js";
import { progress } from "./progress.js";

export function compare(list, signal) {
  const boxes = list
    .filter((voice) => !voice.damaged)
    .map((voice) => h("input", { type: "checkbox", id: `compare-${voice.name}`, value: voice.name }));
  const text = field(t("compare.text"), h("input", { value: t("compare.example"), maxlength: 500 }));
  const wrong = place();
  const out = h("div", { class: "grid" });
  const act = (event) =>
    during(event.currentTarget, wrong, async () => {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      if (chosen.length < 2) throw new Error(t("compare.two"));
      fill(out);
      await Promise.all(chosen.map((voice) => one(voice, text.control.value, out, signal)));
    });
  return h(
    "details",
    { class: "card" },
    h("summary", {}, t("compare.title")),
    h(
      "div",
      { class: "stack" },
      h(
        "div",
        { class: "row" },
        boxes.map((box) => h("span", { class: "tick" }, box, h("label", { for: box.id }, box.value))),
      ),
      text,
      h("div", { class: "actions" }, button(t("compare.go"), act)),
      wrong,
      out,
    ),
  );
}

async function one(voice, text, out, signal) {
  const bar = progress();
  const place = h("div", { class: "stack" }, h("h3", {}, voice), bar);
  out.append(place);
  try {
    const job = await bar.run(await post("speech", { text, voice, settings: {}, format: "wav" }), () => {}, signal);
    const { scores, seconds } = job.result;
    place.append(
      player(fileOf(job, ".wav").url, { name: voice, seconds }),
      h("div", { class: "facts" }, h("span", {}, `${t("spoken.likeness")} `, h("b", {}, number(scores.similarity)))),
    );
  } catch (problem) {
    place.append(h("p", { class: "field-error" }, problem.message));
  }
}
