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
    h(
      "div",
      { class: "row" },
      h("h3", {}, t("doctor.title")),
      badge(t("doctor.grade", { grade: gradeWords(result.grade) }), GRADES[result.grade] ?? "voice"),
      h(
        "span",
        { class: "small soft" },
        t("doctor.used", { time: clock(result.seconds_used) }),
        " · ",
        t("doctor.speakers", { n: result.speakers }),
      ),
    ),
    h("div", { class: "grid" }, dials(result), h("ul", { class: "findings" }, sentences(result))),
  );
}

function gradeWords(grade) {
  const words = { "likely good": t("grade.good"), fair: t("grade.fair"), poor: t("grade.poor") };
  return words[grade] ?? grade;
}

/** What a listener hears first, each as a bar: full is as good as it gets. What was not measured is left out. */
function dials({ quality = {}, seconds_used: used }) {
  const { snr_db: snr, reverb_s: reverb, bandwidth_hz: band, clipped } = quality;
  const rows = [
    [t("doctor.length"), used, (s) => s / 15, clock(used)],
    [t("doctor.quiet"), snr, (db) => (db - 5) / 35, `${number(snr, 0)} dB`],
    [t("doctor.dry"), reverb, (s) => 1 - s / 0.9, clock(reverb)],
    [t("doctor.clear"), band || null, (hz) => (hz - 2500) / 7500, `${number(band / 1000, 1)} kHz`],
    [t("doctor.clean"), clipped, (share) => 1 - share * 200, `${number(clipped * 100, 1)} %`],
  ];
  const measured = rows.filter(([, value]) => Number.isFinite(value));
  return h(
    "div",
    { class: "stack" },
    measured.map(([name, value, share, words]) => dial(name, share(value), words)),
  );
}

function dial(name, share, words) {
  const full = Math.max(0.03, Math.min(1, share));
  const bar = h("i", { class: full > 0.6 ? null : full > 0.3 ? "warn" : "bad" });
  bar.style.width = `${full * 100}%`;
  return h(
    "div",
    { class: "dial" },
    h("span", {}, name),
    h("span", { class: "bar", "aria-hidden": "true" }, bar),
    h("span", { class: "num soft" }, words),
  );
}

function sentences(result) {
  const weight = { problem: 0, warning: 1 };
  const sorted = [...result.findings].sort((one, other) => (weight[one.severity] ?? 2) - (weight[other.severity] ?? 2));
  return sorted.map((finding) => {
    const [kind, picture] = LOOKS[finding.severity] ?? LOOKS.info;
    const heard = finding.kind === "language" && result.language.length < 4;
    const sentence = heard ? t("doctor.language", { name: languageName(result.language) }) : finding.sentence;
    const where = finding.where ? `${finding.where}: ` : "";
    return h("li", { class: kind }, icon(picture), h("span", {}, where, sentence));
  });
}
