// Keys that do what a button does. They can be switched off (WCAG 2.1.4), and "?" lists them.

import { h, memory } from "./dom.js";
import { t } from "./strings.js";

export const on = () => memory.get("keys") !== "off";
export const turn = (yes) => memory.set("keys", yes ? null : "off");

const sheet = document.getElementById("sheet");
const bindings = [];
let first = "";

/** `key` is one key, or two after another as "g h"; `words` is a function of the reader's language. */
export const bind = (key, words, act) => bindings.push({ key, words, act });

export function help() {
  const keys = (key) => key.split(" ").map((one) => h("kbd", {}, one));
  sheet.replaceChildren(
    h("button", { type: "button", class: "close quiet", "aria-label": t.close, onclick: () => sheet.close() }, "×"),
    h("h2", { id: "sheet-title" }, t.keysTitle),
    h("dl", { class: "keys" }, [...bindings, { key: "1 … 9", words: () => t.keyCite }, { key: "Esc", words: () => t.keyEscape }].map(({ key, words }) =>
      h("div", {}, h("dt", {}, keys(key)), h("dd", {}, words())))),
    h("p", { class: "muted" }, t.keysOff));
  if (!sheet.open) sheet.showModal();
}

const typing = (node) => node.closest?.("input, textarea, select, [contenteditable]");

/** The next or the one before of the sentences on the page. */
export function step(by) {
  const all = [...document.querySelectorAll(".sentence, .spot")];
  if (!all.length) return;
  const now = all.findIndex((one) => one.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by))];
  const focus = next.matches(".spot") ? next : next.querySelector(".cite, summary") ?? next;
  if (focus === next && !next.hasAttribute("tabindex")) next.setAttribute("tabindex", "-1");
  focus.focus();
  (next.querySelector(".body") ?? next).scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (!on() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target) || sheet.open) return;
  const pressed = first ? `${first} ${event.key}` : event.key;
  const found = bindings.find(({ key }) => key === pressed);
  const begins = !first && bindings.some(({ key }) => key.startsWith(`${event.key} `));
  first = "";
  if (found) {
    event.preventDefault();
    found.act();
  } else if (begins) {
    first = event.key;
    setTimeout(() => (first = ""), 1500);
  } else if (/^[1-9]$/.test(event.key)) {
    const turns = document.querySelectorAll(".turn");
    (turns[turns.length - 1] ?? document).querySelector(`.cite[data-n="${event.key}"]`)?.click();
  }
});
