// One training run: how far it is, its curves, what its checkpoints sound like, and its export.

import { at, get, post } from "./api.js";
import { blind } from "./blind.js";
import { chart } from "./charts.js";
import { field, fill, h } from "./dom.js";
import { clock, number, plainName, t } from "./i18n.js";
import { badge, button, during, figures, more, notice, place, tile, toast } from "./parts.js";
import { player } from "./player.js";
import { progress } from "./progress.js";
import { statusWords } from "./tabs/training.js";

const EVERY_MS = 2000;
const BUSY = new Set(["new", "preparing", "training"]);

/** Wait until the run of a job is there. Throws what went wrong before that. */
export async function begun(job, name) {
  for (;;) {
    const { runs } = await get("runs");
    if (runs.some((run) => run.name === name)) return;
    const now = await get(at("jobs", job.id));
    if (now.state === "failed") throw new Error(now.message);
    if (now.state !== "waiting" && now.state !== "running") return;
    await new Promise((done) => setTimeout(done, 400));
  }
}

/** Everything about a run; it looks again every two seconds while the run goes on and until `signal`. */
export async function watch(name, signal) {
  const parts = {
    state: h("div", { class: "stack" }),
    charts: h("div", { class: "charts" }),
    auditions: h("div", { class: "stack" }),
    wrong: place(),
  };
  const seen = { step: -1, heard: -1, auditions: "" };
  const look = async () => {
    const [run, curve, { auditions }] = await Promise.all([
      get(at("runs", name)),
      get(at("runs", name, "curve")),
      get(at("runs", name, "auditions")),
    ]);
    fill(parts.state, now(run));
    if (run.state.step !== seen.step || auditions.length !== seen.heard) fill(parts.charts, curves(curve));
    Object.assign(seen, { step: run.state.step, heard: auditions.length });
    buttons.running(BUSY.has(run.state.status) && run.state.status !== "new", run.planned);
    heard(auditions, parts.auditions, seen);
    return run;
  };
  const buttons = controls(name, parts, look, signal);
  const again = async () => {
    while (!signal.aborted) {
      await new Promise((done) => setTimeout(done, EVERY_MS));
      if (signal.aborted || document.hidden) continue;
      await look().catch((problem) => parts.wrong.say("bad", problem.message));
    }
  };
  await look();
  again();
  return h(
    "section",
    { class: "card", data: { role: "run", run: name } },
    h("header", {}, h("h2", {}, t("run.title", { name })), buttons.stop, buttons.on),
    parts.state,
    parts.wrong,
    parts.charts,
    h("h3", {}, t("run.auditions")),
    parts.auditions,
    buttons.element,
  );
}

function now({ state, best }) {
  const share = state.steps ? state.step / state.steps : 0;
  const inner = h("i");
  inner.style.width = `${share * 100}%`;
  const looks = { training: "voice", preparing: "voice", finished: "good", failed: "bad" };
  const percent = Math.round(share * 100);
  const bar = { class: "bar", role: "progressbar", "aria-label": t("run.progress"), "aria-valuenow": percent };
  return [
    h(
      "div",
      { class: "row" },
      badge(statusWords(state.status), looks[state.status] ?? ""),
      h("span", { role: "status" }, state.message),
    ),
    h("div", { class: "progress" }, h("div", bar, inner)),
    h(
      "div",
      { class: "tiles" },
      tile(state.steps ? `${state.step} / ${state.steps}` : String(state.step), t("run.step")),
      tile(number(state.epoch, 1), t("run.epoch")),
      timing(state),
      tile(best ? String(best.step) : "–", t("run.best")),
    ),
    best?.reasons?.length ? h("p", { class: "small soft" }, best.reasons.join("; ")) : null,
  ];
}

/** While it goes on, what is left; afterwards, what it took. */
function timing(state) {
  if (BUSY.has(state.status)) return tile(clock(state.eta_s), t("run.eta"));
  const took = (new Date(state.updated) - new Date(state.started)) / 1000;
  return took > 0 ? tile(clock(took), t("run.took")) : null;
}

/** Totals, likeness, naturalness and learning rate; then every figure by itself, in training beside held-out. */
function curves({ losses = {}, rates = {}, validation = {}, auditions = {} }) {
  const line = (name, { steps, smoothed, values }) => ({ name, steps, values: smoothed ?? values });
  const lines = (group, fits) =>
    Object.entries(group)
      .filter(([name]) => fits(name))
      .map(([name, own]) => line(name.replaceAll("_", " "), own));
  const total = (name) => name.startsWith("loss");
  const likeness = new Set(["ge2e", "campplus", "dvector"]);
  const names = new Set([...Object.keys(validation), ...Object.keys(losses).filter((name) => !total(name))]);
  const both = (name) =>
    [
      losses[name] && line(t("run.onTraining"), losses[name]),
      validation[name] && line(t("run.heldOut"), validation[name]),
    ].filter(Boolean);
  const groups = [
    [t("run.losses"), lines(losses, total)],
    [t("run.scores"), lines(auditions, (name) => likeness.has(name))],
    [t("run.natural"), lines(auditions, (name) => name === "dnsmos")],
    [t("run.rate"), lines(rates, () => true)],
    ...[...names].map((name) => [plainName(name), both(name)]),
  ];
  return groups.filter(([, some]) => some.length).map(([title, some]) => chart(title, some));
}

function heard(auditions, box, seen) {
  const mark = auditions.map((each) => each.step).join();
  if (mark === seen.auditions && box.childElementCount) return;
  seen.auditions = mark;
  if (!auditions.length) {
    fill(box, h("p", { class: "soft" }, t("run.noAuditions")));
    return;
  }
  const sentence = (each) =>
    h("li", {}, h("span", {}, each.text), each.url && player(each.url, { name: each.text, slim: true }));
  fill(
    box,
    [...auditions]
      .reverse()
      .map((audition, i) =>
        h(
          "details",
          { class: "more", open: i === 0 },
          h("summary", {}, audition.step ? t("run.atStep", { n: audition.step }) : t("run.atStart")),
          figures(Object.entries(audition.figures).map(([name, value]) => [name.replaceAll("_", " "), number(value)])),
          h("ol", { class: "list" }, audition.sentences.map(sentence)),
        ),
      ),
  );
}

function controls(name, parts, look, signal) {
  const bar = progress();
  const out = h("div", { class: "stack" });
  const job = (address, body) => async () => bar.run(await post(address, body), () => {}, signal);
  const act = (work) => (event) => during(event.currentTarget, parts.wrong, work);
  const stop = button(
    t("run.stop"),
    act(async () => {
      await post(at("runs", name, "stop"));
      toast(t("run.stopping"));
    }),
    { picture: "stop", hidden: true },
  );
  const on = button(
    t("run.on"),
    act(async () => {
      await begun(await post("runs", { plan: name }), name);
      await look();
    }),
    { picture: "play", hidden: true },
  );
  const hear = button(
    t("run.hear"),
    act(async () => {
      await job(at("runs", name, "auditions"), { step: null, again: false })();
      await look();
    }),
    { picture: "play" },
  );
  const compare = button(
    t("run.compare"),
    act(async () => {
      const done = await job(at("runs", name, "compare"), { step: null, sentences: 24 })();
      fill(out, notice("info", done.result.sentence), await blind(name));
    }),
  );
  const called = h("input", { maxlength: 64, placeholder: name });
  const label = field(t("voices.name"), called, { help: t("run.exportHelp") });
  const save = button(
    t("run.export"),
    act(async () => {
      const done = await job(at("runs", name, "export"), { name: called.value.trim(), step: null, replace: false })();
      const speak = h("a", { href: "#speak" }, t("voices.speakNow"));
      fill(out, notice("good", t("run.exported", { name: done.result.voice }), speak));
    }),
    { kind: "primary", picture: "voices" },
  );
  const element = h(
    "div",
    { class: "stack" },
    h("div", { class: "actions" }, hear, compare),
    more(t("run.exportTitle"), label, save),
    bar,
    out,
  );
  const running = (yes, planned) => {
    stop.hidden = !yes;
    on.hidden = yes || !planned; // without a plan there is nothing to go on with: it was merged
  };
  return { stop, on, element, running };
}
