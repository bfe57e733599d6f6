// Building nodes and formatting. Data reaches the page as text nodes only.

import { lang, t } from "./strings.js";

/** h("p", {class: "x", onclick: f}, "text", node, null): an element with its children. */
export function h(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

const PATHS = {
  supported: "M3.5 10.5l4.2 4.2L16.5 6",
  refuted: "M5 5l10 10M15 5L5 15",
  disputed: "M3 7.5h11l-3-3M17 12.5H6l3 3",
  not_enough_evidence: "M7 7.4a3 3 0 1 1 4.3 2.9c-.9.5-1.3 1-1.3 2M10 15.6v.1",
  note: "M10 9v5.5M10 5.6v.1",
};

/** The sign of a verdict: always beside its word, never instead of it. */
export function sign(label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "sign");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[label] ?? PATHS.note);
  svg.append(path);
  return svg;
}

/** The UTF-16 index of a code point offset: the server counts code points, JavaScript does not. */
export function index16(text, codePoints) {
  let at = 0;
  for (let n = 0; n < codePoints && at < text.length; n++) {
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
  }
  return at;
}

/** `text` with `[start:end]` (code points) in a <mark>. */
export function marked(text, start, end) {
  if (!(end > start)) return [text];
  const from = index16(text, start);
  const to = index16(text, end);
  return [text.slice(0, from), h("mark", {}, text.slice(from, to)), text.slice(to)];
}

const locale = () => (lang === "zh" ? "zh-CN" : "en-GB");

export function when(iso) {
  if (!iso) return h("span", { class: "unknown" }, t.unknownTime);
  return h("time", { datetime: iso, title: iso }, stamp(iso));
}

export function stamp(iso) {
  const form = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" });
  return iso ? form.format(new Date(iso)) : t.unknownTime;
}

/** A stretch of seconds in its largest fitting unit: "3 hours". */
export function span(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
  const form = new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" });
  return form.format(Math.max(0, Math.round(seconds / size)));
}

export function bytes(n) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(units.length - 1, n > 0 ? Math.floor(Math.log10(n) / 3) : 0);
  const form = { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), form).format(n / 1000 ** step);
}

/** Only web addresses become links: a post's `javascript:` stays words. */
export function webUrl(url) {
  return /^https?:\/\//i.test(url ?? "") ? url : null;
}

export function say(words) {
  document.getElementById("said").textContent = words;
}

/** The language a text is read out and set in, where it is known. */
export const langOf = (value) => (value ? { lang: value === "zh" ? "zh-Hans" : value } : {});
