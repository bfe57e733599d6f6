// What is held, as the server last told it: shared by every view.

import { get } from "./api.js";

export let status = null;
const watchers = [];

/** `f(status)` is called whenever it was fetched anew, and now if it is here. */
export function onStatus(f) {
  watchers.push(f);
  if (status) f(status);
}

export async function refresh() {
  status = await get("/v1/status");
  for (const f of watchers) f(status);
  return status;
}

/** The time that it is for what is held: the sample world has one of its own. */
export const now = () => (status?.now ? Date.parse(status.now) : Date.now());
