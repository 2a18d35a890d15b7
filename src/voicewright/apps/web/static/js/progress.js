// How far a job is, for eyes and for screen readers, with a button that stops it.

import { h } from "./dom.js";
import { cancel, follow, over } from "./jobs.js";
import { button, notice } from "./parts.js";
import { t } from "./i18n.js";

/** Shows a job. `show(job)` for each state; `run(job)` follows it to its end and gives it, or throws why it failed. */
export function progress() {
  const said = h("span", { class: "small", role: "status", "aria-live": "polite" });
  const share = h("span", { class: "small soft num" });
  const inner = h("i");
  const bar = h("div", { class: "bar", role: "progressbar", "aria-label": t("progress.label") }, inner);
  const state = { job: null, said: "" };
  const stop = button(t("do.stop"), () => state.job && cancel(state.job).catch(() => {}), {
    kind: "small",
    picture: "stop",
  });
  const box = h(
    "div",
    { class: "progress", hidden: true },
    h("div", { class: "row apart" }, said, h("span", { class: "row" }, share, stop)),
    bar,
  );

  box.show = (job) => {
    state.job = job;
    box.hidden = over(job);
    const known = job.total > 0 && job.state === "running";
    const done = known ? Math.min(1, job.done / job.total) : 0;
    bar.classList.toggle("unsure", !known);
    inner.style.width = known ? `${(done * 100).toFixed(1)}%` : "";
    if (known) bar.setAttribute("aria-valuenow", Math.round(done * 100));
    else bar.removeAttribute("aria-valuenow");
    share.textContent = known ? `${Math.round(done * 100)} %` : "";
    const words =
      job.state === "waiting"
        ? job.ahead
          ? t("progress.waiting", { n: job.ahead })
          : t("progress.soon")
        : job.stage || t("progress.working");
    if (words !== state.said) said.textContent = state.said = words;
  };

  box.run = async (job, tell = () => {}, signal = null) => {
    box.show(job);
    const last = await follow(
      job,
      (now) => {
        box.show(now);
        tell(now);
      },
      signal,
    );
    box.hidden = true;
    if (last.state === "failed") throw new Error(last.message || t("progress.failed"));
    if (last.state === "cancelled") throw new Error(t("progress.cancelled"));
    return last;
  };
  return box;
}

/** What a job says that went wrong, or nothing. */
export function outcome(job) {
  if (job.state === "failed") return notice("bad", job.message || t("progress.failed"));
  return job.state === "cancelled" ? notice("info", t("progress.cancelled")) : null;
}
