// Small things that every tab says or asks.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";

/** Heading of a tab with a line about what it is for. */
export function head(title, lead) {
  return h("div", { class: "page-head" }, h("h1", {}, title), h("p", {}, lead));
}

export function card(title, ...children) {
  return h("section", { class: "card" }, title && h("header", {}, h("h2", {}, title)), children);
}

export function button(words, act, { kind = "", picture = "", title = "", type = "button", ...rest } = {}) {
  return h(
    "button",
    { type, class: kind, onclick: act, title: title || null, ...rest },
    picture && icon(picture),
    words,
  );
}

/** A button that is only a picture; `words` are its name. */
export function tool(picture, words, act, props = {}) {
  return h(
    "button",
    { type: "button", class: "square quiet", title: words, "aria-label": words, onclick: act, ...props },
    icon(picture),
  );
}

/** A field that tells what was typed once the typing pauses. */
export function searching(words, told) {
  const field = h("input", { type: "search", placeholder: words, "aria-label": words });
  let waiting = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => told(field.value), 300);
  });
  return field;
}

export function badge(words, kind = "", title = "") {
  return h("span", { class: `badge ${kind}`, title: title || null }, words);
}

const PICTURES = { bad: "warn", warn: "warn", good: "check", info: "help" };

/** A sentence that matters; kind: info, good, warn, bad. */
export function notice(kind, ...children) {
  const role = kind === "bad" ? "alert" : null;
  return h("div", { class: `notice ${kind}`, role }, icon(PICTURES[kind]), h("div", {}, children));
}

/** What is shown where there is nothing yet. */
export function empty(picture, title, words, ...more) {
  return h("div", { class: "empty" }, icon(picture), h("h2", {}, title), h("p", {}, words), more);
}

/** A place beside a control where what went wrong is said. */
export function place() {
  const box = h("div", { class: "place", hidden: true });
  box.say = (kind, ...children) => {
    box.hidden = false;
    fill(box, notice(kind, ...children));
  };
  box.clear = () => {
    box.hidden = true;
    fill(box);
  };
  return box;
}

/** Do `work` for a button: it cannot be pressed twice, and what goes wrong is said in `where`. */
export async function during(pressed, where, work) {
  where?.clear();
  pressed?.setAttribute("aria-disabled", "true");
  if (pressed) pressed.disabled = true;
  try {
    return await work();
  } catch (problem) {
    if (problem.name === "AbortError") return undefined;
    if (where) where.say("bad", problem.message);
    else toast(problem.message);
    if (!problem.status) console.debug(problem);
    return undefined;
  } finally {
    pressed?.removeAttribute("aria-disabled");
    if (pressed) pressed.disabled = false;
  }
}

/** A line that goes away by itself, read out by screen readers. */
export function toast(...children) {
  const line = h("div", { class: "toast" }, children);
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), 6000);
}

/** Ask before something that cannot be undone. Resolves to true or false. */
export function sure(question, { yes = t("do.delete"), danger = true } = {}) {
  return dialog(question, [], { yes, danger });
}

/** A small window with `body`; resolves to true when it was agreed to. */
export function dialog(title, body, { yes = t("do.ok"), danger = false } = {}) {
  return new Promise((resolve) => {
    const agree = button(yes, null, { kind: danger ? "danger" : "primary", type: "submit" });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", {}, title),
      body,
      h(
        "div",
        { class: "row end" },
        button(t("do.cancel"), () => box.close()),
        agree,
      ),
    );
    const box = h("dialog", { "aria-label": title }, form);
    form.addEventListener("submit", () => (box.returnValue = "yes"));
    box.addEventListener("close", () => {
      box.remove();
      resolve(box.returnValue === "yes");
    });
    document.body.append(box);
    box.showModal();
  });
}

/** A list of facts: pairs of name and value; empty ones are left out. */
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts-list" },
    told.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

/** Everything in a nested object as pairs for `facts`: "speak.speed" and its value. */
export function everything(value, stem = "") {
  if (value === null || typeof value !== "object") return [[stem, String(value)]];
  if (Array.isArray(value) && value.length > 6) return [[stem, `${value.length}`]];
  const inside = Object.entries(value);
  return inside.flatMap(([name, inner]) => everything(inner, stem ? `${stem}.${name}` : name)).slice(0, 60);
}

/** Names with their values, one after the other. */
export function figures(pairs) {
  return h(
    "div",
    { class: "facts" },
    pairs.map(([name, value]) => h("span", {}, `${name} `, h("b", {}, value))),
  );
}

/** A number with its name under it. */
export function tile(value, name) {
  return h("div", { class: "tile" }, h("b", {}, value), h("span", {}, name));
}

/** Some of a few choices, like radio buttons; `choices` are [value, words, help?]. */
export function choices(name, list, value, onchange) {
  return h(
    "div",
    { class: "choices" },
    list.map(([own, words, help]) =>
      h(
        "label",
        { title: help ?? null },
        h("input", { type: "radio", name, value: own, checked: own === value, onchange: () => onchange?.(own) }),
        words,
      ),
    ),
  );
}

/** What is folded away until it is wanted. */
export function more(words, ...children) {
  return h("details", { class: "more" }, h("summary", {}, words), children);
}
