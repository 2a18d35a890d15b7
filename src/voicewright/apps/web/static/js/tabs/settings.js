// Settings: this browser's language and theme, this home's rules, engines, weights, and whether the machine is well.

import { ROOT, at, get, post, put } from "../api.js";
import { field, fill, h, select } from "../dom.js";
import { icon } from "../icons.js";
import { LANGUAGES, bytes, language, number, t } from "../i18n.js";
import { keys } from "../keys.js";
import { badge, button, card, choices, during, facts, head, place, toast } from "../parts.js";
import { remembered, theme } from "../prefs.js";
import { progress } from "../progress.js";
import { voices } from "../voicelist.js";

export async function build(page, { signal }) {
  const [home, engines, weights, about, list, session, locks] = await Promise.all([
    get("settings"),
    get("engines"),
    get("weights"),
    get("about"),
    voices(),
    get("session"),
    keys(),
  ]);
  fill(
    page,
    head(t("settings.title"), t("settings.lead")),
    look(),
    rules(home, list),
    machines(engines.engines, engines.default),
    carried(weights.weights, signal),
    health(signal),
    room(),
    locks,
    house(about, session),
  );
}

function look() {
  const words = select(Object.entries(LANGUAGES), language());
  words.addEventListener("change", () => document.dispatchEvent(new CustomEvent("language", { detail: words.value })));
  const wishes = [
    ["system", t("theme.system")],
    ["light", t("theme.light")],
    ["dark", t("theme.dark")],
  ];
  const colours = choices("theme", wishes, remembered("theme", "system"), theme);
  return card(
    t("settings.page"),
    h(
      "div",
      { class: "grid" },
      field(t("settings.language"), words),
      h("div", { class: "field" }, h("span", { class: "legend" }, t("settings.theme")), colours),
    ),
  );
}

function rules(home, list) {
  const wrong = place();
  const save = (change) =>
    during(null, wrong, async () => {
      await put("settings", change);
      toast(t("settings.saved"));
    });
  const voice = select([["", t("settings.noVoice")], ...list.map((each) => each.name)], home.default_voice ?? "");
  voice.addEventListener("change", () => save({ default_voice: voice.value }));
  const tickOf = (name, words, help) => {
    const box = h("input", { type: "checkbox", id: `home-${name}`, checked: home[name] });
    box.addEventListener("change", () => save({ [name]: box.checked }));
    return h("div", { class: "tick" }, box, h("label", { for: box.id }, words), h("p", { class: "help" }, help));
  };
  return card(
    t("settings.home"),
    field(t("settings.voice"), voice, { help: t("settings.voiceHelp") }),
    tickOf("require_consent", t("settings.consent"), t("settings.consentHelp")),
    tickOf("offline", t("settings.offline"), t("settings.offlineHelp")),
    wrong,
  );
}

function machines(engines, first) {
  const abilities = [
    ["clones", t("settings.clones")],
    ["speaks", t("settings.speaks")],
    ["converts", t("settings.converts")],
    ["learns", t("settings.trains")],
  ];
  const yes = () => [icon("check"), h("span", { class: "unseen" }, t("do.yes"))];
  const mark = (does) => h("td", {}, does ? yes() : h("span", { class: "soft" }, "–"));
  const row = (engine) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, engine.name, " ", engine.name === first && badge(t("settings.default"), "voice")),
      abilities.map(([ability]) => mark(engine[ability])),
    );
  const titles = [t("settings.engine"), ...abilities.map(([, title]) => title)];
  const top = h(
    "thead",
    {},
    h(
      "tr",
      {},
      titles.map((title) => h("th", { scope: "col" }, title)),
    ),
  );
  const table = h("table", {}, top, h("tbody", {}, engines.map(row)));
  const around = { class: "scroll", role: "region", tabindex: 0, "aria-label": t("settings.engines") };
  return card(t("settings.engines"), h("div", around, table), h("p", { class: "help" }, t("settings.tiny")));
}

function carried(weights, signal) {
  const wrong = place();
  const lead = h("p", { class: "help" }, t("settings.weightsHelp"));
  const rows = weights.map((set) => weightsRow(set, wrong, signal));
  return card(t("settings.weights"), lead, wrong, h("ul", { class: "list" }, rows));
}

function weightsRow(set, wrong, signal) {
  const bar = progress();
  const here = (yes) => badge(yes ? t("settings.here") : t("settings.away"), yes ? "good" : "");
  const state = h("span", {}, here(set.in_place));
  const pull = button(
    t("settings.pull"),
    () =>
      during(pull, wrong, async () => {
        await bar.run(await post(at("weights", set.name, "pull")), () => {}, signal);
        pull.hidden = true;
        fill(state, here(true));
      }),
    { kind: "small", picture: "download", "aria-label": t("settings.pullOf", { name: set.name }) },
  );
  pull.hidden = set.in_place;
  const size = set.megabytes ? `${number(set.megabytes, 0)} MB` : "";
  return h(
    "li",
    {},
    h(
      "div",
      { class: "row apart" },
      h("span", { class: "row" }, h("b", {}, set.name), state),
      h("span", { class: "row" }, h("span", { class: "small soft num" }, size), pull),
    ),
    h(
      "div",
      { class: "facts" },
      h("span", {}, `${t("voices.licence")} `, h("b", {}, set.licence)),
      h("span", {}, set.problem || set.title),
    ),
    bar,
  );
}

/** What takes how much room, where it is, and what the engines run on. It is measured while the rest can be used. */
function room() {
  const box = h("div", { class: "stack", data: { role: "room" } }, h("p", { class: "soft" }, t("progress.working")));
  const names = {
    voices: t("tab.voices"),
    datasets: t("tab.datasets"),
    runs: t("training.runs"),
    results: t("room.results"),
    uploads: t("room.uploads"),
    weights: t("settings.weights"),
  };
  const shown = (told) => {
    const kept = Object.entries(names).map(([name, words]) => [words, bytes(told.bytes[name])]);
    const { keep_days: days, keep_mb: most } = told;
    const rules = [days && t("room.days", { n: days }), most && t("room.most", { size: bytes(most * 1e6) })];
    fill(
      box,
      facts([...kept, [t("room.free"), bytes(told.free_bytes)], [t("room.folder"), told.folder]]),
      h("p", { class: "help" }, rules.filter(Boolean).join(" ") || t("room.ever")),
      h("h3", {}, t("room.runsOn")),
      facts([
        [t("room.device"), told.device],
        [t("room.precision"), told.precision],
      ]),
    );
  };
  get("room")
    .then(shown)
    .catch((problem) => fill(box, h("p", { class: "field-error" }, problem.message)));
  return card(t("room.title"), box);
}

function health(signal) {
  const out = h("div");
  const wrong = place();
  const bar = progress();
  const looks = { ok: ["good", "check"], note: ["", "help"], problem: ["bad", "warn"] };
  const line = (finding) => {
    const [kind, picture] = looks[finding.state] ?? looks.note;
    const advice = finding.advice && h("span", { class: "soft" }, ` ${finding.advice}`);
    return h("li", { class: kind }, icon(picture), h("span", {}, finding.says, advice));
  };
  const shown = ({ findings }) => fill(out, h("ul", { class: "findings" }, findings.map(line)));
  const look = async () => shown(await get("doctor"));
  const measure = async () => shown((await bar.run(await post("doctor"), () => {}, signal)).result);
  const quick = button(t("settings.checkMachine"), () => during(quick, wrong, look));
  const long = button(t("settings.measure"), () => during(long, wrong, measure), { kind: "quiet" });
  const lead = h("p", { class: "help" }, t("settings.healthHelp"));
  return card(t("settings.health"), lead, h("div", { class: "actions" }, quick, long), wrong, bar, out);
}

function house(about, session) {
  const out =
    session.key_required &&
    button(t("settings.signOut"), async () => {
      await fetch(`${ROOT}/session`, { method: "DELETE" });
      location.reload();
    });
  const { limits = {} } = about;
  return card(
    t("settings.about"),
    facts([
      [t("settings.version"), about.version],
      [t("settings.upload"), limits.upload_mb ? `${number(limits.upload_mb, 0)} MB` : ""],
    ]),
    h(
      "div",
      { class: "row" },
      h("a", { class: "button small", href: `${ROOT}/docs` }, t("settings.api")),
      h("a", { class: "button small", href: "#help" }, t("tab.help")),
      out,
    ),
  );
}
