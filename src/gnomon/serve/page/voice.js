// Speaking and listening, once somebody does: a microphone into a question, sentences into sound.

import { ApiError } from "./api.js";
import { h } from "./dom.js";

const LONGEST_MS = 120_000;
const KINDS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

let recorder = null;
let chunks = [];
let context = null;
let queue = Promise.resolve();
let turn = 0; // raised to hush: what belongs to an earlier turn is not said any more
let playing = null;

if (!document.querySelector('link[href="/page/voice.css"]')) {
  document.head.append(h("link", { rel: "stylesheet", href: "/page/voice.css" }));
}

/** Begin to record, if that is still `wanted()` once it may. Rejects where there is no microphone or
 * it may not be used. */
export async function record(wanted) {
  // Sound may only be played after a gesture, and this is one.
  ready();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, channelCount: 1 } });
  if (!wanted()) return stream.getTracks().forEach((track) => track.stop());
  const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
  chunks = [];
  recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {});
  recorder.addEventListener("dataavailable", (event) => event.data.size && chunks.push(event.data));
  recorder.start(250);
  const mine = recorder;
  setTimeout(() => mine.state === "recording" && mine.stop(), LONGEST_MS);
  return undefined;
}

/** End the recording; what was said in it, "" where nobody spoke. */
export async function heard() {
  const mine = recorder;
  if (!mine) return "";
  recorder = null;
  if (mine.state !== "inactive") {
    const done = new Promise((resolve) => mine.addEventListener("stop", resolve, { once: true }));
    mine.stop();
    await done;
  }
  mine.stream.getTracks().forEach((track) => track.stop());
  if (!chunks.length) return ""; // let go before the microphone gave anything
  const kind = mine.mimeType || "audio/webm";
  const suffix = kind.includes("mp4") ? "m4a" : kind.includes("ogg") ? "ogg" : "webm";
  const form = new FormData();
  form.append("file", new Blob(chunks, { type: kind }), `said.${suffix}`);
  form.append("response_format", "json");
  const response = await fetch("/v1/audio/transcriptions", { method: "POST", body: form });
  const told = await response.json();
  if (!response.ok) throw new ApiError(told.error, response.status);
  return told.text.trim();
}

const ready = () => {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  return context;
};

/** Say `text` after what is being said. It is made while that is still heard; its caption is marked
 * while it is. `failed(error)` is called once where it cannot be said. */
export function speak(text, caption, failed) {
  const mine = turn;
  const made = sound(text);
  made.catch(() => {});
  queue = queue.then(async () => {
    if (mine !== turn) return;
    try {
      const buffer = await made;
      if (mine === turn && buffer) await play(buffer, caption());
    } catch (error) {
      if (mine !== turn) return;
      turn += 1;
      failed(error);
    }
  });
  return queue;
}

async function sound(text) {
  const body = JSON.stringify({ input: text, response_format: "wav", model: "gnomon" });
  const response = await fetch("/v1/audio/speech", { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!response.ok) throw new ApiError((await response.json()).error, response.status);
  return ready().decodeAudioData(await response.arrayBuffer());
}

const play = (buffer, node) => new Promise((resolve) => {
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  node?.setAttribute("data-spoken", "now");
  const done = () => {
    node?.setAttribute("data-spoken", "yes");
    playing = null;
    resolve();
  };
  source.addEventListener("ended", done, { once: true });
  playing = { source, done };
  source.start();
});

/** Be silent at once. */
export function hush() {
  turn += 1;
  playing?.source.stop();
  playing?.done();
  queue = Promise.resolve();
}
