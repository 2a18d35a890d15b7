// A voice between voices: a share of each, and a name.

import { post } from "./api.js";
import { field, h } from "./dom.js";
import { t } from "./i18n.js";
import { button, during, place, toast } from "./parts.js";

export function blend(list, made) {
  const shares = list
    .filter((voice) => !voice.damaged)
    .map((voice) =>
      field(
        voice.name,
        h("input", { type: "number", min: 0, max: 100, step: 5, value: 0, data: { share: voice.name } }),
      ),
    );
  const name = field(t("voices.name"), h("input", { maxlength: 64, autocomplete: "off" }));
  const wrong = place();
  const act = (event) =>
    during(event.currentTarget, wrong, async () => {
      const mixed = shares.map((each) => each.control).filter((control) => Number(control.value) > 0);
      if (mixed.length < 2) throw new Error(t("blend.two"));
      if (!name.control.value.trim()) {
        name.complain(t("voices.noName"));
        name.control.focus();
        return;
      }
      const whole = mixed.reduce((sum, control) => sum + Number(control.value), 0);
      const voice = await post("voices/blend", {
        name: name.control.value.trim(),
        voices: mixed.map((control) => control.dataset.share),
        weights: mixed.map((control) => Number(control.value) / whole),
      });
      toast(t("voices.made", { name: voice.name }));
      await made();
    });
  return h(
    "details",
    { class: "card", data: { role: "blend" } },
    h("summary", {}, t("blend.title")),
    h(
      "div",
      { class: "stack" },
      h("p", { class: "soft" }, t("blend.lead")),
      h("div", { class: "grid" }, shares),
      name,
      h("div", { class: "actions" }, button(t("blend.go"), act)),
      wrong,
    ),
  );
}
