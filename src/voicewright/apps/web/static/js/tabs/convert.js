// Convert: recordings or the microphone said again in a voice; and live, while one speaks.

import { at, get, post } from "../api.js";
import { field, fill, h, select } from "../dom.js";
import { formFor } from "../form.js";
import { dropzone } from "../files.js";
import { icon } from "../icons.js";
import { clock, number, t } from "../i18n.js";
import { lastOf, over } from "../jobs.js";
import { live } from "../live.js";
import { badge, button, card, choices, during, empty, head, more, notice, place } from "../parts.js";
import { player } from "../player.js";
import { remember, remembered, take } from "../prefs.js";
import { progress } from "../progress.js";
import { voiceField, voices } from "../voicelist.js";
import { drawCurves } from "../waveform.js";

export async function build(page, { signal, rest }) {
  const [all, { engines }] = await Promise.all([voices(), get("engines")]);
  const able = new Map(engines.filter((engine) => engine.convert_options).map((engine) => [engine.name, engine]));
  const list = all.filter((voice) => able.has(voice.engine));
  const lower = h("div", { class: "stack" });
  const ways = { files: () => recordings(list, able, signal), live: () => live(list, signal) };
  const turn = (way) => {
    history.replaceState(null, "", way === "live" ? "#convert/live" : "#convert");
    fill(lower, ways[way]());
  };
  fill(page, head(t("convert.title"), t("convert.lead")));
  if (!list.length) {
    page.append(
      card(
        "",
        empty(
          "convert",
          t("convert.noVoice"),
          t("convert.noVoiceWhy"),
          h("a", { class: "button", href: "#voices" }, t("speak.firstVoice")),
        ),
      ),
    );
    return;
  }
  const first = rest[0] === "live" ? "live" : "files";
  page.append(
    choices(
      "way",
      [
        ["files", t("convert.files")],
        ["live", t("convert.live")],
      ],
      first,
      turn,
    ),
    lower,
  );
  turn(first);
}

function recordings(list, able, signal) {
  const wish = take("convert.request") ?? {};
  const drop = dropzone({ label: t("convert.recordings"), words: t("convert.drop"), folder: true });
  const own = h("div");
  const state = { options: null };
  const changed = (voice) => {
    const values = voice.name === wish.voice ? wish.options : {};
    state.options = formFor(able.get(voice.engine).convert_options, { values });
    fill(own, state.options);
  };
  const voice = voiceField(list, wish.voice || remembered("voice"), { changed, wished: wish.voice });
  changed(voice.voice());
  const given = wish.settings ?? {};
  const moves = Array.from({ length: 49 }, (each, i) => 24 - i).map((n) => [
    String(n),
    n > 0 ? t("convert.up", { n }) : n < 0 ? t("convert.down", { n: -n }) : t("convert.same"),
  ]);
  const transpose = select([["auto", t("convert.auto")], ...moves], String(given.transpose ?? "auto"));
  const music = h("input", { type: "checkbox", id: "separate", checked: Boolean(given.separate) });
  const settings = formFor("conversion", { skip: ["transpose", "separate"], values: given });
  const format = select(["wav", "flac", "mp3", "ogg"], "wav");
  const wrong = place();
  const bar = progress();
  const out = h("div", { class: "stack", data: { role: "converted" } });
  const go = button(t("convert.go"), null, { kind: "primary", picture: "convert", type: "submit" });
  const form = h(
    "form",
    { class: "card", novalidate: true },
    drop,
    h("div", { class: "grid" }, voice, field(t("convert.transpose"), transpose, { help: t("convert.transposeHelp") })),
    h(
      "div",
      { class: "tick" },
      music,
      h("label", { for: "separate" }, t("convert.music")),
      h("p", { class: "help" }, t("convert.musicHelp")),
    ),
    more(t("form.more"), field(t("convert.format"), format), settings, own),
    h("div", { class: "actions" }, go),
    wrong,
    bar,
  );
  const begin = (job) =>
    during(go, wrong, async () => {
      remember("convert.job", job.id);
      fill(out, results(await bar.run(job, () => {}, signal)));
    });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!drop.uploads().length) {
      wrong.say("bad", t("convert.noFile"));
      return;
    }
    const chosen = transpose.value === "auto" ? {} : { transpose: Number(transpose.value) };
    const request = {
      uploads: drop.uploads().map((each) => each.id),
      voice: voice.control.value,
      format: format.value,
      engine: "",
      settings: { ...settings.values(), ...chosen, ...(music.checked ? { separate: true } : {}) },
      options: state.options.values(),
    };
    const job = await during(go, wrong, () => post("conversions", request));
    if (job) begin(job);
  });
  takeUp(begin, out);
  return [form, out];
}

async function takeUp(begin, out) {
  const job = await lastOf("convert.job");
  if (job && !over(job)) begin(job);
  else if (job?.state === "done") fill(out, results(job));
}

function results(job) {
  const failed = Object.entries(job.result.failed ?? {}).map(([name, why]) => notice("bad", h("b", {}, name), why));
  return [failed, job.result.items.map((item, i) => one(job, item, i))];
}

function one(job, item, number_) {
  const file = job.files.find((each) => each.name === item.file) ?? job.files[number_];
  const source = job.request.uploads?.[number_];
  const canvas = h("canvas", {
    class: "curves",
    role: "img",
    "aria-label": t("convert.curvesRead", { from: Math.round(item.source_hz), to: Math.round(item.target_hz) }),
  });
  const { curves } = item;
  if (curves) {
    const shown = [
      ["source", "--second"],
      ["wished", "--voice"],
    ]
      .filter(([name]) => curves[name])
      .map(([name, colour]) => ({ times: curves[name].times_s, hz: curves[name].hz, colour }));
    new ResizeObserver(() => drawCurves(canvas, shown)).observe(canvas);
  }
  return h(
    "section",
    { class: "card" },
    h(
      "header",
      {},
      h("h2", {}, item.name),
      badge(job.request.voice, "voice"),
      h(
        "a",
        { class: "button small", href: `${file.url}?download=1`, download: file.name },
        icon("download"),
        t("do.download", { name: file.name.split(".").at(-1).toUpperCase() }),
      ),
    ),
    h(
      "div",
      { class: "grid" },
      source &&
        h(
          "div",
          { class: "stack" },
          h("h3", {}, t("convert.before")),
          player(at("uploads", source, "audio"), { name: t("convert.before") }),
        ),
      h(
        "div",
        { class: "stack" },
        h("h3", {}, t("convert.after")),
        player(file.url, { name: t("convert.after"), seconds: item.seconds }),
      ),
    ),
    curves &&
      h(
        "figure",
        {},
        h(
          "figcaption",
          {},
          t("convert.pitch"),
          h(
            "span",
            { class: "row" },
            h("span", { class: "key" }, h("i", { class: "l1" }), t("convert.before")),
            h("span", { class: "key" }, h("i", {}), t("convert.wished")),
          ),
        ),
        canvas,
      ),
    h(
      "div",
      { class: "facts" },
      [
        [t("spoken.length"), clock(item.seconds)],
        [t("convert.moved"), t("convert.semitones", { n: number(item.semitones, 1) })],
        [t("convert.fromTo"), `${number(item.source_hz, 0)} → ${number(item.target_hz, 0)} Hz`],
        [t("spoken.speed"), item.rtf ? `${number(1 / item.rtf, 1)} ×` : "–"],
      ].map(([name, value]) => h("span", {}, `${name} `, h("b", {}, value))),
    ),
    (item.warnings ?? []).map((sentence) => notice("warn", sentence)),
  );
}
