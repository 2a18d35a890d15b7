// Every word between the page and the server. Nothing else in the page calls fetch, except for its own files.

import { t } from "./i18n.js";

export const ROOT = "/api/v1";

/** What the server refused, in a sentence for the user. `status` 0: no answer at all. */
export class Refused extends Error {
  constructor(sentence, status = 0, kind = "") {
    super(sentence);
    [this.status, this.kind] = [status, kind];
  }
}

const listeners = { signIn: () => {} };

/** `ask` is called whenever the server wants a key first. */
export function onSignIn(ask) {
  listeners.signIn = ask;
}

export const get = (path, query = {}) => call("GET", path + asQuery(query));
export const post = (path, body = {}) => call("POST", path, body);
export const put = (path, body) => call("PUT", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);

/** An address under the API, each part made safe: at("voices", name, "preview"). */
export function at(...parts) {
  return `${ROOT}/${parts.map(encodeURIComponent).join("/")}`;
}

/** Send one file; `tell` hears the share that is sent. Gives the upload. */
export async function upload(file, tell = () => {}) {
  const most = await largest(); // a server that refuses hangs up, and browsers then do not tell why
  if (file.size > most * 1e6) throw new Refused(t("error.large", { n: most }), 413);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot tell how much is sent
    request.open("POST", `${ROOT}/uploads`);
    request.upload.onprogress = (event) => event.lengthComputable && tell(event.loaded / event.total);
    request.onerror = () => reject(new Refused(t("error.network")));
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (request.status < 300) resolve(answer);
      else reject(refusal(request.status, answer, request.getResponseHeader("Retry-After")));
    };
    const form = new FormData();
    form.append("file", file, file.name ?? "recording.wav");
    request.send(form);
  });
}

const server = { largest: null };

/** How many megabytes a file may have; asked for once. */
function largest() {
  server.largest ??= get("about").then(
    ({ limits }) => limits.upload_mb,
    () => {
      server.largest = null;
      return Infinity;
    },
  );
  return server.largest;
}

async function call(method, path, body) {
  const address = path.startsWith("/") ? path : `${ROOT}/${path}`;
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Refused(t("error.network"));
  }
  if (response.status === 204) return null;
  const answer = parsed(await response.text());
  if (!response.ok) throw refusal(response.status, answer, response.headers.get("Retry-After"));
  return answer;
}

function refusal(status, answer, wait) {
  if (status === 401) listeners.signIn();
  const detail = typeof answer?.detail === "string" ? answer.detail : "";
  if (status === 401) return new Refused(t("error.signIn"), status);
  const words = { 404: t("error.gone"), 413: t("error.large", { n: "?" }), 429: t("error.busy", { n: wait ?? "?" }) };
  const told = status === 429 && !/\d/.test(detail) ? "" : detail; // when to try again has to be in it
  return new Refused(told || words[status] || t("error.server", { status }), status, answer?.kind ?? "");
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function asQuery(query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
