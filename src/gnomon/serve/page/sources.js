// Where posts come from: how each source is doing, its gaps on the axis of time; and for who may,
// pausing, trying, adding and removing one.

import { look, session } from "./access.js";
import { gapLine } from "./answer.js";
import * as api from "./api.js";
import { places } from "./board.js";
import { bytes, badge, button, failure, fold, h, langOf, say, span, title, when } from "./dom.js";
import { gapAxis, ms } from "./pictures.js";
import * as router from "./router.js";
import { now, refresh, status } from "./status.js";
import { t } from "./strings.js";

export const name = "sources";

const main = document.getElementById("view");
let rows = null;
let trouble = null;
let tried = null; // {spec, going, …what came}
let timer = 0;
let written = "";

export async function enter() {
  rows = trouble = tried = null;
  draw();
  await load();
}

export function leave() {
  clearTimeout(timer);
}

export const again = () => draw();

async function load(quiet = false) {
  clearTimeout(timer);
  try {
    const [told] = await Promise.all([api.get("/v1/sources", undefined, quiet), refresh(quiet), session ?? look().catch(() => null)]);
    rows = told.data;
    trouble = null;
  } catch (error) {
    if (!quiet) trouble = error;
  }
  if (router.view()?.name !== name) return;
  // Nothing is drawn anew under somebody's hands.
  if (!quiet || !main.contains(document.activeElement) || document.activeElement?.matches(".title")) draw();
  timer = setTimeout(() => (document.hidden ? null : load(true)), 15_000);
}

const may = () => !session?.locked || session.scopes?.includes("admin");

function draw() {
  const focus = document.activeElement?.id;
  main.replaceChildren(h("div", { class: "board sources" }, places("sources"), title(t.titles.sources),
    h("p", { class: "muted lead-in" }, t.supply.lede),
    trouble && failure(trouble, enter),
    rows && [may() ? form() : h("p", { class: "muted" }, t.supply.mayNot), list()],
    !rows && !trouble && h("p", { class: "muted" }, "…")));
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

async function change(work, words) {
  try {
    rows = (await work()).data;
    trouble = null;
    say(words);
    refresh(true).then(() => router.view()?.name === name && draw(), () => null);
  } catch (error) {
    trouble = error;
  }
  draw();
}

// ---------------------------------------------------------------- one more

function form() {
  const box = () => main.querySelector("#source-spec");
  const spec = () => box().value.trim();
  return h("form", { class: "making", onsubmit: (event) => {
    event.preventDefault();
    if (!spec()) return box().focus();
    return change(async () => {
      const told = await api.post("/v1/sources", { spec: spec() });
      written = "";
      tried = null;
      return told;
    }, t.supply.added);
  } },
    h("div", { class: "field wide" }, h("label", { for: "source-spec" }, t.supply.spec),
      h("input", { id: "source-spec", type: "text", maxlength: "2000", spellcheck: "false", autocapitalize: "none", placeholder: "hn · bluesky · https://example.org/feed.xml", value: written, oninput: (event) => (written = event.target.value) })),
    h("button", { type: "button", id: "source-try", class: "quiet line", disabled: Boolean(tried?.going), onclick: () => (spec() ? attempt(spec()) : box().focus()) }, t.supply.tryOut),
    h("button", { type: "submit", id: "source-add", class: "go" }, t.supply.add),
    h("div", { class: "tried", role: "status" }, tried && trial()));
}

async function attempt(spec) {
  tried = { spec, going: true };
  draw();
  try {
    tried = await api.post("/v1/sources/test", { spec, for_s: 15 });
  } catch (error) {
    tried = { spec, error: error.message };
  }
  if (router.view()?.name === name) draw();
}

function trial() {
  if (tried.going) return h("p", { class: "muted" }, t.supply.trying(tried.spec));
  return [
    tried.error && h("p", { class: "trouble" }, tried.error),
    tried.posts !== undefined && h("p", {}, t.supply.gave(tried.posts, Math.round(tried.seconds))),
    tried.examples?.length > 0 && h("ul", { class: "posts" }, tried.examples.map((post) => h("li", { class: "card" },
      h("span", { class: "by" }, h("b", {}, h("bdi", {}, post.author || t.unknownAuthor)), when(post.created_at)),
      h("span", { class: "cut", ...langOf(post.lang) }, post.text)))),
    tried.set_aside?.length > 0 && h("p", { class: "muted" }, t.setAside(tried.set_aside.length), ": ", [...new Set(tried.set_aside.map((one) => one.reason))].slice(0, 3).join(" · ")),
  ];
}

// ---------------------------------------------------------------- those that are

/** The sources of one spec stand together, since they are paused and removed together. */
function list() {
  const specs = new Map();
  for (const row of rows) specs.set(row.spec, [...(specs.get(row.spec) ?? []), row]);
  const named = new Set(rows.map((row) => row.source));
  const others = (status?.sources ?? []).filter((one) => !named.has(one.source) && (one.posts || one.gaps || one.set_aside));
  return [
    specs.size ? h("ul", { class: "supply" }, [...specs].map(([spec, of], n) => specNode(spec, of, n))) : h("p", { class: "muted hint" }, t.noSources),
    others.length > 0 && h("section", {}, h("h2", {}, t.supply.others), h("div", { class: "card" }, others.map((one) => lineNode(one)))),
    h("p", { class: "links" }, h("a", { href: "/#held" }, t.statusTitle), h("span", { class: "muted" }, status ? bytes(status.disk_bytes ?? 0) : "")),
  ];
}

const SIGNS = { running: "supported", ended: "supported", paused: "note", waiting: "disputed", failed: "refuted" };

function specNode(spec, of, n) {
  const paused = of.every((row) => row.state === "paused" || row.paused);
  const state = paused ? "paused" : of.map((row) => row.state).find((one) => ["failed", "waiting"].includes(one)) ?? of[0].state;
  const id = (what) => `source-${what}-${n}`;
  return h("li", { class: "card spec", "data-spec": spec },
    h("div", { class: "spec-head" }, h("h2", {}, spec), badge(SIGNS[state] ?? "note", t.supply.states[state] ?? state),
      may() && h("div", { class: "does" },
        button(paused ? t.supply.resume : t.supply.pause, () => change(() => api.post(`/v1/sources/${paused ? "resume" : "pause"}`, { spec }), paused ? t.supply.resumed : t.supply.paused),
          { id: id("pause"), "aria-label": `${paused ? t.supply.resume : t.supply.pause}: ${spec}` }),
        removing(spec, id("remove")))),
    of.map((row) => lineNode(row, of.length > 1 || row.source !== spec)));
}

/** Removing asks once more. */
function removing(spec, id) {
  const place = h("span", {});
  const first = () => button(t.supply.remove, () => {
    place.replaceChildren(
      button(t.supply.removeYes, () => change(() => api.remove(`/v1/sources?spec=${encodeURIComponent(spec)}`), t.supply.removed), { id: `${id}-yes`, class: "quiet line danger" }),
      button(t.cancel, () => {
        place.replaceChildren(first());
        place.querySelector("button").focus();
      }));
    place.querySelector("button").focus();
  }, { id, "aria-label": `${t.supply.remove}: ${spec}` });
  place.append(first());
  return place;
}

function lineNode(row, named = true) {
  const missing = (status?.gaps ?? []).filter((gap) => gap.source === row.source);
  const aside = (status?.set_aside ?? []).filter((item) => item.source === row.source);
  const last = row.last_item ?? row.newest;
  const lag = row.lag_s ?? (last ? (now() - ms(last)) / 1000 : null);
  const range = [ms(status?.oldest), Math.max(ms(status?.newest), ...missing.map((gap) => ms(gap.end)))];
  return h("div", { class: "source" },
    named && h("h3", {}, row.source),
    h("p", { class: "by" }, h("span", {}, t.posts(row.posts ?? 0)),
      last && h("span", {}, t.supply.lastItem, " ", when(last), lag > 0 && ` (${t.supply.ago(span(lag))})`),
      row.errors > 0 && h("span", { class: "trouble" }, t.supply.errors(row.errors))),
    row.error && h("p", { class: "trouble" }, row.error, row.next_try && [" ", t.supply.nextTry, " ", when(row.next_try)]),
    missing.length > 0 && range[1] > range[0] && h("div", { class: "missing" }, gapAxis(missing, range), h("p", { class: "trouble" }, t.gaps(row.gaps || missing.length)), h("ul", { class: "gaps" }, missing.slice(0, 5).map(gapLine))),
    row.set_aside > 0 && (aside.length
      ? fold(t.setAside(row.set_aside), h("ul", { class: "left" }, aside.slice(0, 20).map((item) => h("li", {}, h("b", {}, item.where), h("span", {}, item.reason)))))
      : h("p", { class: "muted" }, t.setAsideShort(row.set_aside))));
}
