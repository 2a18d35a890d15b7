// The frame: tabs, language, theme, the key, and how much work there is. Each tab builds itself when it is first seen.

import { get, onSignIn, post } from "./api.js";
import { field, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { speakLanguage, t } from "./i18n.js";
import { watchAll } from "./jobs.js";
import { button, notice } from "./parts.js";
import { hush } from "./player.js";
import { theme } from "./prefs.js";

const TABS = ["speak", "voices", "convert", "datasets", "training", "history", "settings", "help"];
const state = { tab: "", leave: new AbortController(), asking: false, built: false, stopWatching: null };

const NAMES = () => ({
  speak: t("tab.speak"),
  voices: t("tab.voices"),
  convert: t("tab.convert"),
  datasets: t("tab.datasets"),
  training: t("tab.training"),
  history: t("tab.history"),
  settings: t("tab.settings"),
  help: t("tab.help"),
});

/** Show the tab that the address names; the rest of the address is the tab's own: #help/voices. */
async function show() {
  const [wish, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
  const tab = TABS.includes(wish) ? wish : "speak";
  state.leave.abort();
  state.leave = new AbortController();
  const { signal } = state.leave;
  Object.assign(state, { tab, built: false });
  hush();
  for (const each of document.querySelectorAll("[role=tab]")) {
    const chosen = each.dataset.tab === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    if (chosen) each.scrollIntoView({ block: "nearest", inline: "center" });
  }
  const panel = document.getElementById("panel");
  panel.setAttribute("aria-labelledby", `tab-${tab}`);
  document.title = `${NAMES()[tab]} · voicewright`;
  try {
    const { build } = await tabOf(tab);
    if (signal.aborted) return;
    const page = h("div", { class: "page", data: { tab } });
    fill(panel, page);
    await build(page, { signal, rest });
    state.built = !signal.aborted;
  } catch (problem) {
    if (signal.aborted || problem.name === "AbortError") return;
    fill(panel, notice("bad", problem.message, button(t("do.again"), show)));
  }
}

function tabOf(tab) {
  return import(`./tabs/${tab}.js`).catch(() => {
    throw new Error(t("error.network"));
  });
}

function drawFrame() {
  const names = NAMES();
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": t("frame.tabs") });
  for (const tab of TABS) {
    const go = () => (location.hash === `#${tab}` ? show() : (location.hash = tab));
    list.append(
      h(
        "button",
        {
          class: "tab",
          role: "tab",
          id: `tab-${tab}`,
          type: "button",
          "aria-controls": "panel",
          "aria-selected": "false",
          data: { tab },
          onclick: go,
        },
        icon(tab),
        names[tab],
      ),
    );
  }
  list.addEventListener("keydown", byKeys);
  fill(document.getElementById("tabs"), list);
  document.getElementById("tabs").setAttribute("aria-label", t("frame.studio"));
  const panel = document.getElementById("panel");
  const skip = document.getElementById("skip");
  skip.textContent = t("frame.skip");
  skip.onclick = (event) => {
    event.preventDefault(); // the address names the tab
    panel.focus();
  };
  panel.setAttribute("role", "tabpanel");
  const upright = matchMedia("(min-width: 60.01rem)");
  const turn = () => list.setAttribute("aria-orientation", upright.matches ? "vertical" : "horizontal");
  upright.onchange = turn;
  turn();
  fill(document.getElementById("chrome"), h("div", { class: "working", id: "working", role: "status", hidden: true }));
}

/** Arrows, Home and End move between the tabs and show them. */
function byKeys(event) {
  const tabs = [...event.currentTarget.querySelectorAll("[role=tab]")];
  const now = tabs.indexOf(document.activeElement);
  const to = { ArrowDown: now + 1, ArrowRight: now + 1, ArrowUp: now - 1, ArrowLeft: now - 1, Home: 0, End: -1 }[
    event.key
  ];
  if (to === undefined || now < 0) return;
  event.preventDefault();
  const next = tabs.at(to % tabs.length);
  next.focus();
  next.click();
}

function working(open) {
  const box = document.getElementById("working");
  if (!box) return;
  box.hidden = !open.length;
  fill(box, h("i", { class: "spinner", "aria-hidden": "true" }), h("span", {}, t("frame.working", { n: open.length })));
}

/** Say that the server is out of reach, for as long as it is; what could not be shown is shown when it is back. */
function away(gone) {
  const box = document.getElementById("away");
  if (gone === Boolean(box.firstChild)) return;
  fill(box, gone && notice("bad", t("error.network")));
  if (!gone && !state.built) show();
}

/** Ask for the key, and go on once it is right. */
function signIn() {
  if (state.asking) return;
  state.asking = true;
  const key = field(
    t("key.label"),
    h("input", { type: "password", autocomplete: "current-password", required: true }),
    { help: t("key.help") },
  );
  const form = h(
    "form",
    {},
    h("h2", {}, t("key.title")),
    key,
    h("div", { class: "row end" }, button(t("key.go"), null, { kind: "primary", type: "submit" })),
  );
  const box = h("dialog", { "aria-label": t("key.title") }, form);
  box.addEventListener("cancel", (event) => event.preventDefault());
  box.addEventListener("close", () => state.asking && box.showModal()); // browsers let a second Escape through
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await post("session", { key: key.control.value });
    } catch (problem) {
      key.complain(problem.status === 401 ? t("key.wrong") : problem.message);
      key.control.select();
      return;
    }
    state.asking = false;
    box.close();
    box.remove();
    begin();
  });
  document.body.append(box);
  box.showModal();
}

/** Follow the work, and show the tab; one that stands already stays as it is, with all that was typed. */
function begin() {
  state.stopWatching?.();
  state.stopWatching = watchAll((open, job) => {
    working(open);
    document.dispatchEvent(new CustomEvent("job", { detail: job }));
  }, away);
  if (!state.built) show();
  for (const tab of TABS) tabOf(tab).catch(() => {}); // so that they open, should the server go away
}

/** The page anew, in the language that was chosen. */
export async function redraw(wish) {
  await speakLanguage(wish);
  drawFrame();
  show();
}

async function start() {
  theme();
  await speakLanguage();
  drawFrame();
  onSignIn(signIn);
  window.addEventListener("hashchange", show);
  document.addEventListener("language", (event) => redraw(event.detail));
  const session = await get("session").catch(() => ({ key_required: false, signed_in: true }));
  if (session.key_required && !session.signed_in) signIn();
  else begin();
}

start();
