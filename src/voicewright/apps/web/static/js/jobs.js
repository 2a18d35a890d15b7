// Work on the server: start it, follow it, take it up again after the page was loaded anew.

import { at, get, post } from "./api.js";

const OVER = new Set(["done", "failed", "cancelled"]);

export const over = (job) => OVER.has(job.state);

/** Follow a job to its end. `tell` hears every state of it; `signal` stops the following, not the job. */
export function follow(job, tell = () => {}, signal = null) {
  return new Promise((resolve, reject) => {
    if (over(job)) {
      tell(job);
      resolve(job);
      return;
    }
    const source = new EventSource(at("jobs", job.id, "events"));
    const end = () => source.close();
    signal?.addEventListener("abort", () => {
      end();
      reject(new DOMException("left", "AbortError"));
    });
    source.addEventListener("job", (event) => {
      const now = JSON.parse(event.data);
      tell(now);
      if (!over(now)) return;
      end();
      resolve(now);
    });
    source.onerror = async () => {
      if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
      try {
        const now = await get(`jobs/${job.id}`);
        tell(now);
        if (over(now)) resolve(now);
        else setTimeout(() => follow(now, tell, signal).then(resolve, reject), 1500);
      } catch (problem) {
        reject(problem);
      }
    };
  });
}

export const cancel = (job) => post(at("jobs", job.id, "cancel"));

/** The jobs of a kind that are not over: what a page that was loaded anew takes up again. */
export async function unfinished(...kinds) {
  const { jobs } = await get("jobs", { limit: 50 });
  return jobs.filter((job) => kinds.includes(job.kind) && !over(job));
}

/** A file of a finished job, by the end of its name. */
export function fileOf(job, ...endings) {
  return job.files.find((file) => endings.some((ending) => file.name.endsWith(ending))) ?? null;
}

/** How many jobs there are to do, told whenever it changes. */
export function watchAll(tell) {
  const open = new Map();
  const source = new EventSource(at("events"));
  source.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    if (over(job)) open.delete(job.id);
    else open.set(job.id, job);
    tell([...open.values()], job);
  });
  return () => source.close();
}
