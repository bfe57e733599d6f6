// The server's side of the page: JSON in, events out.

import { t } from "./strings.js";

export class ApiError extends Error {
  constructor(error, status) {
    super(error.message);
    this.code = error.code;
    this.status = status;
  }
}

async function checked(promise) {
  let response;
  try {
    response = await promise;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({ message: t.offline, code: "offline" }, 0);
  }
  if (response.ok) return response;
  let body = {};
  try {
    body = await response.json();
  } catch {
    // not one of our answers; its status is all there is
  }
  throw new ApiError(body.error ?? { message: `${response.status}` }, response.status);
}

export async function get(path) {
  return (await checked(fetch(path, { headers: { accept: "application/json" } }))).json();
}

/** Ask, and be handed each event as it comes: {event, data}. Ends with the stream. */
export async function* ask(question, signal) {
  const response = await checked(
    fetch("/v1/ask", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ question }),
      signal,
    }),
  );
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
      if (event.data !== null) yield event;
    }
  }
}
