// Building nodes and formatting. Data reaches the page as text nodes only.

import { lang, t } from "./strings.js";

const SPACE = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** h("p", {class: "x", onclick: f}, "text", node, null): an element with its children. */
export const h = (name, attributes = {}, ...children) =>
  filled(document.createElement(name), attributes, children);

/** The same for SVG. */
export const shape = (name, attributes = {}, ...children) =>
  filled(document.createElementNS(SPACE, name), attributes, children);

/** A button that is not the main one. */
export const button = (words, onclick, attributes = {}) =>
  h("button", { type: "button", class: "quiet line", onclick, ...attributes }, words);

const PATHS = {
  supported: "M3.5 10.5l4.2 4.2L16.5 6",
  refuted: "M5 5l10 10M15 5L5 15",
  disputed: "M3 7.5h11l-3-3M17 12.5H6l3 3",
  not_enough_evidence: "M7 7.4a3 3 0 1 1 4.3 2.9c-.9.5-1.3 1-1.3 2M10 15.6v.1",
  note: "M10 9v5.5M10 5.6v.1",
};

/** A line drawing of 20 x 20. Always beside words, never instead of them. */
export const icon = (path, kind = "sign") =>
  shape("svg", { viewBox: "0 0 20 20", class: kind, "aria-hidden": "true" }, shape("path", { d: path }));

/** The sign of a verdict. */
export const sign = (label) => icon(PATHS[label] ?? PATHS.note);

/** A verdict in sign and word; `words` in place of its own name. */
export const badge = (label, words) =>
  h("span", { class: `badge ${label}` }, sign(label), words ?? t.labels[label]);

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

export function stamp(iso, form = { dateStyle: "medium", timeStyle: "short" }) {
  return iso ? new Intl.DateTimeFormat(locale(), form).format(new Date(iso)) : t.unknownTime;
}

/** A stretch of seconds in its largest fitting unit: "3 hours". Years from two on. */
export function span(seconds) {
  const units = [["year", 2 * 31557600], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
  const form = new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" });
  return form.format(Math.max(0, Math.round(seconds / (unit === "year" ? 31557600 : size))));
}

export function bytes(n) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(units.length - 1, n > 0 ? Math.floor(Math.log10(n) / 3) : 0);
  const form = { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), form).format(n / 1000 ** step);
}

export const number = (n) => new Intl.NumberFormat(locale()).format(n);

/** Only web addresses become links: a post's `javascript:` stays words. */
export function webUrl(url) {
  return /^https?:\/\//i.test(url ?? "") ? url : null;
}

/** A source as it is read: a file by its name, without what tells programs how it is packed. */
export const placeOf = (source) =>
  (/^file:(?!upload\/)/.test(source ?? "") && source.slice(5).replace(/(?:\.(?:jsonl?|csv|tsv|xml|html?|md|txt|pdf|docx|mbox|zim))?(?:\.(?:gz|bz2|xz|zst))?$/i, "")) || source;

/** Tell a reader who hears the page. */
export function say(words) {
  document.getElementById("said").textContent = words;
}

/** The language a stranger's text is read out and set in, where it is known, and its direction,
 * which its own first strong letter tells. */
export const langOf = (value) => ({ dir: "auto", ...(value ? { lang: value === "zh" ? "zh-Hans" : value } : {}) });

/** A fold that opens. */
export const fold = (title, ...inside) =>
  h("details", { class: "fold" }, h("summary", {}, title), inside);

/** A named value in a list of facts. */
export const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

/** What went wrong, told to the reader at once. */
export const failure = (error, retry) =>
  h("div", { class: "sorry", role: "alert" }, h("b", {}, t.failed), h("p", {}, error.message),
    retry && button(t.retry, retry));

/** A headline without the addresses in it; they stand in its post. */
export const headline = (words) => words.replace(/\s*https?:\/\/\S+/g, "").trim() || words;

/** The page's own head of a view. It takes the focus, so that a new view is read from its start. */
export const title = (words, attributes = {}) => h("h1", { class: "title", tabindex: "-1", ...attributes }, words);

/** What is remembered in this browser: `localStorage`, or nothing where storage is off. */
export const memory = {
  get(name) {
    try {
      return localStorage.getItem(`gnomon.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(`gnomon.${name}`);
      else localStorage.setItem(`gnomon.${name}`, value);
    } catch {
      // nothing to remember it in
    }
  },
};
