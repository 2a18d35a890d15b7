// The choice of a voice, with its preview beside it.

import { at, get } from "./api.js";
import { field, h, select } from "./dom.js";
import { t } from "./i18n.js";
import { tool } from "./parts.js";

export async function voices() {
  return (await get("voices")).voices;
}

/** A field to choose a voice in; `changed` hears the voice. If one is `wished` that is not there, the field says so. */
export function voiceField(list, chosen, { changed = () => {}, wished = "" } = {}) {
  const whole = list.filter((voice) => !voice.damaged);
  const names = whole.map((voice) => voice.name);
  const control = select(names, names.includes(chosen) ? chosen : names[0]);
  const audio = h("audio", { preload: "none" });
  const hear = tool("play", t("voice.hear"), () => {
    audio.src = at("voices", control.value, "preview");
    audio.play().catch(() => {});
  });
  const now = () => whole.find((voice) => voice.name === control.value);
  const box = field(t("voice.label"), control);
  const beside = h("div", { class: "slider" });
  control.replaceWith(beside);
  beside.append(control, hear);
  control.addEventListener("change", () => changed(now()));
  box.voice = now;
  if (wished && !names.includes(wished)) box.complain(t("voice.gone", { name: wished }));
  return box;
}
