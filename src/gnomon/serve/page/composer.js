// The box that questions and searches are written into. One box, which the views put where it
// belongs: in the middle of an empty page, below a conversation, above what was found.

import { h } from "./dom.js";
import * as filters from "./filters.js";

const $ = (id) => document.getElementById(id);

export const form = $("form");
export const box = $("question");
const [go, stop, narrow, label] = ["go", "stop", "narrow", "question-label"].map($);
const above = h("p", { class: "follows", hidden: true });
form.prepend(above);
// A view puts it where it belongs; the check of a text borrows the filter.
form.remove();
form.hidden = false;

let submitted = () => {};
let stopped = () => {};

/** Have the box speak for a view: its words, and what is done with what is written. */
export function use({ hint, name, action, onsubmit, onstop = () => {} }) {
  box.placeholder = hint;
  label.textContent = name;
  go.textContent = action;
  [submitted, stopped] = [onsubmit, onstop];
  form.append(filters.node);
  grow();
}

/** Put the box at the end of `place`, or before `place` where `before` is set. */
export function put(place, before = false) {
  if (before ? place.previousElementSibling === form : place.lastElementChild === form) return;
  const focused = document.activeElement === box;
  if (before) place.before(form);
  else place.append(form);
  if (focused) box.focus({ preventScroll: true });
}

/** What stands above the box: what the question follows on from. */
export function follows(...nodes) {
  above.replaceChildren(...nodes.filter(Boolean));
  above.hidden = !above.childNodes.length;
  form.classList.toggle("following", !above.hidden);
}

export function busy(yes) {
  // The one that goes takes the focus along to the one that comes.
  const held = [go, stop].includes(document.activeElement);
  go.hidden = yes;
  stop.hidden = !yes;
  if (held) (yes ? stop : go).focus();
}

export function write(words) {
  box.value = words;
  grow();
}

export function grow() {
  box.style.height = "auto";
  // Chromium counts a wrapped placeholder as text.
  if (box.value) box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = box.value.trim();
  if (words) submitted(words);
  else box.focus();
});
box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => stopped());
narrow.addEventListener("click", () => {
  const shown = form.classList.toggle("narrowing");
  narrow.setAttribute("aria-expanded", String(shown));
});
