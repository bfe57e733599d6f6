// The language that the page speaks: chosen here before, else the browser's own.

import { en } from "./words.en.js";
import { zh } from "./words.zh.js";

const tables = { en, zh };

/** [key, its own name, its tag] of each language. */
export const languages = [["en", "English", "en"], ["zh", "中文", "zh-Hans"]];

function remembered() {
  try {
    return localStorage.getItem("gnomon.lang");
  } catch {
    return null; // storage is off: the browser's own language decides
  }
}

export let lang = remembered() || (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
if (!(lang in tables)) lang = "en";
export let t = tables[lang];

let spoken = () => {};

/** `f()` is called when the language was changed. */
export const onSpeak = (f) => (spoken = f);

export function speak(next, remember = true) {
  lang = next;
  t = tables[next];
  document.documentElement.lang = next === "zh" ? "zh-Hans" : "en";
  try {
    if (remember) localStorage.setItem("gnomon.lang", next);
  } catch {
    // nothing to remember it in
  }
  spoken();
}
