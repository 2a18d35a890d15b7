// History: everything that was spoken and converted, to be searched, heard again, repeated and deleted.

import { at, get, post, remove } from "../api.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { clock, moment, number, t } from "../i18n.js";
import {
  badge,
  button,
  card,
  choices,
  during,
  empty,
  everything,
  facts,
  head,
  more,
  place,
  searching,
  sure,
  toast,
  tool,
} from "../parts.js";
import { player } from "../player.js";
import { hand, remember } from "../prefs.js";

const PAGE = 20;

export async function build(page) {
  const state = { search: "", kind: "", entries: [] };
  const list = h("ol", { class: "list" });
  const wrong = place();
  const told = h("p", { class: "small soft", role: "status" });
  const further = button(t("board.more"), () => load(true), { hidden: true });
  const speak = h("a", { class: "button", href: "#speak" }, t("tab.speak"));
  const nothing = empty("history", t("history.none"), t("history.noneWhy"), speak);
  nothing.hidden = true;
  const search = searching(t("history.search"), (words) => {
    state.search = words;
    load();
  });
  const load = (on = false) =>
    during(further, wrong, async () => {
      const offset = on ? state.entries.length : 0;
      const answer = await get("history", { search: state.search, kind: state.kind, offset, limit: PAGE });
      state.entries = on ? [...state.entries, ...answer.entries] : answer.entries;
      const lines = answer.entries.map((job) => entry(job, wrong, load));
      if (on) list.append(...lines);
      else fill(list, lines);
      told.textContent = answer.total ? t("history.shown", { n: answer.total }) : "";
      further.hidden = state.entries.length >= answer.total;
      nothing.hidden = answer.total > 0;
    });
  const listed = [
    ["", t("board.all")],
    ["speak", t("tab.speak")],
    ["convert", t("tab.convert")],
  ];
  const kinds = choices("kind", listed, "", (value) => {
    state.kind = value;
    load();
  });
  const [above, below] = [h("div", { class: "row" }, kinds), h("div", { class: "row" }, further)];
  fill(page, head(t("history.title"), t("history.lead")), card("", above, search, told, wrong, list, nothing, below));
  await load();
}

function entry(job, wrong, load) {
  const act = (work) => during(null, wrong, work);
  const spoken = job.kind !== "convert";
  const words = spoken ? textOf(job) : (job.result.items ?? []).map((item) => item.name).join(", ");
  const voice = job.request.voice || job.result.voice?.name || "";
  const again = () =>
    act(async () => {
      const next = await post(at("history", job.id, "replay"));
      remember(spoken ? "speak.job" : "convert.job", next.id);
      toast(t("history.replayed"), " ", h("a", { href: spoken ? "#speak" : "#convert" }, t("history.look")));
    });
  const copy = () => {
    hand(spoken ? "speak.request" : "convert.request", { ...job.request, voice });
    location.hash = spoken ? "speak" : "convert";
  };
  const away = () =>
    act(async () => {
      if (!(await sure(t("history.sure")))) return;
      await remove(at("history", job.id));
      await load();
    });
  const about = h("div");
  const told = more(t("history.about"), about);
  const tell = async () => fill(about, cards((await get(at("history", job.id, "card"))).cards));
  told.addEventListener("toggle", () => told.open && act(tell));
  const sounds = job.files.filter((file) => file.type.startsWith("audio/"));
  return h(
    "li",
    { data: { job: job.id } },
    h("div", { class: "said" }, words.length > 240 ? `${words.slice(0, 240)}…` : words),
    factsOf(job, spoken, voice),
    sounds.slice(0, 4).map((file) => player(file.url, { name: words.slice(0, 60), slim: true })),
    h(
      "div",
      { class: "row" },
      button(t("history.copy"), copy, { kind: "small", picture: "copy" }),
      button(t("history.replay"), again, { kind: "small", picture: "redo" }),
      job.files.map(download),
      tool("trash", t("do.delete"), away),
    ),
    told,
  );
}

const textOf = (job) => job.request.text ?? job.result.pieces?.map((piece) => piece.text).join(" ") ?? "";

function factsOf(job, spoken, voice) {
  const { seconds, items, scores } = job.result ?? {};
  const likeness = scores?.similarity;
  return h(
    "div",
    { class: "facts" },
    badge(spoken ? t("tab.speak") : t("tab.convert"), "voice"),
    h("span", {}, voice),
    h("span", {}, clock(seconds ?? items?.[0]?.seconds)),
    h("span", {}, moment(job.created)),
    likeness && h("span", {}, `${t("spoken.likeness")} `, h("b", {}, number(likeness))),
  );
}

function download(file) {
  const where = { href: `${file.url}?download=1`, download: file.name };
  return h("a", { class: "button small quiet", ...where }, icon("download"), file.name);
}

/** The cards in the files: what they say of themselves. */
function cards(found) {
  const one = ([name, own]) => h("div", { class: "stack" }, h("h2", {}, name), facts(everything(own)));
  return Object.entries(found).map(one);
}
