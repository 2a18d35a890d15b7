// All words of the page: t("speak.go") in the chosen language. The files lie in strings/.

import { remember, remembered } from "./prefs.js";

export const LANGUAGES = { en: "English", zh: "简体中文" };

const state = { language: "en", words: {}, options: {} };

/** The words of a language; the browser's own at first. */
export async function speakLanguage(wish = remembered("language")) {
  const own = navigator.languages.map((name) => name.slice(0, 2)).find((name) => name in LANGUAGES);
  const language = wish in LANGUAGES ? wish : (own ?? "en");
  if (wish in LANGUAGES) remember("language", wish);
  const read = async (name) => (await fetch(new URL(`../strings/${name}.json`, import.meta.url))).json();
  state.words = await read(language);
  state.options = await read(`options.${language}`);
  state.language = language;
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
}

export function language() {
  return state.language;
}

/** The words for `key`, with {name} filled in; `n` of 1 takes the words of `key_one` if there are any. */
export function t(key, values = {}) {
  const words = (values.n === 1 && state.words[`${key}_one`]) || state.words[key];
  if (words === undefined) {
    console.warn(`no words for ${key}`);
    return key;
  }
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Label and help of an option of a group: the page's own words if it has any, else what the options themselves say. */
export function optionWords(group, name, schema) {
  const [label, help] = state.options[`${group.replace(/-tiny$/, "")}.${name}`] ?? state.options[name] ?? [];
  return { label: label ?? plainName(name), help: help ?? schema.description ?? "" };
}

/** "duration_ms" → "Duration (ms)". */
export function plainName(name) {
  const plain = name.replace(/_(s|ms|hz|db|lufs|dbfs)$/, (unit) => ` (${UNITS[unit]})`).replaceAll("_", " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

const UNITS = { _s: "s", _ms: "ms", _hz: "Hz", _db: "dB", _lufs: "LUFS", _dbfs: "dBFS" };

/** 0.934 → "0.93"; nothing measured → "–". */
export function number(value, digits = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return Number(value).toLocaleString(state.language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Seconds as "4.2 s", "3:05" or "1:02:09". */
export function clock(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 60) return `${number(seconds, 1)} s`;
  const whole = Math.round(seconds);
  const two = (part) => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** "de" → "German", in the reader's language. */
export function languageName(code) {
  return new Intl.DisplayNames([state.language], { type: "language" }).of(code);
}

/** Bytes as people read them. */
export function bytes(count) {
  if (!count) return "–";
  const units = ["B", "kB", "MB", "GB"];
  const step = Math.min(3, Math.floor(Math.log10(count) / 3));
  return `${number(count / 1000 ** step, step > 1 ? 1 : 0)} ${units[step]}`;
}

/** A moment, in the reader's own way of writing it. */
export function moment(when) {
  const date = typeof when === "number" ? new Date(when * 1000) : new Date(when);
  return Number.isNaN(date.getTime())
    ? ""
    : date.toLocaleString(state.language, { dateStyle: "medium", timeStyle: "short" });
}
