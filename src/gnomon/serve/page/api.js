// The server's side of the page: JSON in, events out.

import { t } from "./strings.js";

export class ApiError extends Error {
  constructor(error, status) {
    super(error.message);
    this.code = error.code;
    this.status = status;
  }
}

let unlock = null;
let unlocking = null;

/** `ask(error)` is called where the server wants to know who asks; it says whether to try again. */
export function onLocked(ask) {
  unlock = ask;
}

async function send(path, { method = "GET", body, signal, quiet = false } = {}, again = false) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({ message: t.offline, code: "offline" }, 0);
  }
  if (response.ok) return response;
  let told = {};
  try {
    told = await response.json();
  } catch {
    // not one of our answers; its status is all there is
  }
  const error = new ApiError(told.error ?? { message: `${response.status}` }, response.status);
  if (response.status === 401 && unlock && !again && !quiet && !path.startsWith("/v1/session")) {
    unlocking ??= unlock(error).finally(() => (unlocking = null));
    if (await unlocking) return send(path, { method, body, signal }, true);
  }
  throw error;
}

/** `quiet` asks nobody who they are: the page's own look now and then. */
export const get = async (path, signal, quiet = false) => (await send(path, { signal, quiet })).json();
export const post = async (path, body) => (await send(path, { method: "POST", body })).json();

/** DELETE; what comes back, if anything. */
export async function remove(path) {
  const text = await (await send(path, { method: "DELETE" })).text();
  return text ? JSON.parse(text) : null;
}

/** Ask, and be handed each event as it comes: {event, data}. Ends with the stream. An `error` event
 * is thrown. */
export async function* stream(path, body, signal) {
  const response = await send(path, { method: "POST", body, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { event: "message", data: null };
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) event.event = line.slice(7);
        if (line.startsWith("data: ")) event.data = JSON.parse(line.slice(6));
      }
      if (event.event === "error") throw new ApiError(event.data.error, 500);
      if (event.data !== null) yield event;
    }
  }
}
