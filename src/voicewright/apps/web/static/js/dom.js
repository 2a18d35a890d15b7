// Elements in one expression: h("button", {class: "primary", onclick: go}, "Speak").

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `on…` are listeners, `data`/`aria` objects become attributes, false and null are left out. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false || (name === "class" && value === "")) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "aria")
      for (const [key, said] of Object.entries(value)) element.setAttribute(`aria-${key}`, said);
    else if (name === "value" && "value" in element) element.value = value;
    else if (name === "checked") element.checked = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  if (props?.value !== undefined && element.tagName === "SELECT") element.value = props.value;
  return element;
}

/** Replace everything inside `element`. */
export function fill(element, ...children) {
  element.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** An id that no other element has. */
export function uid(stem = "e") {
  uid.last = (uid.last ?? 0) + 1;
  return `${stem}-${uid.last}`;
}

/** A form control with its label, its help and the place where its error is shown. */
export function field(label, control, { help = "", wide = false, hideLabel = false } = {}) {
  control.id ||= uid("field");
  const helpId = `${control.id}-help`;
  const errorId = `${control.id}-error`;
  if (help) control.setAttribute("aria-describedby", helpId);
  const error = h("p", { class: "field-error", id: errorId, hidden: true });
  const box = h(
    "div",
    { class: wide ? "field wide" : "field" },
    h("label", { for: control.id, class: hideLabel ? "unseen" : null }, label),
    control,
    help && h("p", { class: "help", id: helpId }, help),
    error,
  );
  box.complain = (sentence) => {
    error.textContent = sentence;
    error.hidden = !sentence;
    control.toggleAttribute("aria-invalid", Boolean(sentence));
    if (sentence) control.setAttribute("aria-errormessage", errorId);
  };
  box.control = control;
  control.addEventListener("input", () => box.complain(""));
  return box;
}

/** A drop-down: `choices` are [value, words] pairs or plain values. */
export function select(choices, value, props = {}) {
  const options = choices.map((choice) => {
    const [own, words] = Array.isArray(choice) ? choice : [choice, choice];
    return h("option", { value: own }, String(words));
  });
  return h("select", { ...props, value: value ?? undefined }, options);
}
