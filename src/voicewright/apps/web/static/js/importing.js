// What comes from elsewhere: .voice files, and sounds made by a studio, which say of themselves how they were made.

import { at, get, post, upload } from "./api.js";
import { field, fill, h } from "./dom.js";
import { moment, number, t } from "./i18n.js";
import { badge, button, during, everything, facts, more, notice, place, toast, tool } from "./parts.js";
import { player } from "./player.js";
import { hand } from "./prefs.js";
import { voices } from "./voicelist.js";

/** A button that takes files, and the place where sounds tell what they are; `made` is called when a voice came. */
export function importing(made) {
  const wrong = place();
  const sounds = h("div", { class: "stack" });
  const files = h("input", {
    type: "file",
    accept: ".voice,audio/*",
    class: "unseen",
    tabindex: -1,
    multiple: true,
    "aria-label": t("voices.import"),
  });
  const choose = button(t("voices.import"), () => files.click(), { kind: "small", picture: "upload" });
  files.addEventListener("change", () =>
    during(choose, wrong, async () => {
      const chosen = [...files.files];
      files.value = "";
      for (const file of chosen) await bring(file);
    }),
  );
  const bring = async (file) => {
    const got = await upload(file);
    if (got.kind === "sound") {
      sounds.prepend(await old(got, made));
      return;
    }
    const voice = await post("voices/import", { upload: got.id, name: "", replace: false });
    toast(t("voices.imported", { name: voice.name }));
    await made();
  };
  return { choose: [choose, files], shown: [wrong, sounds] };
}

/** A sound with what its card says, and what can be done with that. */
async function old(got, made) {
  const [{ card, has_voice: holdsVoice }, list] = await Promise.all([get(at("uploads", got.id, "card")), voices()]);
  const strange = card && !list.some((voice) => voice.name === card.voice.name);
  const away = tool("close", t("files.remove", { name: got.name }), () => box.remove());
  const sound = player(at("uploads", got.id, "audio"), { name: got.name, slim: true, seconds: got.seconds });
  const box = h(
    "section",
    { class: "card", data: { role: "old" }, "aria-label": got.name },
    h("header", {}, h("h3", {}, got.name), card && badge(card.voice.name, "voice"), away),
    sound,
    card ? said(card) : notice("info", t("old.none")),
    strange && notice("warn", t("old.strange", { name: card.voice.name })),
    card &&
      h(
        "div",
        { class: "actions" },
        button(t("old.use"), () => use(card), { picture: "copy" }),
      ),
    holdsVoice && voiceInside(got, card, made),
    card && more(t("history.about"), facts(everything(card))),
  );
  return box;
}

const textOf = (card) => card.pieces.map((each) => each.piece.text).join("");

function said(card) {
  const { name, engine } = card.voice;
  const common = [
    [t("voice.label"), `${name} (${engine})`],
    [t("old.when"), moment(card.created)],
    [t("old.with"), card.tool],
  ];
  if (card.kind !== "conversion") return [h("p", { class: "said" }, textOf(card)), facts(common)];
  const moved = t("convert.semitones", { n: number(card.transposed, 1) });
  return facts([[t("old.recording"), card.source], [t("convert.moved"), moved], ...common]);
}

/** Go to where such a sound is made, with everything filled in as it was. */
function use(card) {
  const voice = card.voice.name;
  if (card.kind === "conversion") {
    const { engine: options, ...settings } = card.settings;
    hand("convert.request", { voice, settings, options });
    location.hash = "convert";
    return;
  }
  hand("speak.request", { text: textOf(card), voice, settings: card.settings });
  location.hash = "speak";
}

function voiceInside(got, card, made) {
  const name = field(t("voices.name"), h("input", { value: card.voice.name, maxlength: 64, autocomplete: "off" }));
  const wrong = place();
  const done = h("div");
  const take = button(
    t("old.take"),
    () =>
      during(take, wrong, async () => {
        const wish = { upload: got.id, name: name.control.value.trim(), replace: false };
        const voice = await post("voices/import", wish);
        fill(done, notice("good", t("voices.imported", { name: voice.name })));
        await made();
      }),
    { picture: "voices" },
  );
  const inside = h("p", { class: "soft" }, t("old.inside"));
  return h("div", { class: "stack" }, inside, h("div", { class: "row" }, name, take), wrong, done);
}
