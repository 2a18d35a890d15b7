// The reference doctor's report: a grade, pictures of the sound's quality, and what was done in sentences.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { clock, languageName, number, t } from "./i18n.js";
import { badge } from "./parts.js";

const GRADES = { "likely good": "good", fair: "warn", poor: "bad" };
const LOOKS = { problem: ["bad", "warn"], warning: ["warn", "warn"], info: ["good", "check"] };

export function report(result) {
  return h(
    "section",
    { class: "stack", "aria-label": t("doctor.title"), data: { role: "doctor" } },
    h("div", { class: "row" }, h("h3", {}, t("doctor.title")), badge(t("doctor.grade", { grade: gradeWords(result.grade) }), GRADES[result.grade] ?? "voice"), h("span", { class: "small soft" }, t("doctor.used", { time: clock(result.seconds_used) }), " · ", t("doctor.speakers", { n: result.speakers }))),
    h("div", { class: "grid" }, dials(result), h("ul", { class: "findings" }, sentences(result))),
  );
}

function gradeWords(grade) {
  const words = { "likely good": t("grade.good"), fair: t("grade.fair"), poor: t("grade.poor") };
  return words[grade] ?? grade;
}

/** What a listener hears first, each as a bar: full is as good as it gets. */
function dials({ quality = {}, seconds_used: used }) {
  const rows = [
    [t("doctor.length"), used / 15, clock(used)],
    [t("doctor.quiet"), quality.snr_db === undefined ? null : (quality.snr_db - 5) / 35, `${number(quality.snr_db, 0)} dB`],
    [t("doctor.dry"), quality.reverb_s === undefined || quality.reverb_s === null ? null : 1 - quality.reverb_s / 0.9, clock(quality.reverb_s)],
    [t("doctor.clear"), quality.bandwidth_hz ? (quality.bandwidth_hz - 2500) / 7500 : null, `${number((quality.bandwidth_hz ?? 0) / 1000, 1)} kHz`],
    [t("doctor.clean"), quality.clipped === undefined ? null : 1 - quality.clipped * 200, `${number((quality.clipped ?? 0) * 100, 1)} %`],
  ];
  return h("div", { class: "stack" }, rows.filter(([, share]) => share !== null && Number.isFinite(share)).map(([name, share, words]) => {
    const full = Math.max(0.03, Math.min(1, share));
    const bar = h("i", { class: full > 0.6 ? null : full > 0.3 ? "warn" : "bad" });
    bar.style.width = `${full * 100}%`;
    return h("div", { class: "dial" }, h("span", {}, name), h("span", { class: "bar", "aria-hidden": "true" }, bar), h("span", { class: "num soft" }, words));
  }));
}

function sentences(result) {
  const weight = { problem: 0, warning: 1 };
  const sorted = [...result.findings].sort((one, other) => (weight[one.severity] ?? 2) - (weight[other.severity] ?? 2));
  return sorted.map((finding) => {
    const [kind, picture] = LOOKS[finding.severity] ?? LOOKS.info;
    const heard = finding.kind === "language" && result.language.length < 4;
    const sentence = heard ? t("doctor.language", { name: languageName(result.language) }) : finding.sentence;
    return h("li", { class: kind }, icon(picture), h("span", {}, finding.where ? `${finding.where}: ${sentence}` : sentence));
  });
}
