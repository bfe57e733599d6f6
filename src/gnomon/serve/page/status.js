// What is held, as the server last told it: shared by every view.

import { get } from "./api.js";

export let status = null;
const watchers = [];

/** `f(status)` is called whenever it was fetched anew, and now if it is here. */
export function onStatus(f) {
  watchers.push(f);
  if (status) f(status);
}

let first = Promise.resolve(null);

export async function refresh(quiet = false) {
  const asked = get("/v1/status", undefined, quiet);
  if (!status) first = asked;
  status = await asked;
  for (const f of watchers) f(status);
  return status;
}

/** Wait for the first of it; where it cannot be had, the machine's own clock must do. */
export const known = async () => status ?? (await first.catch(() => null));

/** The time that it is for what is held: the sample world has one of its own. */
export const now = () => (status?.now ? Date.parse(status.now) : Date.now());
