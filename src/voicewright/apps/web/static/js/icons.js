// The page's pictures: strokes on a 24 × 24 grid.

import { svg } from "./dom.js";

const PATHS = {
  speak:
    "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5zM9 9v2M12 7.5v5M15 9v2",
  voices: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.4 3.8-5.5 7.5-5.5s6.700 2.100 7.500 5.500",
  convert: "M4 8h13l-3.500-3.500M20 16H7l3.500 3.500",
  datasets: "M4 5h16v14H4zM4 10h16M4 14.500h16M9 10v9",
  training: "M4 4v16h16M7.500 8c1.500 5 4 7.500 11.500 8",
  history: "M4.500 12A7.500 7.500 0 1 0 7 6.400L4.500 8.700M4.500 4.500v4.200h4.200M12 8v4.300l3 1.700",
  settings:
    "M4 7h9M17 7h3M15 9.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400zM4 17h3M11 17h9M9 19.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400z",
  help: "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM9.600 9.500a2.500 2.500 0 1 1 3.600 2.300c-.8.4-1.200.9-1.200 1.700M12 16.500v.1",
  play: "M8 5.500v13l10.500-6.500z",
  pause: "M8.500 5.500v13M15.500 5.500v13",
  stop: "M7 7h10v10H7z",
  download: "M12 4v11M7.500 11l4.500 4.500L16.500 11M5 20h14",
  upload: "M12 16V5M7.500 9L12 4.500 16.500 9M5 20h14",
  mic: "M12 14.500a3 3 0 0 0 3-3v-5a3 3 0 1 0-6 0v5a3 3 0 0 0 3 3zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 6.800-1.200",
  redo: "M19.500 12A7.500 7.500 0 1 1 17 6.400l2.500 2.300M19.500 4.500v4.200h-4.200",
  undo: "M9 5L4.500 9.500 9 14M4.500 9.500H14a5 5 0 0 1 0 10h-3",
  edit: "M4.500 19.500l1-4L16 5l3 3L8.500 18.500z",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13",
  search: "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM15.500 15.500L20 20",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.500l4.500 4.500L19 7.500",
  warn: "M12 4l9 16H3zM12 10v4.500M12 17.300v.1",
  theme: "M12 20.500a8.500 8.500 0 1 0 0-17zM12 20.500a8.500 8.500 0 0 1 0-17",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  keep: "M6 4h12v16l-6-4.500L6 20z",
  plus: "M12 5v14M5 12h14",
  split: "M12 4v16M8 8l-4 4 4 4M16 8l4 4-4 4",
  merge: "M4 6c5 0 4 6 8 6h8M4 18c5 0 4-6 8-6M17 9l3 3-3 3",
};

/** One picture; decoration only, so a screen reader skips it. */
export function icon(name) {
  const filled = name === "play" || name === "stop";
  return svg(
    "svg",
    { class: filled ? "icon solid" : "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] ?? PATHS.help }),
  );
}
