// A sound as a picture: loud is high. What is played already is in the voice's colour.

/** Peaks of a sound that the browser can decode: [[low, high], …] in -1 to 1. */
export async function peaksOf(data, bins = 400) {
  const context = new OfflineAudioContext(1, 1, 22050);
  const sound = await context.decodeAudioData(data);
  const samples = sound.getChannelData(0);
  const wide = Math.max(1, Math.ceil(samples.length / bins));
  const peaks = [];
  for (let start = 0; start < samples.length; start += wide) {
    let [low, high] = [0, 0];
    for (let i = start; i < Math.min(start + wide, samples.length); i += 1) {
      if (samples[i] < low) low = samples[i];
      if (samples[i] > high) high = samples[i];
    }
    peaks.push([low, high]);
  }
  return { peaks, seconds: sound.duration };
}

/** Draw `peaks` on a canvas, `played` of it (0 to 1) in colour. */
export function drawWave(canvas, peaks, played = 0) {
  const { context, width, height } = sharp(canvas);
  const style = getComputedStyle(canvas);
  const [own, rest] = [style.getPropertyValue("--voice"), style.getPropertyValue("--edge")];
  const step = 3;
  const count = Math.max(1, Math.floor(width / step));
  const most = Math.max(0.05, ...peaks.map(([low, high]) => Math.max(-low, high)));
  for (let bar = 0; bar < count; bar += 1) {
    const from = Math.floor((bar * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / count));
    let size = 0;
    for (let i = from; i < Math.min(to, peaks.length); i += 1) size = Math.max(size, -peaks[i][0], peaks[i][1]);
    const tall = Math.max(2, (size / most) * (height - 4));
    context.fillStyle = bar / count < played ? own : rest;
    context.globalAlpha = bar / count < played ? 1 : 0.55;
    context.beginPath();
    context.roundRect(bar * step, (height - tall) / 2, step - 1, tall, 1);
    context.fill();
  }
}

/** Curves of pitch over time, on one scale of semitones. `curves`: [{times, hz, colour, name}], null where unvoiced. */
export function drawCurves(canvas, curves) {
  const { context, width, height } = sharp(canvas);
  const style = getComputedStyle(canvas);
  const all = curves.flatMap((curve) => curve.hz.filter((hz) => hz));
  const end = Math.max(0.1, ...curves.map((curve) => curve.times.at(-1) ?? 0));
  if (!all.length) return;
  const [low, high] = [Math.log2(Math.min(...all)) - 0.15, Math.log2(Math.max(...all)) + 0.15];
  const [left, bottom] = [46, 20];
  const x = (time) => left + (time / end) * (width - left - 6);
  const y = (hz) => 6 + (1 - (Math.log2(hz) - low) / (high - low)) * (height - bottom - 6);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = style.getPropertyValue("--soft");
  context.strokeStyle = style.getPropertyValue("--line");
  for (const hz of [50, 70, 100, 140, 200, 280, 400, 560, 800, 1120]) {
    if (Math.log2(hz) < low || Math.log2(hz) > high) continue;
    context.fillText(`${hz} Hz`, 0, y(hz) + 4);
    line(context, [
      [left, y(hz)],
      [width, y(hz)],
    ]);
  }
  context.fillText("0 s", left, height - 4);
  context.textAlign = "right";
  context.fillText(`${end.toFixed(1)} s`, width - 4, height - 4);
  context.textAlign = "left";
  for (const curve of curves) {
    context.strokeStyle = style.getPropertyValue(curve.colour);
    context.lineWidth = 2;
    let stretch = [];
    const finish = () => {
      if (stretch.length > 1) line(context, stretch);
      stretch = [];
    };
    curve.times.forEach((time, i) => (curve.hz[i] ? stretch.push([x(time), y(curve.hz[i])]) : finish()));
    finish();
  }
}

function line(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

/** The canvas at the screen's own resolution, wiped. */
function sharp(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth || 300, canvas.clientHeight || 40];
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}
