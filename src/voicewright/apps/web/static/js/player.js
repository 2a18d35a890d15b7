// A sound that can be heard: a button, its waveform to seek in, its time. Only one plays at a time.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { clock, t } from "./i18n.js";
import { drawWave, peaksOf } from "./waveform.js";

const playing = { audio: null };

/**
 * A player for `url`. `waveform` is an address that gives {peaks, seconds}; without one the sound itself is drawn
 * once it is near the screen. `slim` is lower; `name` is said by screen readers.
 */
export function player(url, { name = "", slim = false, waveform = "", seconds = null, live = false } = {}) {
  const audio = h("audio", { preload: live ? "none" : "metadata", src: url });
  const toggle = h("button", { type: "button", class: slim ? "round small" : "round" });
  const canvas = h("canvas", { "aria-hidden": "true" });
  const seek = h("input", { type: "range", min: 0, max: 1000, value: 0, "aria-label": t("player.seek", { name }) });
  const time = h("span", { class: "time" });
  const box = h(
    "div",
    { class: slim ? "player slim" : "player", role: "group", "aria-label": name || t("player.sound") },
    toggle,
    h("div", { class: "wave" }, canvas, seek),
    time,
    audio,
  );
  const state = { peaks: [[0, 0]], seconds };

  const length = () => (Number.isFinite(audio.duration) && audio.duration > 0 ? audio.duration : state.seconds);
  const paint = () => {
    const share = length() ? audio.currentTime / length() : 0;
    if (canvas.isConnected) drawWave(canvas, state.peaks, share);
    seek.value = Math.round(share * 1000);
    time.textContent = slim ? clock(length() ?? audio.currentTime) : `${clock(audio.currentTime)} / ${clock(length())}`;
    seek.setAttribute("aria-valuetext", time.textContent);
  };
  const button = () => {
    const words = audio.paused ? t("player.play", { name }) : t("player.pause", { name });
    toggle.setAttribute("aria-label", words);
    toggle.title = words;
    fill(toggle, icon(audio.paused ? "play" : "pause"));
  };

  toggle.addEventListener("click", () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
  audio.addEventListener("play", () => {
    if (playing.audio && playing.audio !== audio) playing.audio.pause();
    playing.audio = audio;
    button();
    const tick = () => {
      paint();
      if (!audio.paused && box.isConnected) requestAnimationFrame(tick);
    };
    tick();
  });
  for (const event of ["pause", "ended", "error"]) audio.addEventListener(event, () => (button(), paint()));
  audio.addEventListener("loadedmetadata", paint);
  seek.addEventListener("input", () => {
    if (length()) audio.currentTime = (seek.value / 1000) * length();
    paint();
  });
  new ResizeObserver(paint).observe(canvas);
  if (!live) whenNear(box, () => draw(url, waveform, state, paint));
  button();
  paint();

  box.audio = audio;
  box.play = () => audio.play().catch(() => {});
  return box;
}

/** Stop whatever plays. */
export function hush() {
  playing.audio?.pause();
}

async function draw(url, waveform, state, paint) {
  try {
    const answer = await fetch(waveform || url);
    if (!answer.ok) return;
    Object.assign(state, waveform ? await answer.json() : await peaksOf(await answer.arrayBuffer()));
    paint();
  } catch {
    // A sound that cannot be drawn can still be heard.
  }
}

function whenNear(element, act) {
  const watch = new IntersectionObserver(
    (seen) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      watch.disconnect();
      act();
    },
    { rootMargin: "200px" },
  );
  watch.observe(element);
}
