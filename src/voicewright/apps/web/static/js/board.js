// The board of a dataset: every clip with its sound, its text, its scores, and what a human decides about it.

import { at, get, post } from "./api.js";
import { field, fill, h, uid } from "./dom.js";
import { clock, number, t } from "./i18n.js";
import { badge, button, choices, dialog, during, empty, place, searching, tool } from "./parts.js";
import { player } from "./player.js";

const PAGE = 25;

/** The clips of the dataset `name`: filter, search, play, correct, drop, undo. */
export function board(name) {
  const state = { filter: "all", search: "", offset: 0, clips: [], total: 0 };
  const list = h("ol", { class: "list", "aria-label": t("board.clips") });
  const told = h("p", { class: "small soft", role: "status" });
  const wrong = place();
  const further = button(t("board.more"), () => load(true), { hidden: true });
  const undo = button(
    t("board.undo"),
    () =>
      during(undo, wrong, async () => {
        await post(at("datasets", name, "undo"), { number: null });
        await load();
      }),
    { kind: "small", picture: "undo" },
  );
  const search = searching(t("board.search"), (words) => {
    state.search = words;
    load();
  });

  const act = {
    edit: (clip, change) =>
      during(null, wrong, async () => {
        const answer = await post(at("datasets", name, "edits"), { clip: clip.id, ...change });
        if (change.split_at_s || change.merge_with) await load();
        else for (const changed of answer.clips) replace(changed);
      }),
    after: (clip) => state.clips[state.clips.findIndex((each) => each.id === clip.id) + 1] ?? null,
  };
  const replace = (changed) => {
    state.clips = state.clips.map((clip) => (clip.id === changed.id ? changed : clip));
    const old = list.querySelector(`[data-clip="${CSS.escape(changed.id)}"]`);
    const line = row(name, changed, act);
    old?.replaceWith(line);
    line.querySelector("textarea")?.focus({ preventScroll: true });
  };
  const load = (on = false) =>
    during(further, wrong, async () => {
      state.offset = on ? state.clips.length : 0;
      const answer = await get(at("datasets", name, "clips"), {
        state: state.filter,
        search: state.search,
        offset: state.offset,
        limit: PAGE,
      });
      state.clips = on ? [...state.clips, ...answer.clips] : answer.clips;
      const lines = answer.clips.map((clip) => row(name, clip, act));
      if (on) list.append(...lines);
      else fill(list, lines);
      told.textContent = t("board.shown", { n: state.clips.length, total: answer.total });
      further.hidden = state.clips.length >= answer.total;
      nothing.hidden = answer.total > 0;
    });
  const nothing = empty("search", t("board.none"), t("board.noneWhy"));
  nothing.hidden = true;
  load();
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "row" },
      choices(
        uid("filter"),
        [
          ["all", t("board.all")],
          ["kept", t("board.kept")],
          ["flagged", t("board.flagged")],
          ["dropped", t("board.dropped")],
        ],
        "all",
        (value) => {
          state.filter = value;
          load();
        },
      ),
      undo,
    ),
    search,
    told,
    wrong,
    list,
    nothing,
    h("div", { class: "row" }, further),
  );
}

function row(name, clip, act) {
  const text = h("textarea", { rows: 2, "aria-label": t("board.text"), class: "said", lang: clip.language });
  text.value = clip.text;
  const save = button(t("board.save"), () => act.edit(clip, { text: text.value.trim() }), {
    kind: "small primary",
    hidden: true,
  });
  text.addEventListener("input", () => (save.hidden = text.value.trim() === clip.text));
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !save.hidden) save.click();
  });
  const dropped = Boolean(clip.dropped);
  const decide = dropped
    ? button(t("board.keep"), () => act.edit(clip, { keep: true }), { kind: "small", picture: "keep" })
    : button(t("board.drop"), () => act.edit(clip, { drop: t("board.byHand") }), { kind: "small", picture: "trash" });
  const sound = player(at("datasets", name, "clips", clip.id, "audio"), {
    name: clip.text || clip.id,
    slim: true,
    seconds: clip.seconds,
    waveform: `${at("datasets", name, "clips", clip.id, "waveform")}?bins=300`,
  });
  const next = act.after(clip);
  return h(
    "li",
    { class: dropped ? "dropped" : null, data: { clip: clip.id } },
    sound,
    h(
      "div",
      { class: "stack" },
      text,
      h(
        "div",
        { class: "row apart" },
        h("div", { class: "facts" }, marks(clip), scores(clip)),
        h(
          "div",
          { class: "row" },
          save,
          decide,
          tool("voices", t("board.speaker"), () => speaker(clip, act)),
          tool("split", t("board.split"), () =>
            act.edit(clip, { split_at_s: Number(sound.audio.currentTime.toFixed(3)) || clip.seconds / 2 }),
          ),
          next && tool("merge", t("board.merge"), () => act.edit(clip, { merge_with: next.id })),
        ),
      ),
    ),
  );
}

function marks(clip) {
  return [
    clip.dropped && badge(clip.dropped, "bad", clip.dropped),
    (clip.flags ?? []).map((flag) => badge(flag, "warn", flag)),
    clip.gold && badge(t("board.gold"), "good", t("board.goldHelp")),
    clip.edited && badge(t("board.edited"), "voice"),
    h("span", {}, clip.speaker),
    h("span", {}, clock(clip.seconds)),
  ];
}

function scores(clip) {
  const { scores: found = {} } = clip;
  const rows = [
    [t("board.noise"), found.snr_db, 0, " dB"],
    [t("board.errors"), found.cer === null || found.cer === undefined ? null : found.cer * 100, 0, " %"],
    [t("board.natural"), found.naturalness, 1, ""],
    [t("board.likeness"), found.likeness, 2, ""],
  ];
  return rows
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([words, value, digits, unit]) => h("span", {}, `${words} `, h("b", {}, number(value, digits) + unit)));
}

async function speaker(clip, act) {
  const control = field(t("board.speaker"), h("input", { value: clip.speaker, required: true }));
  if (await dialog(t("board.speaker"), control)) act.edit(clip, { speaker: control.control.value.trim() });
}
