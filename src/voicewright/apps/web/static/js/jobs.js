// Work on the server: start it, follow it, take it up again after the page was loaded anew.

import { at, get, post } from "./api.js";
import { remember, remembered } from "./prefs.js";

const LOOK_MS = 4000;
const OVER = new Set(["done", "failed", "cancelled"]);

export const over = (job) => OVER.has(job.state);

/**
 * Follow a job to its end. `tell` hears every state of it; `signal` stops the following, not the job. All jobs come
 * over the one stream of `watchAll`, because browsers keep few connections; now and then it is asked anew, should the
 * stream be lost.
 */
export function follow(job, tell = () => {}, signal = null) {
  return new Promise((resolve, reject) => {
    const state = { over: false };
    const end = (settle, value) => {
      state.over = true;
      document.removeEventListener("job", heard);
      clearInterval(clock);
      settle(value);
    };
    const hear = (now) => {
      if (state.over || now.id !== job.id) return;
      tell(now);
      if (over(now)) end(resolve, now);
    };
    const look = () =>
      get(at("jobs", job.id)).then(hear, (problem) => problem.status === 404 && !state.over && end(reject, problem));
    const heard = (event) => hear(event.detail);
    const clock = setInterval(look, LOOK_MS);
    document.addEventListener("job", heard);
    signal?.addEventListener("abort", () => state.over || end(reject, new DOMException("left", "AbortError")));
    look();
  });
}

export const cancel = (job) => post(at("jobs", job.id, "cancel"));

/** The jobs of a kind that are not over: what a page that was loaded anew takes up again. */
export async function unfinished(...kinds) {
  const { jobs } = await get("jobs", { limit: 50 });
  return jobs.filter((job) => kinds.includes(job.kind) && !over(job));
}

/** The job that this browser began last and remembers by `name`; null when there is none, or none any more. */
export async function lastOf(name) {
  const id = remembered(name);
  return id
    ? get(at("jobs", id)).catch((problem) => {
        if (problem.status === 404) remember(name, "");
        return null;
      })
    : null;
}

/** A file of a finished job, by the end of its name. */
export function fileOf(job, ...endings) {
  return job.files.find((file) => endings.some((ending) => file.name.endsWith(ending))) ?? null;
}

/**
 * Every change of every job, and which are to be done: `tell` hears both. `away` hears whether the server is out of
 * reach; it is tried until it answers, and what happened meanwhile is asked for. Gives what ends it.
 */
export function watchAll(tell, away) {
  const open = new Map();
  const gone = new Set(); // an answer that was long on its way must not bring one back
  const state = { source: null, again: 0, ended: false };
  const hear = (job) => {
    if (over(job)) gone.add(job.id);
    if (gone.has(job.id)) open.delete(job.id);
    else open.set(job.id, job);
    tell([...open.values()], job);
  };
  const catchUp = async () => {
    const { jobs } = await get("jobs", { limit: 50 });
    open.clear();
    jobs.reverse().forEach(hear);
  };
  const lost = async () => {
    const refused = state.source.readyState === EventSource.CLOSED; // then the browser does not try again
    const status = await get("jobs", { limit: 1 }).then(
      () => 200,
      (problem) => problem.status,
    );
    if (state.ended) return;
    away(status === 0);
    if (refused && status !== 401) state.again = setTimeout(listen, LOOK_MS);
  };
  const listen = () => {
    state.source = new EventSource(at("events"));
    state.source.addEventListener("job", (event) => hear(JSON.parse(event.data)));
    state.source.onerror = lost;
    state.source.onopen = () => {
      away(false);
      catchUp().catch(() => {});
    };
  };
  listen();
  return () => {
    state.ended = true;
    clearTimeout(state.again);
    state.source.close();
  };
}
