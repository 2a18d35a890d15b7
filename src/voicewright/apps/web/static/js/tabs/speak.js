// Speak: a text, a voice, one button; then every sentence can be heard, redone, kept or changed.

import { get, post } from "../api.js";
import { field, fill, h, select } from "../dom.js";
import { formFor } from "../form.js";
import { t } from "../i18n.js";
import { lastOf, over } from "../jobs.js";
import { button, card, choices, during, empty, head, more, place } from "../parts.js";
import { remember, remembered, take } from "../prefs.js";
import { progress } from "../progress.js";
import { spoken } from "../spoken.js";
import { voiceField, voices } from "../voicelist.js";

const CARE = { quick: { check: "off" }, standard: {}, careful: { check: "full", takes: 4 } };

export async function build(page, { signal }) {
  fill(page, head(t("speak.title"), t("speak.lead")));
  const [list, settings, runs] = await Promise.all([
    voices(),
    get("settings"),
    get("runs").catch(() => ({ runs: [] })),
  ]);
  if (!list.length) {
    const first = h("a", { class: "button", href: "#voices" }, t("speak.firstVoice"));
    page.append(card("", empty("voices", t("speak.noVoice"), t("speak.noVoiceWhy"), first)));
    return;
  }
  const wish = take("speak.request") ?? {};
  const chosen = wish.voice || remembered("voice") || settings.default_voice;
  const parts = controls(list, { ...wish, voice: chosen, wished: wish.voice }, runs.runs);
  const wrong = place();
  const bar = progress();
  const result = spoken({ signal });
  const go = button(t("speak.go"), null, { kind: "primary", picture: "speak", type: "submit" });
  const form = h(
    "form",
    { class: "card", novalidate: true },
    parts.element,
    h("div", { class: "actions" }, go),
    wrong,
    bar,
  );
  page.append(form, result);

  const begin = (job) =>
    during(go, wrong, async () => {
      remember("speak.job", job.id);
      result.begin(job, parts.listen.checked);
      result.done(await bar.run(job, result.tell, signal));
    });
  result.onjob = begin;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const request = parts.request();
    if (!request.text.trim()) {
      parts.text.complain(t("speak.noText"));
      parts.text.control.focus();
      return;
    }
    if (request.voice) remember("voice", request.voice);
    const job = await during(go, wrong, () => refusedBeside(parts.settings, () => post("speech", request)));
    if (job) begin(job);
  });
  takeUp(result, begin);
}

/** Work that was going on, or the last result, after the page was left. */
async function takeUp(result, begin) {
  const job = await lastOf("speak.job");
  if (job && !over(job)) begin(job);
  else if (job?.state === "done") result.done(job);
}

async function refusedBeside(form, work) {
  try {
    return await work();
  } catch (problem) {
    form.complain(problem.message);
    throw problem;
  }
}

function controls(list, wish, runs) {
  const area = h("textarea", {
    class: "big",
    rows: 6,
    placeholder: t("speak.placeholder"),
    spellcheck: true,
    maxlength: 1_000_000,
  });
  area.value = wish.text ?? remembered("speak.text");
  area.addEventListener("input", () => remember("speak.text", area.value.slice(0, 20_000)));
  const text = field(t("speak.text"), area, { wide: true });
  const open = h("input", {
    type: "file",
    accept: ".txt,.md,text/plain",
    class: "unseen",
    tabindex: -1,
    "aria-label": t("speak.openFile"),
  });
  open.addEventListener("change", async () => {
    area.value = await open.files[0].text();
    open.value = "";
  });

  const given = wish.settings ?? {};
  const voice = voiceField(list, wish.voice, { wished: wish.wished });
  const care = { now: careOf(given.check) };
  const takes = h("input", { type: "number", min: 1, max: 16, value: given.check?.takes ?? CARE[care.now].takes ?? 1 });
  const set = (value) => {
    care.now = value;
    takes.value = CARE[value].takes ?? 1;
    settings.set({ ...settings.values(), check: CARE[value] });
  };
  const carefully = choices(
    "care",
    [
      ["quick", t("speak.quick"), t("speak.quickHelp")],
      ["standard", t("speak.standard"), t("speak.standardHelp")],
      ["careful", t("speak.careful"), t("speak.carefulHelp")],
    ],
    care.now,
    set,
  );
  takes.addEventListener("input", () =>
    settings.set({ ...settings.values(), check: { ...settings.values().check, takes: Number(takes.value) } }),
  );
  const listen = h("input", { type: "checkbox", id: "listen", checked: true });

  const engine = select(
    [["", t("speak.ownEngine")], ...runs.map((run) => [`runs/${run.name}`, t("speak.run", { name: run.name })])],
    wish.engine ?? "",
  );
  const own = () => (voice.control.disabled = engine.value !== ""); // a run speaks as the voice that it learned
  engine.addEventListener("change", own);
  own();
  const lexicon = h("textarea", { rows: 3, placeholder: "voicewright: voice right" });
  lexicon.value = wish.lexicon ?? remembered("lexicon");
  lexicon.addEventListener("input", () => remember("lexicon", lexicon.value));
  const settings = formFor("speech", { values: given });
  const element = [
    text,
    h(
      "div",
      { class: "row apart" },
      button(t("speak.openFile"), () => open.click(), { kind: "quiet small", picture: "upload" }),
      button(
        t("speak.example"),
        () => {
          area.value = t("speak.exampleText");
          text.complain("");
        },
        { kind: "quiet small" },
      ),
      open,
    ),
    h(
      "div",
      { class: "grid three" },
      voice,
      h("div", { class: "field" }, h("span", { class: "legend" }, t("speak.care")), carefully),
      field(t("speak.takes"), takes, { help: t("speak.takesHelp") }),
    ),
    h("div", { class: "tick" }, listen, h("label", { for: "listen" }, t("speak.listen"))),
    more(
      t("form.more"),
      h(
        "div",
        { class: "grid" },
        field(t("speak.engine"), engine, { help: t("speak.engineHelp") }),
        field(t("speak.lexicon"), lexicon, { help: t("speak.lexiconHelp") }),
      ),
      settings,
    ),
  ];
  const request = () => ({
    text: area.value,
    voice: engine.value ? "" : voice.control.value,
    engine: engine.value,
    settings: settings.values(),
    format: "wav",
    subtitles: "srt",
    lexicon: lexicon.value,
  });
  return { element, text, listen, settings, request };
}

function careOf(check) {
  if (check?.check === "off") return "quick";
  return check?.check === "full" ? "careful" : "standard";
}
