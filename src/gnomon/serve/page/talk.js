// The button that is held to talk. What it does (talking.js) comes when it is first pressed.

import * as composer from "./composer.js";
import { h, icon } from "./dom.js";
import * as shortcuts from "./shortcuts.js";
import { lang } from "./strings.js";

export const able = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

const WORDS = { en: ["Hold to talk (or hold the space bar)", "Read aloud"], zh: ["按住说话（或按住空格键）", "朗读"] };
let real = null;
const load = async () => (real ??= await import("./talking.js"));

export const button = h("button", { type: "button", id: "talk", class: "quiet", "aria-pressed": "false", hidden: !able },
  icon("M10 3a2.3 2.3 0 0 1 2.3 2.3v4.2a2.3 2.3 0 0 1-4.6 0V5.3A2.3 2.3 0 0 1 10 3zM5 9.3a5 5 0 0 0 10 0M10 14.3V17M7.5 17h5", "drawn-icon"));
composer.form.querySelector("#narrow")?.before(button);

/** What the button is called, in the reader's language. */
export function name() {
  if (real) return real.name();
  button.title = WORDS[lang][0];
  return button.setAttribute("aria-label", WORDS[lang][0]);
}

const first = async () => real ?? (await load()).begin();
button.addEventListener("pointerdown", first);
button.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && first());
document.addEventListener("keydown", (event) => {
  const elsewhere = event.target.closest?.("input, textarea, select, button, a, summary, dialog, [contenteditable], [role=tab]");
  if (real || event.key !== " " || event.repeat || elsewhere || !able || !shortcuts.on() || !button.isConnected) return;
  event.preventDefault();
  first();
});

/** A question begins: whether its answer is to be spoken. What was being said is not gone on with. */
export const asking = () => real?.asking() ?? false;
/** Say a sentence that has passed its check; `caption()` finds where it stands on the page. */
export const sentence = async (text, caption) => (await load()).sentence(text, caption);
/** Read a whole answer; `caption(at)` finds each sentence on the page. */
export const read = async (texts, caption) => (await load()).read(texts, caption);
export const hush = () => real?.hush();
export const readAloud = () => WORDS[lang][1];

name();
