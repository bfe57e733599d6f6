// Talking, once somebody does: the button that is held to speak (talk.js has it), and what reads
// answers aloud.

import * as composer from "./composer.js";
import { h, say } from "./dom.js";
import * as shortcuts from "./shortcuts.js";
import { lang } from "./strings.js";
import { able, button } from "./talk.js";
import * as voice from "./voice.js";
import * as words from "./voice.words.js";

const SHORT_MS = 350; // a press shorter than this is a click: it goes on until the next

let aloud = false; // whether this question's answer is spoken, because the question was
let pressed = 0;
let holding = false;

const w = () => words[lang];

/** What the button is called, in the reader's language. */
export function name() {
  const label = holding ? w().release : w().hold;
  button.setAttribute("aria-label", label);
  button.title = label;
}

export async function begin() {
  if (!able || holding) return;
  holding = true;
  pressed = performance.now();
  button.setAttribute("aria-pressed", "true");
  name();
  hush();
  try {
    await voice.record(() => holding);
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

/** What was said goes into the box, as a caption, and is asked (or looked for). */
async function end() {
  if (!holding) return;
  stopped();
  say(w().hearing);
  button.setAttribute("aria-busy", "true");
  try {
    const heard = await voice.heard();
    if (!heard) {
      say(w().nothing);
      composer.follows(h("span", { class: "voice-trouble" }, w().nothing));
      return;
    }
    composer.write(heard);
    aloud = true;
    composer.form.requestSubmit(); // as if it had been typed, in whichever view this is
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
export const sentence = async (text, caption) => voice.speak(text, caption, failed);

/** Read a whole answer, sentence by sentence; `caption(at)` finds each on the page. */
export async function read(texts, caption) {
  hush();
  texts.forEach((text, at) => voice.speak(text, () => caption(at), failed));
}

export const hush = () => voice.hush();

function failed(error) {
  say(error.message);
  composer.follows(h("span", { class: "voice-trouble" }, `${w().mute} ${error.message}`));
}

addEventListener("pagehide", hush);
name();
