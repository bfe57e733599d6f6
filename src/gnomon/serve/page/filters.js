// When, where from, in which language: the filter below the box. It is kept in the address.

import { h, placeOf } from "./dom.js";
import { known, now, onStatus, status } from "./status.js";
import { t } from "./strings.js";

const PRESETS = { "1h": 3600, "24h": 86400, "7d": 7 * 86400, "30d": 30 * 86400 };
/** The languages that can be chosen, by their own names. */
export const LANGS = { en: "English", zh: "中文", ja: "日本語", es: "Español", de: "Deutsch", fr: "Français", pt: "Português", ar: "العربية" };

const chosen = { since: "", until: "", source: [], lang: "" };
let told = () => {};

export const node = h("div", { class: "filters", role: "group" });

/** `f()` is called when a person changes the filter. */
export const onChange = (f) => (told = f);

const active = () => Boolean(chosen.since || chosen.until || chosen.source.length || chosen.lang);

/** Take the filter from an address. */
export function from(params) {
  chosen.since = params.get("since") ?? "";
  chosen.until = params.get("until") ?? "";
  chosen.source = params.getAll("source").filter(Boolean);
  chosen.lang = params.get("lang") ?? "";
  draw();
}

/** The filter as pairs of an address. */
export const pairs = () => [
  ["since", chosen.since || null], ["until", chosen.until || null],
  ...chosen.source.map((name) => ["source", name]), ["lang", chosen.lang || null],
];

const moment = (value) => {
  const back = PRESETS[value];
  return back ? new Date(now() - back * 1000).toISOString() : value;
};

/** The day after a date, so that "until" has its day in it; anything else as it is. */
const dayEnd = (value) =>
  /^\d{4}-\d\d-\d\d$/.test(value) ? new Date(Date.parse(value) + 86400_000).toISOString() : value;

/** The filter as the API takes it. "Past day" is counted from the time of what is held. */
export async function fields() {
  const out = {};
  if (PRESETS[chosen.since]) await known();
  if (chosen.since) out.since = moment(chosen.since);
  if (chosen.until) out.until = dayEnd(chosen.until);
  if (chosen.source.length) out.source = chosen.source;
  if (chosen.lang) out.lang = chosen.lang;
  return out;
}

/** The filter as a query of the API: "&since=…". */
export const query = async () =>
  Object.entries(await fields()).flatMap(([name, value]) => [value].flat().map((one) => `&${name}=${encodeURIComponent(one)}`)).join("");

/** The filter in words, "" where it lets everything through. */
export function words() {
  if (!active()) return "";
  const when = PRESETS[chosen.since] ? t.presets[chosen.since]
    : [chosen.since && `${t.sinceDay} ${chosen.since}`, chosen.until && `${t.untilDay} ${chosen.until}`].filter(Boolean).join(" ");
  return [when, chosen.source.join(", "), chosen.lang && (LANGS[chosen.lang] ?? chosen.lang)].filter(Boolean).join(" · ");
}

function changed() {
  draw();
  told();
}

function pick(name, label, options, value, onpick) {
  const select = h("select", { id: `filter-${name}`, "aria-label": label, class: value ? "set" : null,
    onchange: (event) => onpick(event.target.value) },
    options.map(([key, words]) => h("option", { value: key }, words)));
  select.value = value;
  return select;
}

let custom = false;

function time() {
  const value = PRESETS[chosen.since] && !chosen.until ? chosen.since : chosen.since || chosen.until || custom ? "custom" : "";
  const options = [["", t.anyTime], ...Object.keys(PRESETS).map((key) => [key, t.presets[key]]), ["custom", t.customTime]];
  return pick("time", t.filterTime, options, value, (next) => {
    custom = next === "custom";
    chosen.since = next === "custom" ? (PRESETS[chosen.since] ? "" : chosen.since) : next;
    if (next !== "custom") chosen.until = "";
    changed();
  });
}

function days() {
  const day = (name, label) => {
    const input = h("input", { type: "date", "aria-label": label, id: `filter-${name}`,
      onchange: (event) => {
        chosen[name] = event.target.value;
        told();
      } });
    input.value = /^\d{4}-\d\d-\d\d/.exec(chosen[name])?.[0] ?? "";
    return h("label", { class: "day" }, label, input);
  };
  return [day("since", t.sinceDay), day("until", t.untilDay)];
}

function draw() {
  const names = (status?.sources ?? []).filter((one) => one.posts).map((one) => one.source);
  const joined = chosen.source.join(", ");
  const options = [["", t.anySource], ...(chosen.source.length > 1 || (joined && !names.includes(joined)) ? [[joined, joined]] : []), ...names.map((name) => [name, placeOf(name)])];
  const langs = Object.entries(LANGS);
  if (chosen.lang && !(chosen.lang in LANGS)) langs.push([chosen.lang, chosen.lang]);
  const last = document.activeElement?.id;
  node.setAttribute("aria-label", t.filter);
  node.classList.toggle("active", active());
  node.replaceChildren(...[
    time(),
    (custom || (!PRESETS[chosen.since] && (chosen.since || chosen.until))) && days(),
    pick("source", t.filterSource, options, joined, (next) => {
      chosen.source = next ? [next] : [];
      changed();
    }),
    pick("lang", t.filterLang, [["", t.anyLang], ...langs], chosen.lang, (next) => {
      chosen.lang = next;
      changed();
    }),
    active() && h("button", { type: "button", class: "quiet", id: "filter-clear", onclick: () => {
      Object.assign(chosen, { since: "", until: "", source: [], lang: "" });
      custom = false;
      changed();
      node.querySelector("select").focus();
    } }, t.filterClear),
  ].flat().filter(Boolean));
  if (last?.startsWith("filter-")) document.getElementById(last)?.focus();
}

export const again = draw;

// A list that somebody has open is not drawn anew for nothing.
let drawn = "";
onStatus(() => {
  const names = status.sources.map((one) => (one.posts ? one.source : "")).join("\n");
  if (names !== drawn) draw();
  drawn = names;
});

