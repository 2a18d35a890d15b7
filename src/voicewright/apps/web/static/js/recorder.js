// The microphone: a recording as a WAV file, and how loud it is while it is made.

import { t } from "./i18n.js";

/** The microphone, opened: {context, node, stream, close}. Throws a sentence when it is not to be had. */
export async function microphone({ processing = false } = {}) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(t("mic.insecure"));
  const wish = { channelCount: 1, echoCancellation: processing, noiseSuppression: processing, autoGainControl: false };
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: wish });
  } catch (problem) {
    throw new Error(problem.name === "NotFoundError" ? t("mic.none") : t("mic.refused"));
  }
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.audioWorklet.addModule(new URL("./worklets/capture.js", import.meta.url));
  const node = new AudioWorkletNode(context, "capture", {
    numberOfOutputs: 0,
    channelCount: 1,
    channelCountMode: "explicit",
  });
  context.createMediaStreamSource(stream).connect(node);
  await context.resume();
  const close = async () => {
    stream.getTracks().forEach((track) => track.stop());
    node.port.onmessage = null;
    await context.close();
  };
  return { context, node, stream, close };
}

/** Record until `stop()`, which gives a File. `tell(seconds, level)` is called often; level 0 to 1. */
export async function record(tell) {
  const mic = await microphone();
  const blocks = [];
  let count = 0;
  mic.node.port.onmessage = ({ data }) => {
    blocks.push(data);
    count += data.length;
    tell(count / mic.context.sampleRate, Math.max(...data.map(Math.abs)));
  };
  return {
    stop: async () => {
      const rate = mic.context.sampleRate;
      await mic.close();
      const name = `${t("mic.name")} ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }).replaceAll(":", ".")}.wav`;
      return new File([wav(blocks, count, rate)], name, { type: "audio/wav" });
    },
  };
}

/** 16-bit mono WAV of blocks of samples. */
function wav(blocks, count, rate) {
  const view = new DataView(new ArrayBuffer(44 + count * 2));
  const text = (at, words) => [...words].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + count * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, count * 2, true);
  let at = 44;
  for (const block of blocks)
    for (const sample of block) {
      view.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
      at += 2;
    }
  return view.buffer;
}
