// Training: a plan with its reasons in sentences, a run that can be watched, stopped and heard, and the voice it gives.

import { at, get, post, put, remove } from "../api.js";
import { averaging } from "../averaging.js";
import { field, fill, h, select } from "../dom.js";
import { formFor } from "../form.js";
import { icon } from "../icons.js";
import { clock, moment, number, t } from "../i18n.js";
import { unfinished } from "../jobs.js";
import { badge, button, card, during, empty, figures, head, more, notice, place, sure } from "../parts.js";
import { progress } from "../progress.js";
import { begun, watch } from "../run.js";

export async function build(page, { signal, rest }) {
  const [{ datasets }, { engines }] = await Promise.all([get("datasets"), get("engines")]);
  const below = h("div", { class: "stack" });
  const shelf = h("div", { class: "stack" });
  const state = { watching: new AbortController() };
  const open = async (name) => {
    state.watching.abort();
    state.watching = new AbortController();
    fill(below, await watch(name, AbortSignal.any([signal, state.watching.signal])));
  };
  const edit = (plan) => fill(draft, planned(plan, { signal, open, redraw }));
  const redraw = async () => fill(shelf, await lists({ open, edit, redraw, signal }));
  const draft = h("div", { class: "stack" });
  fill(page, head(t("training.title"), t("training.lead")));
  const made = (plan) => {
    edit(plan);
    redraw();
  };
  if (datasets.length) page.append(maker({ datasets, engines, first: rest[0], signal, made }), draft);
  else page.append(noDataset());
  page.append(shelf, below);
  await redraw();
  const [job] = await unfinished("train").catch(() => []);
  if (!job) return;
  await begun(job, job.request.plan);
  await open(job.request.plan);
}

function noDataset() {
  const prepare = h("a", { class: "button", href: "#datasets" }, t("training.makeDataset"));
  return card("", empty("training", t("training.noDataset"), t("training.noDatasetWhy"), prepare));
}

/** The form for a new plan. */
function maker({ datasets, engines, first, signal, made }) {
  const names = datasets.map((each) => each.name);
  const dataset = select(names, names.includes(first) ? first : undefined);
  const called = h("input", { required: true, maxlength: 64, autocomplete: "off", placeholder: "narrator-1" });
  const name = field(t("training.name"), called, { help: t("training.nameHelp") });
  const able = new Map(engines.filter((each) => each.recipe_options).map((each) => [each.name, each.recipe_options]));
  const engine = select([...able.keys()], [...able.keys()][0]);
  const recipe = h("fieldset", {});
  const state = { recipe: null };
  const learn = () => {
    state.recipe = formFor(able.get(engine.value));
    fill(recipe, h("legend", {}, t("training.recipe", { engine: engine.value })), state.recipe);
  };
  engine.addEventListener("change", learn);
  learn();
  const consent = field(t("voices.consent"), h("input", { maxlength: 500, placeholder: t("voices.consentExample") }));
  const trial = h("input", { type: "checkbox", id: "trial" });
  const options = formFor("plan", { skip: ["dataset", "run", "engine", "consent", "recipe"] });
  const wrong = place();
  const bar = progress();
  const go = button(t("training.plan"), null, { kind: "primary", picture: "training", type: "submit" });
  const form = h(
    "form",
    { class: "card", novalidate: true },
    h("h2", {}, t("training.make")),
    h(
      "div",
      { class: "grid" },
      field(t("training.dataset"), dataset),
      name,
      field(t("training.engine"), engine),
      consent,
    ),
    h(
      "div",
      { class: "tick" },
      trial,
      h("label", { for: "trial" }, t("training.trial")),
      h("p", { class: "help" }, t("training.trialHelp")),
    ),
    more(t("form.more"), options, recipe),
    h("div", { class: "actions" }, go),
    wrong,
    bar,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!name.control.value.trim()) {
      name.complain(t("training.noName"));
      name.control.focus();
      return;
    }
    during(go, wrong, async () => {
      const values = { ...options.values(), engine: engine.value };
      if (Object.keys(state.recipe.values()).length) values.recipe = state.recipe.values();
      if (consent.control.value.trim()) values.consent = consent.control.value.trim();
      try {
        const wish = { name: called.value.trim(), dataset: dataset.value, values, trial: trial.checked };
        const job = await bar.run(await post("plans", wish), () => {}, signal);
        made(job.result);
      } catch (problem) {
        options.complain(problem.message);
        throw problem;
      }
    });
  });
  return form;
}

/** A checked plan: what was chosen and why, what it will take, and the button that starts it. */
function planned(plan, { signal, open, redraw }) {
  const wrong = place();
  const bar = progress();
  const options = formFor("plan", { skip: ["dataset", "run", "engine", "recipe"], values: plan.plan, complete: true });
  const start = (event) =>
    during(event.currentTarget, wrong, async () => {
      await begun(await post("runs", { plan: plan.name }), plan.name);
      await redraw();
      await open(plan.name);
    });
  const check = (event) =>
    during(event.currentTarget, wrong, async () => {
      const changed = { ...plan.plan, ...(await options.ready).values() };
      const job = await bar.run(await put(at("plans", plan.name), { plan: changed, trial: false }), () => {}, signal);
      box.replaceWith(planned(job.result, { signal, open, redraw }));
    });
  const box = h(
    "section",
    { class: "card", data: { role: "plan" } },
    h("header", {}, h("h2", {}, t("training.planOf", { name: plan.name })), badge(plan.plan.engine, "voice")),
    estimate(plan.estimate),
    plan.remarks?.length ? h("ul", { class: "findings" }, plan.remarks.map(remarkLine)) : null,
    h("div", { class: "actions" }, button(t("training.start"), start, { kind: "primary", picture: "play" })),
    wrong,
    bar,
    more(t("training.change"), options, h("div", { class: "actions" }, button(t("training.checkAgain"), check))),
  );
  return box;
}

function remarkLine(remark) {
  const looks = { changed: ["warn", "warn"], note: ["", "help"], chosen: ["good", "check"] };
  const [kind, picture] = looks[remark.kind] ?? looks.note;
  return h("li", { class: kind }, icon(picture), h("span", {}, remark.sentence));
}

function estimate(found) {
  if (!found) return null;
  const told = [
    [t("training.takes"), found.seconds && clock(found.seconds)],
    [t("training.steps"), found.steps && number(found.steps, 0)],
    [t("training.memory"), found.memory_gib && `${number(found.memory_gib, 1)} GiB`],
  ];
  return figures(told.filter(([, value]) => value));
}

async function lists({ open, edit, redraw, signal }) {
  const [{ plans }, { runs }] = await Promise.all([get("plans"), get("runs")]);
  const begun = new Set(runs.map((run) => run.name));
  const waiting = plans.filter((plan) => !begun.has(plan.name));
  const whole = runs.filter((run) => !run.damaged);
  const merged = async (name) => {
    await redraw();
    await open(name);
  };
  return [
    waiting.length > 0 && plansCard(waiting, edit, redraw),
    runs.length > 0 &&
      card(
        t("training.runs"),
        h(
          "ul",
          { class: "list" },
          runs.map((run) => line(run, open)),
        ),
      ),
    whole.length > 0 && averaging(whole, signal, merged),
  ];
}

function plansCard(plans, edit, redraw) {
  const wrong = place();
  const look = (plan) => during(null, wrong, async () => edit(await get(at("plans", plan.name))));
  const away = (plan) =>
    during(null, wrong, async () => {
      if (!(await sure(t("training.surePlan", { name: plan.name })))) return;
      await remove(at("plans", plan.name));
      await redraw();
    });
  const row = (plan) =>
    h(
      "li",
      {},
      h(
        "div",
        { class: "row apart" },
        h("span", {}, h("b", {}, plan.name), " ", h("span", { class: "soft" }, `${plan.dataset} · ${plan.engine}`)),
        h(
          "span",
          { class: "row" },
          button(t("training.look"), () => look(plan), { kind: "small" }),
          button(t("do.delete"), () => away(plan), { kind: "small danger" }),
        ),
      ),
    );
  return card(t("training.plans"), wrong, h("ul", { class: "list" }, plans.map(row)));
}

function line(run, open) {
  const { state } = run;
  const looks = { training: "voice", preparing: "voice", finished: "good", failed: "bad" };
  const steps = state?.steps ? t("training.stepOf", { n: state.step, of: state.steps }) : "";
  const watched = { kind: "small", "aria-label": t("training.watchOf", { name: run.name }) };
  return h(
    "li",
    {},
    h(
      "div",
      { class: "row apart" },
      h(
        "span",
        { class: "row" },
        h("b", {}, run.name),
        state && badge(statusWords(state.status), looks[state.status] ?? ""),
        steps && h("span", { class: "soft num small" }, steps),
        h("span", { class: "soft small" }, moment(state?.updated)),
      ),
      button(t("training.watch"), () => open(run.name), watched),
    ),
    run.damaged && notice("bad", run.damaged),
  );
}

export function statusWords(status) {
  const words = {
    new: t("status.new"),
    preparing: t("status.preparing"),
    training: t("status.training"),
    stopped: t("status.stopped"),
    finished: t("status.finished"),
    failed: t("status.failed"),
  };
  return words[status] ?? status;
}
