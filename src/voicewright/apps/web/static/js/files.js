// Where files are dropped, chosen or recorded, and sent to the server at once; each can be heard before it is used.

import { at, remove, upload } from "./api.js";
import { fill, h, uid } from "./dom.js";
import { icon } from "./icons.js";
import { bytes, clock, t } from "./i18n.js";
import { button, place, tool } from "./parts.js";
import { player } from "./player.js";
import { record } from "./recorder.js";

/**
 * A place for files. `kinds` are what the server must find in them (sound, text, voice); `changed` hears the uploads.
 * The element has `uploads()`, `clear()` and `busy()`.
 */
export function dropzone({
  label,
  words,
  accept = "audio/*,video/*",
  kinds = ["sound"],
  multiple = true,
  microphone = true,
  folder = false,
  changed = () => {},
}) {
  const list = h("ul", { class: "files" });
  const wrong = place();
  const state = { uploads: [], sending: 0 };
  const input = h("input", {
    type: "file",
    id: uid("files"),
    accept,
    multiple,
    class: "unseen",
    tabindex: -1,
    "aria-label": label,
  });
  const choose = button(t("files.choose"), () => input.click(), { picture: "upload" });
  const inside = h("input", {
    type: "file",
    webkitdirectory: true,
    class: "unseen",
    tabindex: -1,
    "aria-label": t("files.folder"),
  });
  const chooseFolder = folder && button(t("files.folder"), () => inside.click(), { picture: "datasets" });
  const recorded = microphone ? recordButton((file) => take([file]), wrong) : null;
  const area = h(
    "div",
    { class: "drop" },
    icon("upload"),
    h("p", {}, words),
    h("div", { class: "row" }, choose, chooseFolder, recorded),
    input,
    folder && inside,
  );
  const box = h("div", { class: "stack" }, area, list, wrong);

  const tellAll = () => changed(state.uploads);
  const take = async (files) => {
    wrong.clear();
    if (!multiple) box.clear();
    state.sending += files.length; // all at once, so that nobody takes the first for everything
    for (const file of files) await send(file);
  };
  const send = async (file) => {
    const share = h("i");
    const line = h(
      "li",
      {},
      h("span", {}, file.name),
      h("span", { class: "small soft" }, bytes(file.size)),
      h("div", { class: "progress" }, h("div", { class: "bar" }, share)),
    );
    list.append(line);
    tellAll();
    try {
      const got = await upload(file, (done) => (share.style.width = `${done * 100}%`));
      if (!kinds.includes(got.kind)) throw new Error(t("files.wrong", { name: file.name }));
      state.uploads.push(got);
      shown(line, got);
    } catch (problem) {
      line.remove();
      wrong.say("bad", h("b", {}, file.name), problem.message);
    } finally {
      state.sending -= 1;
      tellAll();
    }
  };
  const shown = (line, got) => {
    const away = tool("close", t("files.remove", { name: got.name }), () => {
      state.uploads = state.uploads.filter((each) => each !== got);
      line.remove();
      remove(at("uploads", got.id)).catch(() => {});
      tellAll();
    });
    const about = got.kind !== "sound" && h("span", { class: "small soft num" }, bytes(got.bytes));
    fill(line, h("span", {}, got.name), h("span", { class: "row" }, about, away));
    if (got.kind === "sound")
      line.append(
        player(at("uploads", got.id, "audio"), {
          name: got.name,
          slim: true,
          seconds: got.seconds,
          waveform: at("uploads", got.id, "waveform"),
        }),
      );
  };

  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  inside.addEventListener("change", () => {
    take([...inside.files].filter((file) => /^(audio|video)\//.test(file.type)));
    inside.value = "";
  });
  for (const name of ["dragenter", "dragover"])
    area.addEventListener(name, (event) => (event.preventDefault(), area.classList.add("over")));
  for (const name of ["dragleave", "drop"]) area.addEventListener(name, () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });

  box.uploads = () => state.uploads;
  box.busy = () => state.sending > 0;
  box.clear = () => {
    state.uploads = [];
    fill(list);
    tellAll();
  };
  return box;
}

function recordButton(done, wrong) {
  const state = { running: null };
  const words = h("span", {}, t("mic.record"));
  const level = h("i");
  const meter = h("div", { class: "meter", hidden: true, "aria-hidden": "true" }, level);
  const act = async () => {
    if (state.running) {
      const { stop } = state.running;
      state.running = null;
      pressed.classList.remove("recording");
      meter.hidden = true;
      words.textContent = t("mic.record");
      done(await stop());
      return;
    }
    try {
      state.running = await record((seconds, loud) => {
        words.textContent = t("mic.stop", { time: clock(seconds) });
        level.style.width = `${Math.min(1, loud) * 100}%`;
        level.classList.toggle("loud", loud > 0.97);
      });
      pressed.classList.add("recording");
      meter.hidden = false;
    } catch (problem) {
      wrong.say("bad", problem.message);
    }
  };
  const pressed = button(words, act, { picture: "mic" });
  return h("span", { class: "stack" }, pressed, meter);
}
