// Datasets: recordings become clips with texts; then a board on which every clip can be heard, corrected and dropped.

import { at, get, post } from "../api.js";
import { field, fill, h } from "../dom.js";
import { formFor } from "../form.js";
import { dropzone } from "../files.js";
import { icon } from "../icons.js";
import { clock, number, t } from "../i18n.js";
import { unfinished } from "../jobs.js";
import { board } from "../board.js";
import { badge, button, card, during, empty, head, more, place, tile } from "../parts.js";
import { progress } from "../progress.js";

export async function build(page, { signal, rest }) {
  const below = h("div", { class: "stack" });
  const open = (name) => {
    history.replaceState(null, "", `#datasets/${encodeURIComponent(name)}`);
    return show(below, name, signal);
  };
  const list = h("div", { class: "stack" });
  const redraw = async () => fill(list, await shelf(open));
  fill(
    page,
    head(t("datasets.title"), t("datasets.lead")),
    maker(signal, async (name) => {
      await redraw();
      await open(name);
    }),
    list,
    below,
  );
  await redraw();
  if (rest[0]) await open(rest[0]);
}

/** Make one, or add recordings to one. */
function maker(signal, made) {
  const name = field(
    t("datasets.name"),
    h("input", { required: true, maxlength: 64, autocomplete: "off", placeholder: "narrator" }),
    { help: t("datasets.nameHelp") },
  );
  const drop = dropzone({ label: t("datasets.recordings"), words: t("datasets.drop"), folder: true });
  const transcript = dropzone({
    label: t("datasets.transcript"),
    words: t("datasets.transcriptDrop"),
    accept: ".txt,.csv,.tsv,.srt,.vtt,.json,.jsonl,.TextGrid",
    kinds: ["text"],
    multiple: false,
    microphone: false,
  });
  const like = dropzone({ label: t("datasets.like"), words: t("datasets.likeDrop"), multiple: false });
  const options = formFor("prepare");
  const wrong = place();
  const bar = progress();
  const go = button(t("datasets.go"), null, { kind: "primary", picture: "datasets", type: "submit" });
  const form = h(
    "form",
    { class: "card", novalidate: true },
    h("h2", {}, t("datasets.make")),
    drop,
    name,
    more(t("datasets.haveText"), transcript),
    more(
      t("form.more"),
      h("div", { class: "field" }, h("span", { class: "legend" }, t("datasets.like")), like),
      options,
    ),
    h("div", { class: "actions" }, go),
    wrong,
    bar,
  );
  const begin = (job) =>
    during(go, wrong, async () => {
      const last = await bar.run(job, () => {}, signal);
      const problems = last.result?.problems ?? [];
      if (problems.length)
        wrong.say(
          "warn",
          t("datasets.problems", { n: problems.length }),
          h(
            "ul",
            {},
            problems.slice(0, 8).map((each) => h("li", {}, each.sentence ?? each.says ?? String(each.what ?? each))),
          ),
        );
      await made(last.result?.dataset ?? job.request.name);
    });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!drop.uploads().length) return wrong.say("bad", t("datasets.noFile"));
    if (!name.control.value.trim()) return name.complain(t("datasets.noName"));
    const request = {
      name: name.control.value.trim(),
      uploads: drop.uploads().map((each) => each.id),
      transcript: transcript.uploads()[0]?.id ?? null,
      like: like.uploads()[0]?.id ?? null,
      options: options.values(),
    };
    const job = await during(go, wrong, () => post("datasets", request));
    if (job) begin(job);
    return undefined;
  });
  unfinished("prepare")
    .then(([job]) => job && begin(job))
    .catch(() => {});
  return form;
}

async function shelf(open) {
  const { datasets } = await get("datasets");
  if (!datasets.length) return card("", empty("datasets", t("datasets.none"), t("datasets.noneWhy")));
  return h(
    "div",
    { class: "cards" },
    datasets.map((each) =>
      h(
        "article",
        { class: "card", "aria-label": each.name },
        h("header", {}, h("h3", {}, each.name), each.damaged && badge(t("voices.damaged"), "bad", each.damaged)),
        each.summary &&
          h(
            "div",
            { class: "facts" },
            h("span", {}, t("datasets.clips", { n: each.summary.kept.utterances })),
            h("span", {}, clock(each.summary.kept.seconds)),
            h("span", {}, t("datasets.speakers", { n: Object.keys(each.summary.speakers).length })),
          ),
        h(
          "div",
          { class: "row" },
          button(t("datasets.open"), () => open(each.name), {
            kind: "small",
            "aria-label": t("datasets.openOf", { name: each.name }),
          }),
        ),
      ),
    ),
  );
}

async function show(below, name, signal) {
  const { summary } = await get(at("datasets", name));
  const wrong = place();
  const bar = progress();
  const check = (event) =>
    during(event.currentTarget, wrong, async () => {
      await bar.run(await post(at("datasets", name, "check")), () => {}, signal);
      await show(below, name, signal);
    });
  const share = Math.round((summary.gold_share ?? 0) * 100);
  fill(
    below,
    h(
      "section",
      { class: "card", data: { role: "board" } },
      h(
        "header",
        {},
        h("h2", {}, name),
        button(t("datasets.check"), check, { kind: "small", title: t("datasets.checkHelp") }),
        h(
          "a",
          { class: "button small", href: at("datasets", name, "report"), target: "_blank", rel: "noopener" },
          icon("datasets"),
          t("datasets.report"),
        ),
        h(
          "a",
          { class: "button small", href: `#training/${encodeURIComponent(name)}` },
          icon("training"),
          t("datasets.train"),
        ),
      ),
      wrong,
      bar,
      h(
        "div",
        { class: "tiles" },
        tile(number(summary.kept.utterances, 0), t("datasets.kept")),
        tile(clock(summary.kept.seconds), t("datasets.time")),
        tile(number(summary.dropped.utterances, 0), t("datasets.dropped")),
        tile(`${share} %`, t("datasets.gold")),
      ),
      Object.keys(summary.reasons ?? {}).length > 0 &&
        h(
          "div",
          { class: "row" },
          h("span", { class: "small soft" }, t("datasets.why")),
          Object.entries(summary.reasons).map(([why, amount]) => badge(`${why} · ${amount.utterances}`, "bad")),
        ),
      Object.keys(summary.flags ?? {}).length > 0 &&
        h(
          "div",
          { class: "row" },
          h("span", { class: "small soft" }, t("datasets.flags")),
          Object.entries(summary.flags).map(([why, amount]) => badge(`${why} · ${amount.utterances}`, "warn")),
        ),
      board(name, signal),
    ),
  );
  below.scrollIntoView({ block: "start" });
}
