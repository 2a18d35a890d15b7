// The keys of this server: who may come in besides whoever sits at this machine.

import { at, get, post, remove } from "./api.js";
import { field, fill, h } from "./dom.js";
import { moment, t } from "./i18n.js";
import { badge, button, card, during, notice, place, sure } from "./parts.js";

export async function keys() {
  const wrong = place();
  const fresh = h("div");
  const list = h("div", { class: "stack" });
  const redraw = async () => fill(list, listed((await get("keys")).keys, redraw, wrong));
  const name = field(t("keys.name"), h("input", { maxlength: 64, autocomplete: "off" }), { help: t("keys.nameHelp") });
  const make = button(t("keys.make"), () =>
    during(make, wrong, async () => {
      const first = !list.querySelector("li");
      if (first && !(await sure(t("keys.first"), { yes: t("keys.make"), danger: false }))) return;
      const made = await post("keys", { name: name.control.value.trim() });
      name.control.value = "";
      fill(fresh, notice("good", h("b", {}, t("keys.once")), h("code", { data: { role: "key" } }, made.key)));
      await redraw();
    }),
  );
  await redraw();
  const lead = h("p", { class: "help" }, t("keys.lead"));
  const shown = card(t("keys.title"), lead, list, name, h("div", { class: "actions" }, make), wrong, fresh);
  shown.dataset.role = "keys";
  return shown;
}

function listed(found, redraw, wrong) {
  if (!found.length) return h("p", {}, t("settings.keyNone"));
  const away = (key) =>
    during(null, wrong, async () => {
      if (!(await sure(t("keys.sure", { name: called(key) })))) return;
      await remove(at("keys", key.id));
      await redraw();
    });
  const row = (key) =>
    h(
      "li",
      {},
      h(
        "div",
        { class: "row apart" },
        h(
          "span",
          { class: "row" },
          h("b", {}, called(key)),
          key.mine && badge(t("keys.mine"), "voice"),
          key.begins && h("code", { class: "soft" }, `${key.begins}…`),
          h("span", { class: "soft small" }, key.given ? t("keys.given") : moment(key.made)),
        ),
        !key.given &&
          button(t("do.delete"), () => away(key), {
            kind: "small danger",
            "aria-label": t("keys.deleteOf", { name: called(key) }),
          }),
      ),
    );
  return h("ul", { class: "list" }, found.map(row));
}

const called = (key) => key.name || key.begins || key.id;
