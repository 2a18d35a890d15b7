// Voices: recordings in, the doctor's report, a name and a consent, and the voice is heard beside its source.

import { at, get, patch, post, remove } from "../api.js";
import { field, fill, h, select } from "../dom.js";
import { formFor } from "../form.js";
import { dropzone } from "../files.js";
import { icon } from "../icons.js";
import { clock, moment, number, t } from "../i18n.js";
import { cancel } from "../jobs.js";
import {
  badge,
  button,
  card,
  choices,
  dialog,
  during,
  empty,
  facts,
  figures,
  head,
  more,
  notice,
  place,
  sure,
  tool,
} from "../parts.js";
import { player } from "../player.js";
import { progress } from "../progress.js";
import { report } from "../report.js";
import { blend } from "../blend.js";
import { compare } from "../compare.js";
import { importing } from "../importing.js";
import { takeover } from "../takeover.js";
import { voices } from "../voicelist.js";

export async function build(page, { signal }) {
  const [home, engines] = await Promise.all([get("settings"), get("engines")]);
  const list = h("div", { class: "stack" });
  const redraw = async () => fill(list, await library(redraw, signal, bring));
  const bring = importing(() => redraw());
  fill(page, head(t("voices.title"), t("voices.lead")), maker({ home, engines, signal, made: redraw }), list);
  await redraw();
}

/** Make a voice. */
function maker({ home, engines, signal, made }) {
  const doctor = h("div");
  const state = { examining: new AbortController(), speaker: null };
  const drop = dropzone({ label: t("voices.recordings"), words: t("voices.drop"), changed: () => examine() });
  const name = nameField();
  const [consent, self] = consentField(home);
  const preset = { now: "standard" };
  const speaker = speakerField(() => examine());
  const { element: further, ...extra } = furtherFields(engines);
  const wrong = place();
  const bar = progress();
  const heard = h("div");
  const go = button(t("voices.go"), null, { kind: "primary", picture: "voices", type: "submit" });
  const form = h(
    "form",
    { class: "card", novalidate: true, data: { role: "maker" } },
    h("h2", {}, t("voices.make")),
    drop,
    doctor,
    speaker,
    h("div", { class: "grid" }, name, h("div", {}, consent, self)),
    h("div", { class: "field" }, h("span", { class: "legend" }, t("voices.preset")), presets(preset)),
    further,
    h("div", { class: "actions" }, go),
    wrong,
    bar,
    heard,
  );

  const chosenSpeaker = () => (speaker.hidden ? null : Number(speaker.control.value));
  const examine = async () => {
    state.examining.abort();
    state.examining = new AbortController();
    if (drop.busy()) return;
    if (!drop.uploads().length) {
      fill(doctor);
      speaker.hidden = true;
      return;
    }
    const listening = progress();
    fill(doctor, listening);
    const { signal: mine } = state.examining;
    let job = null;
    mine.addEventListener("abort", () => job && cancel(job).catch(() => {}));
    try {
      job = await post("voices/examine", { uploads: drop.uploads().map((each) => each.id), speaker: chosenSpeaker() });
      const last = await listening.run(job, () => {}, AbortSignal.any([signal, mine]));
      if (last.result.speakers > 1) speaker.hidden = false;
      fill(doctor, report(last.result));
    } catch (problem) {
      if (problem.name === "AbortError" || mine.aborted) return;
      if (/speakers? /.test(problem.message)) speaker.hidden = false;
      fill(doctor, notice("bad", h("b", {}, t("voices.unfit")), problem.message));
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!asked(drop, name, consent, home, wrong)) return;
    during(go, wrong, async () => {
      const request = {
        name: name.control.value.trim(),
        uploads: drop.uploads().map((each) => each.id),
        consent: consent.control.value.trim(),
        licence: extra.licence.value,
        speaker: chosenSpeaker(),
        replace: extra.replace.checked,
        engine: extra.engine.value,
        options: { ...extra.options.values(), preset: preset.now },
      };
      const last = await bar.run(await refusal(name, post("voices", request)), () => {}, signal);
      fill(heard, beside(last.result, drop.uploads()));
      made();
    });
  });
  return form;
}

function nameField() {
  const control = h("input", { required: true, maxlength: 64, autocomplete: "off", placeholder: "narrator" });
  return field(t("voices.name"), control, { help: t("voices.nameHelp") });
}

/** Who agreed, and a button for who speaks for themselves. */
function consentField(home) {
  const needed = home.require_consent;
  const control = h("input", { maxlength: 500, placeholder: t("voices.consentExample"), required: needed });
  const help = needed ? t("voices.consentNeeded") : t("voices.consentHelp");
  const box = field(t("voices.consent"), control, { help });
  return [box, button(t("voices.self"), () => (control.value = t("voices.selfWords")), { kind: "quiet small" })];
}

/** Shown once several people were heard. */
function speakerField(changed) {
  const control = h("input", { type: "number", min: 1, max: 20, value: 1 });
  const box = field(t("voices.speaker"), control, { help: t("voices.speakerHelp") });
  box.hidden = true;
  control.addEventListener("change", changed);
  return box;
}

function presets(chosen) {
  const list = [
    ["quick", t("voices.quick"), t("voices.quickHelp")],
    ["standard", t("voices.standard"), t("voices.standardHelp")],
    ["best", t("voices.best"), t("voices.bestHelp")],
  ];
  return choices("preset", list, chosen.now, (value) => (chosen.now = value));
}

function furtherFields({ engines, default: first }) {
  const engine = select(
    engines.filter((each) => each.clones).map((each) => each.name),
    first,
  );
  const licence = h("input", { placeholder: "CC BY 4.0" });
  const replace = h("input", { type: "checkbox", id: "replace" });
  const options = formFor("enroll", { skip: ["preset"] });
  const element = more(
    t("form.more"),
    h(
      "div",
      { class: "grid" },
      field(t("voices.engine"), engine, { help: t("voices.engineHelp") }),
      field(t("voices.licence"), licence, { help: t("voices.licenceHelp") }),
    ),
    options,
    h("div", { class: "tick" }, replace, h("label", { for: "replace" }, t("voices.replace"))),
  );
  return { element, engine, licence, replace, options };
}

function asked(drop, name, consent, home, wrong) {
  wrong.clear();
  if (!drop.uploads().length) {
    wrong.say("bad", t("voices.noRecordings"));
    return false;
  }
  if (!name.control.value.trim()) {
    name.complain(t("voices.noName"));
    name.control.focus();
    return false;
  }
  if (home.require_consent && !consent.control.value.trim()) {
    consent.complain(t("voices.noConsent"));
    consent.control.focus();
    return false;
  }
  return true;
}

/** A refusal of the name is shown at the name. */
async function refusal(name, asking) {
  try {
    return await asking;
  } catch (problem) {
    if (problem.kind === "BadVoice" || problem.status === 409) name.complain(problem.message);
    throw problem;
  }
}

/** The new voice beside what it was made of. */
function beside(result, uploads) {
  const { voice } = result;
  const source = (each) =>
    player(at("uploads", each.id, "audio"), {
      name: each.name,
      seconds: each.seconds,
      waveform: at("uploads", each.id, "waveform"),
    });
  const speak = h("a", { href: "#speak" }, t("voices.speakNow"));
  return h(
    "div",
    { class: "stack", data: { role: "made" } },
    notice("good", h("b", {}, t("voices.made", { name: voice.name })), speak),
    h(
      "div",
      { class: "grid" },
      h("div", { class: "stack" }, h("h3", {}, t("voices.source")), uploads.slice(0, 3).map(source)),
      h("div", { class: "stack" }, h("h3", {}, t("voices.result")), preview(voice, voice.preview_s), scores(voice)),
    ),
  );
}

function preview(voice, there, slim = false) {
  if (!there) return h("p", { class: "soft" }, t("voices.noPreview"));
  return player(at("voices", voice.name, "preview"), { name: voice.name, slim });
}

function scores(voice) {
  return figures(Object.entries(voice.scores ?? {}).map(([name, value]) => [name, number(value)]));
}

/** The voices that there are. */
async function library(redraw, signal, bring) {
  const list = await voices();
  const shown = list.length
    ? h(
        "div",
        { class: "cards" },
        list.map((voice) => entry(voice, redraw)),
      )
    : card("", empty("voices", t("voices.none"), t("voices.noneWhy")));
  return [
    h("div", { class: "row apart" }, h("h2", {}, t("voices.library", { n: list.length })), bring.choose),
    bring.shown,
    shown,
    list.length > 1 && [compare(list, signal), blend(list, redraw)],
    takeover(signal, redraw),
  ];
}

function entry(voice, redraw) {
  const wrong = place();
  const act = (work) => during(null, wrong, work);
  const rename = () =>
    act(async () => {
      const control = field(t("voices.name"), h("input", { value: voice.name, maxlength: 64, required: true }));
      if (!(await dialog(t("voices.rename"), control, { yes: t("voices.rename") }))) return;
      const renamed = await patch(at("voices", voice.name), { name: control.control.value.trim() });
      await redraw();
      document.querySelector(`[data-voice="${CSS.escape(renamed.name)}"] [data-do=rename]`)?.focus();
    });
  const away = () =>
    act(async () => {
      if (!(await sure(t("voices.sure", { name: voice.name })))) return;
      await remove(at("voices", voice.name));
      redraw();
    });
  const about = h("div");
  const told = more(t("voices.about"), about);
  const tell = async () => fill(about, details(await get(at("voices", voice.name))));
  told.addEventListener("toggle", () => told.open && act(tell));
  const file = { href: at("voices", voice.name, "file"), download: `${voice.name}.voice` };
  return h(
    "article",
    { class: "card", data: { voice: voice.name }, "aria-label": voice.name },
    h(
      "header",
      {},
      h("h3", {}, voice.name),
      badge(voice.engine, "voice"),
      voice.damaged && badge(t("voices.damaged"), "bad", voice.damaged),
    ),
    h(
      "div",
      { class: "facts" },
      h("span", {}, voice.language),
      h("span", {}, t("voices.from", { time: clock(voice.seconds) })),
      h("span", {}, moment(voice.created)),
    ),
    voice.damaged ? h("p", { class: "field-error" }, voice.damaged) : preview(voice, voice.has_preview, true),
    wrong,
    h(
      "div",
      { class: "row" },
      h("a", { class: "button small", ...file }, icon("download"), t("voices.export")),
      tool("edit", t("voices.renameOf", { name: voice.name }), rename, { "data-do": "rename" }),
      tool("trash", t("voices.deleteOf", { name: voice.name }), away),
    ),
    told,
  );
}

function details(voice) {
  const source = voice.sources.map((each) => `${each.name} (${clock(each.seconds)})`).join(", ");
  const known = [
    [t("voices.consent"), voice.consent || t("voices.notStated")],
    [t("voices.licence"), voice.licence],
    [t("voices.source"), source],
    [t("voices.weights"), voice.weights],
  ];
  return h("div", { class: "stack" }, facts(known), scores(voice));
}
