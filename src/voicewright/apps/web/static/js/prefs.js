// What this browser remembers: language, theme, key. A browser that forbids storage just forgets.

const PREFIX = "voicewright.";

export function remembered(name, otherwise = "") {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    if (value === "" || value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Private windows may refuse; the choice then lasts until the page is closed.
  }
}

/** "system", "light" or "dark", set on the document. */
export function theme(wish = remembered("theme", "system")) {
  remember("theme", wish === "system" ? "" : wish);
  if (wish === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = wish;
  return wish;
}

/** Put something by for another tab of the page, which takes it once. */
export function hand(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Nothing is handed over then.
  }
}

export function take(name, keep = false) {
  try {
    const found = sessionStorage.getItem(PREFIX + name);
    if (!keep) sessionStorage.removeItem(PREFIX + name);
    return found ? JSON.parse(found) : null;
  } catch {
    return null;
  }
}
