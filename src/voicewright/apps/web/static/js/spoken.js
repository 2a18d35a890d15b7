// What was spoken: the whole with its downloads, and every sentence with what can be done about it.

import { at, get, post } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { clock, number, t } from "./i18n.js";
import { fileOf } from "./jobs.js";
import { badge, button, during, place, tile, tool } from "./parts.js";
import { player } from "./player.js";

/** The result of a speak job. The owner sets `onjob`, which hears of every job that is started here. */
export function spoken() {
  const box = h("div", { class: "stack", hidden: true });
  const sound = h("div");
  const links = h("div", { class: "row" });
  const numbers = h("div", { class: "tiles" });
  const sentences = h("div");
  const title = h("h2", {});
  const whole = h("section", { class: "card" }, h("header", {}, title, links), sound, numbers);
  const state = { job: null, live: null, locked: new Set(), base: "" };
  const show = (job) => begun(job, state, sound);
  fill(box, whole, sentences);

  box.begin = (job, listen) => {
    box.hidden = false;
    title.textContent = t("spoken.making");
    Object.assign(state, { job, live: null, listen });
    fill(links);
    fill(numbers);
    numbers.hidden = true;
    fill(sound, h("p", { class: "soft" }, t("spoken.soon")));
  };
  box.tell = show;
  box.done = (job) => {
    box.hidden = false;
    if (!job.result?.parent) state.locked.clear();
    title.textContent = t("spoken.title", { voice: job.result.voice?.name ?? job.request.voice });
    finished(job, state, sound);
    fill(links, downloads(job));
    numbers.hidden = false;
    fill(numbers, scores(job.result));
    fill(
      sentences,
      pieces(job, state, (next) => box.onjob(next)),
    );
  };
  box.onjob = () => {};
  return box;
}

/** While it is made: play it from the first sound on. */
function begun(job, state, sound) {
  if (job.state !== "running" || state.live || !state.listen || job.done <= 0) return;
  state.live = player(`${at("speech", job.id, "stream")}?format=mp3`, { name: t("spoken.whole"), live: true });
  fill(sound, state.live);
  state.live.play();
}

/** Done: the file itself, from where the listener is. */
function finished(job, state, sound) {
  const file = fileOf(job, ".wav", ".flac", ".mp3", ".ogg");
  const before = state.live?.audio;
  const heard = before ? before.currentTime : 0;
  const going = before && !before.paused;
  before?.pause();
  const now = player(file.url, { name: t("spoken.whole"), seconds: job.result.seconds });
  now.audio.dataset.role = "whole";
  fill(sound, now);
  if (going || (state.listen && !state.live)) {
    now.audio.currentTime = heard;
    now.play();
  }
  Object.assign(state, { live: null, listen: false });
}

function downloads(job) {
  const stem =
    (job.request.text ?? "speech")
      .trim()
      .split(/\s+/)
      .slice(0, 5)
      .join(" ")
      .replace(/[^\p{L}\p{N} ]/gu, "") || "speech";
  const sound = fileOf(job, ".wav");
  const subtitles = fileOf(job, ".srt", ".vtt");
  const link = (words, href, name) =>
    h(
      "a",
      { class: "button small", href, download: name, title: t("do.download", { name: words }) },
      icon("download"),
      words,
    );
  return [
    sound && link("WAV", `${sound.url}?download=1`, `${stem}.wav`),
    link("MP3", `${at("speech", job.id, "stream")}?format=mp3`, `${stem}.mp3`),
    subtitles && link("SRT", `${subtitles.url}?download=1`, `${stem}.srt`),
  ];
}

function scores(result) {
  const { scores: found } = result;
  const words = found.words ? `${number(100 * (1 - (found.words_wrong ?? 0) / found.words), 0)} %` : "–";
  return [
    tile(clock(result.seconds), t("spoken.length")),
    tile(words, t("spoken.wordsRight")),
    tile(number(found.similarity), t("spoken.likeness")),
    tile(found.rtf ? `${number(1 / found.rtf, 1)} ×` : "–", t("spoken.speed")),
  ];
}

function pieces(job, state, begin) {
  const wrong = place();
  const spokenOnes = job.result.pieces.filter((piece) => (piece.spoken ?? piece.text).trim());
  const redo = (wishes, pressed) =>
    during(pressed, wrong, async () => begin(await post(at("speech", job.id, "redo"), { pieces: wishes })));
  const open = () => spokenOnes.filter((piece) => !state.locked.has(piece.index));
  const failed = spokenOnes.filter((piece) => !piece.passed);
  const again = (which) => (event) =>
    redo(
      which().map((piece) => ({ index: piece.index })),
      event.currentTarget,
    );
  const back =
    job.result.parent &&
    button(
      t("spoken.back"),
      async () => {
        const before = await get(at("jobs", job.result.parent)).catch(() => null);
        if (before) begin(before);
      },
      { kind: "small", picture: "undo" },
    );
  return h(
    "section",
    { class: "card", data: { role: "sentences" } },
    h(
      "header",
      {},
      h("h2", {}, t("spoken.sentences", { n: spokenOnes.length })),
      back,
      failed.length > 0 &&
        button(
          t("spoken.redoFailed", { n: failed.length }),
          again(() => failed),
          { kind: "small", picture: "redo" },
        ),
      spokenOnes.length > 1 &&
        button(t("spoken.redoOpen"), again(open), { kind: "small", picture: "redo", title: t("spoken.redoOpenHelp") }),
    ),
    wrong,
    h(
      "ol",
      { class: "list" },
      spokenOnes.map((piece) => sentence(job, piece, state, redo)),
    ),
  );
}

function sentence(job, piece, state, redo) {
  const words = h("div", { class: "said" }, piece.text.trim());
  const line = h("li", { data: { piece: piece.index } });
  const lock = tool("unlock", t("spoken.lock"), () => {
    if (state.locked.has(piece.index)) state.locked.delete(piece.index);
    else state.locked.add(piece.index);
    locked();
  });
  const locked = () => {
    const on = state.locked.has(piece.index);
    lock.setAttribute("aria-pressed", String(on));
    fill(lock, icon(on ? "lock" : "unlock"));
    line.classList.toggle("locked", on);
    again.disabled = change.disabled = on;
  };
  const again = tool("redo", t("spoken.redo"), (event) => redo([{ index: piece.index }], event.currentTarget), {
    "data-do": "redo",
  });
  const change = tool("edit", t("spoken.edit"), () => edit(line, words, piece, redo));
  const facts = [
    piece.words ? [t("spoken.wordsWrong"), `${piece.words_wrong ?? 0}/${piece.words}`] : null,
    piece.similarity === null || piece.similarity === undefined
      ? null
      : [t("spoken.likeness"), number(piece.similarity)],
  ].filter(Boolean);
  const verdict = piece.passed ? badge(t("spoken.passed"), "good") : badge(t("spoken.look"), "warn");
  const sound = player(at("speech", job.id, "pieces", piece.index, "audio"), {
    name: piece.text.trim(),
    slim: true,
    seconds: piece.end_s - piece.start_s,
  });
  fill(
    line,
    words,
    h(
      "div",
      { class: "facts" },
      verdict,
      facts.map(([name, value]) => h("span", {}, `${name} `, h("b", {}, value))),
      !piece.passed && h("span", {}, piece.told),
    ),
    h("div", { class: "line" }, sound, h("div", { class: "row tools" }, again, change, lock)),
  );
  locked();
  return line;
}

function edit(line, words, piece, redo) {
  const area = h("textarea", { rows: 2, "aria-label": t("spoken.edit") });
  area.value = piece.text.trim();
  const close = () => form.replaceWith(words);
  const form = h(
    "form",
    { class: "stack" },
    area,
    h(
      "div",
      { class: "row" },
      button(t("spoken.say"), null, { kind: "primary", type: "submit" }),
      button(t("do.cancel"), close),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    redo([{ index: piece.index, text: area.value }], form.querySelector("button"));
  });
  words.replaceWith(form);
  area.focus();
}
