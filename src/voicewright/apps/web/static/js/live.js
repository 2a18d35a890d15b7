// Live: what the microphone hears, said in a voice while it is heard, over a WebSocket. With a meter of the delay.

import { field, fill, h, select } from "./dom.js";
import { formFor } from "./form.js";
import { number, t } from "./i18n.js";
import { button, more, notice, place, tile } from "./parts.js";
import { microphone } from "./recorder.js";
import { remember, remembered } from "./prefs.js";
import { voiceField } from "./voicelist.js";

/** Everything of the live part, for the voices that convert. It stops when `signal` says that the tab is left. */
export function live(list, signal) {
  const voice = voiceField(list, remembered("voice"));
  const options = formFor("live", { skip: ["input", "output", "muted", "passthrough", "transpose"] });
  const transpose = select(
    [
      ["auto", t("convert.auto")],
      ...Array.from({ length: 25 }, (each, i) => [String(12 - i), i < 12 ? `+${12 - i}` : String(12 - i)]),
    ],
    "auto",
  );
  const muted = toggle(t("live.mute"));
  const own = toggle(t("live.own"));
  const meters = readings();
  const wrong = place();
  const state = { session: null };
  const words = h("span", {}, t("live.start"));

  const stop = async () => {
    const { session } = state;
    state.session = null;
    go.classList.remove("recording");
    words.textContent = t("live.start");
    meters.rest();
    await session?.stop();
  };
  const start = async () => {
    wrong.clear();
    remember("voice", voice.control.value);
    const chosen = { ...options.values(), muted: pressed(muted), passthrough: pressed(own) };
    if (transpose.value !== "auto") chosen.transpose = Number(transpose.value);
    words.textContent = t("live.opening");
    try {
      state.session = await open(
        { voice: voice.control.value, options: chosen },
        {
          tell: meters.tell,
          hear: meters.hear,
          ready: () => (words.textContent = t("live.stop")),
          broken: (sentence) => {
            stop();
            if (sentence) wrong.say("bad", sentence);
          },
        },
      );
      go.classList.add("recording");
    } catch (problem) {
      await stop();
      wrong.say("bad", problem.message);
    }
  };
  const go = button(words, () => (state.session ? stop() : start()), {
    kind: "primary",
    picture: "mic",
    "data-do": "live",
  });
  const change = (what) => state.session?.change(what);
  muted.addEventListener("click", () => change({ muted: pressed(muted) }));
  own.addEventListener("click", () => change({ passthrough: pressed(own) }));
  transpose.addEventListener(
    "change",
    () => transpose.value !== "auto" && change({ transpose: Number(transpose.value) }),
  );
  signal.addEventListener("abort", stop);

  return h(
    "section",
    { class: "card" },
    notice("info", t("live.headphones")),
    h("div", { class: "grid" }, voice, field(t("convert.transpose"), transpose)),
    h("div", { class: "actions" }, go, muted, own),
    wrong,
    meters,
    more(t("form.more"), h("p", { class: "help" }, t("live.moreHelp")), options),
  );
}

function toggle(words) {
  const made = button(words, () => made.setAttribute("aria-pressed", String(!pressed(made))), {
    "aria-pressed": "false",
  });
  return made;
}

const pressed = (element) => element.getAttribute("aria-pressed") === "true";

/** Levels, delay, pitch and load. */
function readings() {
  const bars = { in: h("i"), out: h("i") };
  const tiles = h("div", { class: "tiles" });
  const note = h("p", { class: "help", role: "status" });
  const meter = (name, bar) =>
    h(
      "div",
      { class: "stack" },
      h("span", { class: "small" }, name),
      h(
        "div",
        {
          class: "meter",
          role: "meter",
          "aria-label": name,
          "aria-valuemin": -60,
          "aria-valuemax": 0,
          "aria-valuenow": -60,
        },
        bar,
      ),
    );
  const [heard, played] = [meter(t("live.in"), bars.in), meter(t("live.out"), bars.out)];
  const box = h(
    "div",
    { class: "stack", data: { role: "live" } },
    h("div", { class: "grid" }, heard, played),
    tiles,
    note,
  );
  const set = (part, bar, db) => {
    const level = Math.max(-60, Math.min(0, db ?? -60));
    bar.style.width = `${((level + 60) / 60) * 100}%`;
    bar.classList.toggle("loud", level > -1);
    part.querySelector("[role=meter]").setAttribute("aria-valuenow", Math.round(level));
  };
  box.hear = (db) => set(heard, bars.in, db);
  box.tell = (now) => {
    set(played, bars.out, now.output_db);
    fill(
      tiles,
      tile(now.delay_ms ? `${number(now.delay_ms, 0)} ms` : "–", t("live.delay")),
      tile(now.pitch_hz ? `${number(now.pitch_hz, 0)} Hz` : "–", t("live.pitch")),
      tile(now.load === undefined ? "–" : `${number(now.load * 100, 0)} %`, t("live.load")),
      tile(String((now.late_blocks ?? 0) + (now.gaps ?? 0)), t("live.late")),
    );
    note.textContent = now.note ?? "";
  };
  box.rest = () => {
    set(heard, bars.in, -60);
    set(played, bars.out, -60);
  };
  box.tell({});
  return box;
}

/** A session: microphone → server → loudspeaker. Gives {change, stop}. */
async function open(wish, { tell, hear, ready, broken }) {
  const mic = await microphone({ processing: false });
  const { context } = mic;
  await context.audioWorklet.addModule(new URL("./worklets/playback.js", import.meta.url));
  const speaker = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
  speaker.connect(context.destination);
  const state = { waiting: 0, gaps: 0, over: false, ready: false };
  speaker.port.onmessage = ({ data }) => Object.assign(state, data);

  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);
  socket.binaryType = "arraybuffer";
  const close = async () => {
    if (state.over) return;
    state.over = true;
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "end" }));
    await mic.close();
    setTimeout(() => socket.close(), 300);
  };
  const mine = () => (state.waiting / context.sampleRate + (context.outputLatency || context.baseLatency || 0)) * 1000;
  const messages = {
    ready: (told) => {
      state.ready = true;
      ready();
      tell({ ...told, gaps: 0 });
    },
    status: (told) => tell({ ...told, delay_ms: (told.delay_ms ?? 0) + mine(), gaps: state.gaps }),
    problem: (told) => {
      close();
      broken(told.detail);
    },
  };
  socket.onopen = () =>
    socket.send(
      JSON.stringify({
        voice: wish.voice,
        rate: context.sampleRate,
        output_rate: context.sampleRate,
        format: "f32",
        engine: "",
        options: wish.options,
      }),
    );
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") speaker.port.postMessage(new Float32Array(data));
    else {
      const told = JSON.parse(data);
      messages[told.type]?.(told);
    }
  };
  socket.onclose = () => {
    if (!state.over) close().then(() => broken(t("live.lost")));
  };
  const level = loudness(hear);
  mic.node.port.onmessage = ({ data }) => {
    level(data);
    if (state.ready && socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  return {
    change: (what) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify({ type: "change", ...what })),
    stop: close,
  };
}

/** Tells the level of blocks of sound in dB of full scale, about ten times a second. */
function loudness(tell) {
  const state = { power: 0, count: 0 };
  return (block) => {
    for (const sample of block) state.power += sample * sample;
    state.count += block.length;
    if (state.count < 4096) return;
    tell(10 * Math.log10(state.power / state.count + 1e-9));
    state.power = state.count = 0;
  };
}
