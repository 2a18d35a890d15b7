// Forms made of JSON schemas, so that an engine or an option that is added later appears by itself.

import { get } from "./api.js";
import { field, fill, h, select, uid } from "./dom.js";
import { optionWords, t } from "./i18n.js";

const known = new Map();

/** The schema of a group of options, asked for once. */
export function schemaOf(group) {
  if (!known.has(group)) {
    const asked = get(`options/${group}`);
    asked.catch(() => known.delete(group));
    known.set(group, asked);
  }
  return known.get(group);
}

/**
 * A form for an object's schema, of the options called `group`. `skip` leaves properties out (they are shown
 * elsewhere). The element has `values()`: only what differs from the defaults, so that a request says no more than
 * the user chose (with `complete`, everything); `set(values)`, `reset()`, and `complain(sentence)`, which shows a
 * refusal beside the field that it names, and says whether there is one.
 */
export function form(schema, { group = "", skip = [], values = {}, complete = false } = {}) {
  const box = h("div", { class: "stack" });
  let parts = [];
  const build = (given) => {
    parts = Object.entries(schema.properties ?? {})
      .filter(([name]) => !skip.includes(name))
      .map(([name, own]) => part(name, own, given[name], { group, complete }));
    const plain = parts.filter((each) => !each.group);
    fill(
      box,
      plain.length
        ? h(
            "div",
            { class: "grid" },
            plain.map((each) => each.element),
          )
        : null,
      parts.filter((each) => each.group).map((each) => each.element),
    );
  };
  build(values);
  box.values = () => {
    const chosen = {};
    for (const each of parts) {
      const value = each.read();
      if (value !== undefined) chosen[each.name] = value;
    }
    return chosen;
  };
  box.set = (given) => build(given ?? {});
  box.reset = () => build({});
  box.complain = (sentence) => parts.some((each) => each.complain(sentence));
  return box;
}

/** A form for a named group that fills itself once the schema is here. */
export function formFor(group, options = {}) {
  const box = h("div", {});
  let inner = null;
  let wished = options.values ?? {};
  box.ready = schemaOf(group).then((schema) => {
    inner = form(schema, { ...options, group, values: wished });
    fill(box, inner);
    return inner;
  });
  box.ready.catch((problem) => fill(box, h("p", { class: "field-error" }, problem.message)));
  box.values = () => inner?.values() ?? {};
  box.set = (values) => (inner ? inner.set(values) : (wished = values));
  box.reset = () => inner?.reset();
  box.complain = (sentence) => inner?.complain(sentence) ?? false;
  return box;
}

function part(name, schema, value, { group, complete }) {
  if (schema.type === "object" && schema.properties) return groupOf(name, schema, value, { group, complete });
  const kind = kindOf(schema);
  const words = optionWords(group, name, schema);
  const present = value === undefined ? schema.default : value;
  const made = MAKERS[kind.type](kind, present, name);
  const element =
    kind.type === "boolean"
      ? tick(words, made.control)
      : field(words.label, made.element ?? made.control, { help: words.help });
  if (made.element) labelled(element, made.control);
  return {
    name,
    element,
    group: false,
    read: () => {
      const now = made.read();
      return !complete && same(now, schema.default) ? undefined : now;
    },
    complain: (sentence) => {
      const mine = new RegExp(`\\b${name}\\b`).test(sentence);
      if (mine) openUp(element);
      element.complain?.(mine ? sentence : "");
      return mine;
    },
  };
}

function groupOf(name, schema, value, { group, complete }) {
  const words = optionWords(group, name, schema);
  const inner = form(schema, { group, values: value ?? {}, complete });
  return {
    name,
    group: true,
    element: h("fieldset", {}, h("legend", {}, words.label), inner),
    read: () => {
      const chosen = inner.values();
      return Object.keys(chosen).length ? chosen : undefined;
    },
    complain: (sentence) => inner.complain(sentence),
  };
}

/** What a schema asks for: {type, choices, low, high, none, words}. */
function kindOf(schema) {
  const ways = schema.anyOf ?? [schema];
  const none = ways.some((way) => way.type === "null");
  const fixed = ways.flatMap((way) => way.enum ?? (way.const !== undefined ? [way.const] : []));
  const number = ways.find((way) => way.type === "number" || way.type === "integer");
  const told = /\((-?\d+(?:\.\d+)?) to (?:below )?(-?\d+(?:\.\d+)?)\)/.exec(
    schema.description?.replace(/\s+/g, " ") ?? "",
  );
  const low = number?.minimum ?? (told ? Number(told[1]) : undefined);
  const high = number?.maximum ?? (told ? Number(told[2]) : undefined);
  if (number)
    return {
      type: fixed.length || none ? "numberOr" : "number",
      whole: number.type === "integer",
      low,
      high,
      none,
      words: fixed,
    };
  if (fixed.length) return { type: "choice", choices: fixed, none };
  if (ways.some((way) => way.type === "boolean")) return { type: "boolean" };
  const listed = ways.find((way) => way.type === "array");
  if (listed) return { type: "list", items: listed.items ?? listed.prefixItems?.[0] ?? {} };
  if (ways.some((way) => way.type === "string")) return { type: "text", none };
  return { type: "plain" };
}

const MAKERS = {
  boolean(kind, value) {
    const control = h("input", { type: "checkbox", checked: Boolean(value) });
    return { control, read: () => control.checked };
  },
  choice(kind, value) {
    const list = [
      ...(kind.none ? [["", t("form.none")]] : []),
      ...kind.choices.map((each) => [String(each), String(each)]),
    ];
    const control = select(list, value === null || value === undefined ? "" : String(value));
    return {
      control,
      read: () =>
        control.value === "" && kind.none ? null : kind.choices.find((each) => String(each) === control.value),
    };
  },
  number(kind, value, name) {
    const step = kind.whole ? 1 : "any";
    const control = h("input", { type: "number", step, min: kind.low, max: kind.high, value: value ?? "" });
    const read = () => (control.value === "" ? undefined : Number(control.value));
    if (name === "seed" || kind.low === undefined || kind.high - kind.low > 2000) return { control, read };
    const fine = kind.whole ? 1 : niceStep(kind.high - kind.low);
    const slide = h("input", {
      type: "range",
      min: kind.low,
      max: kind.high,
      step: fine,
      value: value ?? kind.low,
      tabindex: -1,
      "aria-hidden": "true",
    });
    slide.addEventListener("input", () => {
      control.value = Number(Number(slide.value).toFixed(4));
      control.dispatchEvent(new Event("input", { bubbles: true }));
    });
    control.addEventListener("input", () => (slide.value = control.value));
    return { control, element: h("div", { class: "slider" }, slide, control), read };
  },
  numberOr(kind, value) {
    const word = kind.words[0] ?? "";
    const control = h("input", {
      type: "text",
      inputmode: "decimal",
      placeholder: word || t("form.none"),
      value: value === null || value === word ? "" : (value ?? ""),
    });
    const read = () => {
      const typed = control.value.trim();
      if (typed === "" || typed === word) return kind.none && !word ? null : word || null;
      return Number.isNaN(Number(typed)) ? typed : Number(typed);
    };
    return { control, read };
  },
  list(kind, value) {
    const control = h("input", { type: "text", value: (value ?? []).join(", "), placeholder: t("form.commas") });
    const numbers = ["number", "integer"];
    const number =
      numbers.includes(kind.items.type) || (value?.length > 0 && value.every((each) => typeof each === "number"));
    const read = () =>
      control.value
        .split(",")
        .map((each) => each.trim())
        .filter(Boolean)
        .map((each) => (number ? Number(each) : each));
    return { control, read };
  },
  text(kind, value) {
    const control = h("input", { type: "text", value: value ?? "" });
    return { control, read: () => (control.value === "" && kind.none ? null : control.value) };
  },
  plain(kind, value) {
    const control = h("input", {
      type: "text",
      value: value === undefined || value === null ? "" : JSON.stringify(value),
    });
    const read = () => {
      try {
        return control.value === "" ? value : JSON.parse(control.value);
      } catch {
        return control.value;
      }
    };
    return { control, read };
  },
};

function tick(words, control) {
  control.id ||= uid("tick");
  const helpId = `${control.id}-help`;
  if (words.help) control.setAttribute("aria-describedby", helpId);
  const error = h("p", { class: "field-error", hidden: true });
  const box = h(
    "div",
    { class: "tick" },
    control,
    h("label", { for: control.id }, words.label),
    words.help && h("p", { class: "help", id: helpId }, words.help),
    error,
  );
  box.complain = (sentence) => {
    error.textContent = sentence;
    error.hidden = !sentence;
  };
  return box;
}
export { tick };

/** A field whose control lies inside a wrapper: label, help and error belong to the control. */
function labelled(element, control) {
  const wrapper = element.control;
  const label = element.querySelector("label");
  control.id = `${wrapper.id}-n`;
  label.setAttribute("for", control.id);
  const help = wrapper.getAttribute("aria-describedby");
  if (help) control.setAttribute("aria-describedby", help);
  wrapper.removeAttribute("aria-describedby");
}

function openUp(element) {
  element.closest("details")?.setAttribute("open", "");
  requestAnimationFrame(() => element.scrollIntoView({ block: "center" }));
}

function niceStep(span) {
  const step = 10 ** Math.floor(Math.log10(span / 50));
  return span / step > 400 ? step * 5 : step;
}

function same(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other ?? null);
}
