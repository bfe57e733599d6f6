// Talking: the button that is held to speak, and what reads answers aloud. The rest of it (voice.js)
// comes when it is first used.

import * as composer from "./composer.js";
import { h, icon, say } from "./dom.js";
import * as shortcuts from "./shortcuts.js";
import { lang } from "./strings.js";
import * as words from "./voice.words.js";

const able = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
const SHORT_MS = 350; // a press shorter than this is a click: it goes on until the next

let voice = null;
let asked = () => {};
let aloud = false; // whether this question's answer is spoken, because the question was
let pressed = 0;
let holding = false;

const w = () => words[lang];
const load = async () => (voice ??= await import("./voice.js"));

export const button = h("button", { type: "button", id: "talk", class: "quiet", "aria-pressed": "false", hidden: !able },
  icon("M10 3a2.3 2.3 0 0 1 2.3 2.3v4.2a2.3 2.3 0 0 1-4.6 0V5.3A2.3 2.3 0 0 1 10 3zM5 9.3a5 5 0 0 0 10 0M10 14.3V17M7.5 17h5", "drawn-icon"));
composer.form.querySelector("#narrow")?.before(button);

/** `f(question)` is called with what was heard. */
export function use(f) {
  asked = f;
  name();
}

function name() {
  const label = holding ? w().release : w().hold;
  button.setAttribute("aria-label", label);
  button.title = label;
}

async function begin() {
  if (!able || holding) return;
  holding = true;
  pressed = performance.now();
  button.setAttribute("aria-pressed", "true");
  name();
  hush();
  try {
    await (await load()).record(() => holding);
    say(w().listening);
  } catch (error) {
    stopped();
    say(error.name === "NotAllowedError" ? w().refused : (error.message || w().noMicrophone));
    composer.follows(h("span", { class: "voice-trouble" }, error.name === "NotAllowedError" ? w().refused : w().noMicrophone));
  }
}

function stopped() {
  holding = false;
  button.setAttribute("aria-pressed", "false");
  name();
}

/** What was said goes into the box, as a caption, and is asked. */
async function end() {
  if (!holding) return;
  stopped();
  say(w().hearing);
  button.setAttribute("aria-busy", "true");
  try {
    const heard = await voice?.heard();
    if (!heard) {
      say(w().nothing);
      composer.follows(h("span", { class: "voice-trouble" }, w().nothing));
      return;
    }
    composer.write(heard);
    aloud = true;
    asked(heard);
  } catch (error) {
    say(error.message);
    composer.follows(h("span", { class: "voice-trouble" }, error.message));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

const release = () => (performance.now() - pressed > SHORT_MS ? end() : undefined);

button.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  button.setPointerCapture?.(event.pointerId);
  if (holding) end();
  else begin();
});
for (const kind of ["pointerup", "pointercancel"]) button.addEventListener(kind, release);
button.addEventListener("contextmenu", (event) => event.preventDefault());
button.addEventListener("keydown", (event) => {
  if (![" ", "Enter"].includes(event.key) || event.repeat) return;
  event.preventDefault();
  if (holding) end();
  else begin();
});
button.addEventListener("keyup", (event) => {
  if ([" ", "Enter"].includes(event.key)) release();
});

// The space bar, held anywhere but where it means something else.
const elsewhere = (node) => node.closest?.("input, textarea, select, button, a, summary, dialog, [contenteditable], [role=tab]");
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || event.repeat || !able || !shortcuts.on() || elsewhere(event.target)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !button.isConnected) return;
  event.preventDefault();
  begin();
});
document.addEventListener("keyup", (event) => {
  if (event.key === " " && holding && !elsewhere(event.target)) end();
});
if (able) shortcuts.bind("Space", () => w().key, () => {});

/** A question begins; what was being said is not gone on with. Whether its answer is spoken. */
export function asking() {
  const now = aloud;
  aloud = false;
  hush();
  return now;
}

/** Say a sentence that has passed its check; `caption()` finds where it stands on the page. */
export const sentence = async (text, caption) => (await load()).speak(text, caption, failed);

/** Read a whole answer, sentence by sentence; `caption(at)` finds each on the page. */
export async function read(texts, caption) {
  hush();
  const { speak } = await load();
  texts.forEach((text, at) => speak(text, () => caption(at), failed));
}

export const hush = () => voice?.hush();
export const readAloud = () => w().read;

function failed(error) {
  say(error.message);
  composer.follows(h("span", { class: "voice-trouble" }, `${w().mute} ${error.message}`));
}

addEventListener("pagehide", hush);
