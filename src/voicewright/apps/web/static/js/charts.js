// Lines over steps, as SVG: losses, learning rate, scores.

import { h, svg } from "./dom.js";
import { number, t } from "./i18n.js";

const [WIDE, TALL, LEFT, BOTTOM, TOP] = [420, 200, 52, 24, 8];

/** A chart of `lines`: [{name, steps, values}]; a long one is thinned out for the eye. Its table is read out. */
export function chart(title, lines) {
  const shown = lines.map((line) => ({ ...line, points: thinned(line) })).filter((line) => line.points.length);
  const keys = shown.map((line, i) =>
    h("span", { class: "key" }, h("i", { class: `l${i % 4}` }), `${line.name} ${short(line.points.at(-1)[1])}`),
  );
  if (!shown.length) return h("figure", {}, h("figcaption", {}, title, h("span", {}, t("chart.nothing"))));
  const all = shown.flatMap((line) => line.points);
  const [first, last] = span(all.map(([step]) => step));
  const [low, high] = span(
    all.map(([, value]) => value),
    0.04,
  );
  const x = (step) => LEFT + ((step - first) / (last - first || 1)) * (WIDE - LEFT - 6);
  const y = (value) => TOP + (1 - (value - low) / (high - low || 1)) * (TALL - BOTTOM - TOP);
  const marks = [0, 0.5, 1].map((share) => low + (high - low) * share);
  const picture = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDE} ${TALL}`, role: "img", "aria-label": spoken(title, shown) },
    marks.map((value) => [
      svg("line", { class: "axis", x1: LEFT, x2: WIDE - 6, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
    ]),
    svg("text", { x: LEFT, y: TALL - 6 }, String(first)),
    svg("text", { x: WIDE - 6, y: TALL - 6, "text-anchor": "end" }, t("chart.step", { n: last })),
    shown.map((line, i) =>
      line.points.length > 1
        ? svg("path", {
            class: `l${i % 4}`,
            d: line.points
              .map(([step, value], j) => `${j ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`)
              .join(""),
          })
        : svg("circle", { cx: x(line.points[0][0]), cy: y(line.points[0][1]), r: 3, class: `l${i % 4}` }),
    ),
  );
  return h("figure", {}, h("figcaption", {}, title, h("span", { class: "row" }, keys)), picture);
}

function thinned({ steps, values }, most = 400) {
  const points = steps.map((step, i) => [step, values[i]]).filter(([, value]) => Number.isFinite(value));
  const every = Math.ceil(points.length / most);
  return points.filter((point, i) => i % every === 0 || i === points.length - 1);
}

/** From the least to the most; at least so large a share of the values, so that a flat line looks flat. */
function span(values, least = 0) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(0, (least * Math.max(Math.abs(low), Math.abs(high)) - (high - low)) / 2);
  return [low - room, high + room];
}

function short(value) {
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1);
  return number(value, Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
}

function spoken(title, lines) {
  return `${title}: ${lines.map((line) => `${line.name} ${short(line.points[0][1])} → ${short(line.points.at(-1)[1])}`).join("; ")}`;
}
