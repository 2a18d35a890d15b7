// Checkpoints averaged into a run of their own: a share of each, and a name.

import { at, get, post } from "./api.js";
import { field, fill, h, select } from "./dom.js";
import { t } from "./i18n.js";
import { button, during, place, toast, tool } from "./parts.js";
import { progress } from "./progress.js";

/** A folded card to mix checkpoints of `runs`; `made` is called with the new run's name. */
export function averaging(runs, signal, made) {
  const rows = h("div", { class: "stack" });
  const add = () => {
    const row = part(runs, rows.childElementCount);
    rows.append(row);
    row.look();
  };
  add();
  add();
  const name = field(t("training.name"), h("input", { maxlength: 64, autocomplete: "off" }));
  const wrong = place();
  const bar = progress();
  const act = (event) =>
    during(event.currentTarget, wrong, async () => {
      const parts = [...rows.children].map((row) => row.told()).filter((each) => each.share > 0);
      if (parts.length < 2) throw new Error(t("merge.two"));
      if (!name.control.value.trim()) {
        name.complain(t("training.noName"));
        name.control.focus();
        return;
      }
      const from = parts.map(({ run, step }) => ({ run, step }));
      const wish = { name: name.control.value.trim(), from, weights: parts.map((each) => each.share) };
      const job = await bar.run(await post("runs/merge", wish), () => {}, signal);
      toast(t("merge.made", { name: job.result.run }));
      await made(job.result.run);
    });
  const fold = h(
    "details",
    { class: "card", data: { role: "merge" } },
    h("summary", {}, t("merge.title")),
    h(
      "div",
      { class: "stack" },
      h("p", { class: "soft" }, t("merge.lead")),
      rows,
      h("div", { class: "row" }, button(t("merge.add"), add, { kind: "small quiet" })),
      name,
      h("div", { class: "actions" }, button(t("merge.go"), act)),
      wrong,
      bar,
    ),
  );
  fold.addEventListener("toggle", () => fold.open && [...rows.children].forEach((row) => row.look()));
  return fold;
}

/** One of them: a run, which of its checkpoints, and how much of it. */
function part(runs, number) {
  const run = select(
    runs.map((each) => each.name),
    runs[Math.min(number, runs.length - 1)].name,
  );
  const step = select([["", t("merge.best")]], "");
  const share = h("input", { type: "number", min: 0, max: 100, step: 5, value: 50 });
  const look = async () => {
    const { checkpoints } = await get(at("runs", run.value)).catch(() => ({ checkpoints: [] }));
    const before = step.value;
    const steps = checkpoints.map((each) => h("option", { value: each.step }, t("run.atStep", { n: each.step })));
    fill(step, h("option", { value: "" }, t("merge.best")), steps);
    if (checkpoints.some((each) => String(each.step) === before)) step.value = before;
  };
  run.addEventListener("change", look);
  const row = h(
    "div",
    { class: "grid mixed", role: "group", "aria-label": t("merge.part", { n: number + 1 }) },
    field(t("merge.run"), run),
    field(t("merge.checkpoint"), step),
    field(t("merge.share"), share),
    number > 1 && tool("close", t("merge.remove", { n: number + 1 }), () => row.remove()),
  );
  row.look = look;
  const wanted = () => (step.value === "" ? null : Number(step.value));
  row.told = () => ({ run: run.value, step: wanted(), share: Number(share.value) });
  return row;
}
