// What is going on: what rises, and the stories. Loud and supported are two figures in two pictures,
// never one; why a thing is shown opens where it stands.

import { get } from "./api.js";
import * as composer from "./composer.js";
import { badge, button, failure, h, headline, langOf, memory, number, say, span, stamp, title, when } from "./dom.js";
import { LANGS } from "./filters.js";
import * as panel from "./panel.js";
import { discounted, iso, loud, ms, spark, supported, within } from "./pictures.js";
import * as router from "./router.js";
import { choice } from "./settings.js";
import { known, now, status } from "./status.js";
import { t } from "./strings.js";

export const name = "board";

const WINDOWS = { "1h": 3600, "6h": 21600, "24h": 86400, "7d": 604800 };
const KINDS = ["", "name", "hashtag", "term", "link"];
const EVERY_MS = 60_000;
const FEW = 8;

const main = document.getElementById("view");
const chosen = { window: "24h", kind: "", lang: "", by: "interest" };
let held = null; // {trends, stories}
let newer = null; // what came while somebody was reading
let trouble = null;
let all = { rising: false, stories: false };
const opened = new Set();
let working = null;
let timer = 0;
let fetched = 0;

/** The places below "What is going on". */
export const places = (here) => h("nav", { class: "places", "aria-label": t.now.title },
  [["board", t.now.rising], ["digests", t.titles.digests], ["sources", t.titles.sources]].map(([view, words]) =>
    h("a", { href: `/#${view}`, "aria-current": view === here ? "page" : null }, words)));

/** Put a question into the box of the asking view, to be changed or sent. */
export function askAbout(words) {
  router.go([]);
  composer.write(t.now.isItTrue(words));
  composer.box.focus();
}

/** Both figures, each in its own picture. */
export const figures = (posts, people, origins, words = t.now.origins(origins)) => h("span", { class: "two" },
  h("span", { class: "figure", title: t.now.loudHelp }, loud(posts), h("span", {}, h("b", {}, number(posts)), t.now.loud(posts, people))),
  h("span", { class: "figure", title: t.now.supportHelp }, supported(origins), h("span", {}, h("b", {}, number(Math.round(origins))), words)));

const auto = () => memory.get("board") !== "still";

export function enter(params) {
  const given = params.get("window");
  chosen.window = given in WINDOWS ? given : "24h";
  chosen.kind = KINDS.includes(params.get("kind")) ? params.get("kind") ?? "" : "";
  chosen.lang = params.get("lang") ?? "";
  chosen.by = params.get("by") === "support" ? "support" : "interest";
  held = newer = trouble = null;
  all = { rising: false, stories: false };
  opened.clear();
  draw();
  return load({ widen: !given });
}

export function leave() {
  working?.abort();
  clearTimeout(timer);
}

export const again = () => draw();

const place = () => router.place([["board", ""], ["window", chosen.window], ["kind", chosen.kind || null],
  ["lang", chosen.lang || null], ["by", chosen.by === "support" ? "support" : null]], { replace: true });

async function fetchAll(signal, quiet) {
  const lang = chosen.lang ? `&lang=${encodeURIComponent(chosen.lang)}` : "";
  const kind = chosen.kind ? `&kind=${chosen.kind}` : "";
  const trends = await get(`/v1/trends?window=${chosen.window}&k=24${kind}${lang}`, signal, quiet);
  const stories = await get(`/v1/stories?since=${iso(trends.since)}&until=${iso(trends.until)}&k=60&by=${chosen.by}${lang}`, signal, quiet);
  // Interest fades within hours: of a whole week, the loudest are those most people carried.
  if (chosen.window === "7d" && chosen.by === "interest") stories.data.sort((a, b) => people(b) - people(a) || b.posts - a.posts);
  return { trends, stories };
}

/** `widen`: where the last day has nothing to show, the week is shown. */
async function load({ widen = false, quiet = false } = {}) {
  working?.abort();
  clearTimeout(timer);
  const controller = new AbortController();
  working = controller;
  try {
    await known();
    let found = await fetchAll(controller.signal, quiet);
    if (widen && !found.trends.data.length && chosen.window !== "7d") {
      chosen.window = "7d";
      found = await fetchAll(controller.signal, quiet);
    }
    fetched = Date.now();
    trouble = null;
    if (quiet && reading()) newer = found;
    else {
      held = found;
      newer = null;
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!quiet || !held) trouble = error;
  }
  if (router.view()?.name !== name || working !== controller) return;
  if (newer) offer();
  else draw();
  if (!quiet && held && !trouble) {
    place();
    say(t.now.found(held.trends.data.length, held.stories.data.length));
  }
  if (held) compare(controller.signal);
  timer = setTimeout(tick, EVERY_MS);
}

/** Somebody who reads has nothing moved away from under their eyes. */
const reading = () => opened.size > 0 || Boolean(document.activeElement?.closest(".board .lists")) || document.getElementById("panel").open;

function tick() {
  if (router.view()?.name !== name) return;
  if (document.hidden || !auto()) timer = setTimeout(tick, EVERY_MS);
  else load({ quiet: true });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && auto() && router.view()?.name === name && Date.now() - fetched > EVERY_MS) load({ quiet: true });
});

/** New figures are here: they come when they are asked for. */
function offer() {
  const line = main.querySelector(".asof .newer");
  if (!line || line.childNodes.length) return;
  line.append(button(t.now.newer, () => {
    held = newer;
    newer = null;
    opened.clear();
    draw();
    main.querySelector(".title").focus();
  }, { id: "newer" }));
  say(t.now.newer);
}

function change(what, value) {
  chosen[what] = value;
  opened.clear();
  main.querySelector(".lists")?.setAttribute("aria-busy", "true");
  place();
  load();
}

function pick(what, label, options) {
  const node = h("select", { id: `board-${what}`, "aria-label": label, class: chosen[what] ? "set" : null,
    onchange: (event) => change(what, event.target.value) }, options.map(([key, words]) => h("option", { value: key }, words)));
  node.value = chosen[what];
  return node;
}

function controls() {
  const langs = Object.entries(LANGS);
  if (chosen.lang && !(chosen.lang in LANGS)) langs.push([chosen.lang, chosen.lang]);
  return h("div", { class: "controls" },
    choice(t.now.window, "window", Object.keys(WINDOWS).map((key) => [key, t.now.windows[key]]), chosen.window, (next) => change("window", next)),
    h("div", { class: "filters" },
      pick("lang", t.filterLang, [["", t.anyLang], ...langs]),
      pick("kind", t.now.kind, KINDS.map((key) => [key, t.now.kinds[key || "any"]]))));
}

function draw() {
  const focus = document.activeElement;
  const kept = focus?.id || focus?.closest?.("[data-key]")?.dataset.key;
  const radio = focus?.name === "window";
  main.replaceChildren(h("div", { class: "board" }, places(name), title(t.now.title), controls(),
    trouble ? failure(trouble, () => load()) : held ? [asOf(), lists()] : h("p", { class: "muted" }, "…")));
  if (radio) main.querySelector("input[name=window]:checked")?.focus();
  else if (kept && focus?.isConnected === false) (document.getElementById(kept) ?? main.querySelector(`[data-key="${CSS.escape(kept)}"] button`))?.focus();
}

function asOf() {
  const { trends, stories } = held;
  const lag = status?.newest ? (now() - ms(status.newest)) / 1000 : 0;
  const behind = Math.max(trends.behind, stories.behind);
  return h("div", { class: "asof" },
    h("p", {}, t.now.among(number(trends.posts), number(Math.min(trends.authors, trends.posts)), number(trends.origins)), " ", stamp(iso(trends.since)), " – ", when(iso(trends.until)), ". ",
      lag > 60 && h("span", {}, t.now.newest(span(lag)), " "),
      h("span", { class: behind ? "trouble" : null }, behind ? t.now.behind(behind) : t.now.upToDate)),
    h("p", { class: "newer", role: "status" }),
    h("label", { class: "auto" }, h("input", { type: "checkbox", id: "auto", checked: auto(), onchange: (event) => {
      memory.set("board", event.target.checked ? null : "still");
      tick();
    } }), " ", t.now.auto));
}

function lists() {
  const { trends, stories } = held;
  if (!trends.data.length && !stories.data.length) return nothing();
  return h("div", { class: "lists" },
    h("section", { class: "rising", "aria-labelledby": "rising-title" }, h("h2", { id: "rising-title" }, t.now.rising),
      trends.data.length ? [h("p", { class: "legend muted" }, h("span", { class: "key-bar" }), t.now.legendLit, " ", h("span", { class: "key-usual" }), t.now.legendUsual),
        some("rising", trends.data, riseNode, "ol")] : h("p", { class: "muted" }, t.now.noTrends)),
    h("section", { class: "told", "aria-labelledby": "told-title" },
      h("h2", { id: "told-title" }, t.now.stories),
      stories.data.length ? [
        choice(t.now.by, "by", [["interest", t.now.byLoud], ["support", t.now.bySupport]], chosen.by, (next) => change("by", next)),
        some("stories", stories.data, storyNode, "ul")] : h("p", { class: "muted" }, t.now.noStories)));
}

/** The first of a list, and a button for the others. */
function some(which, data, nodeOf, list) {
  const shown = all[which] ? data : data.slice(0, FEW);
  return [h(list, { class: `cards ${which}` }, shown.map(nodeOf)),
    data.length > shown.length && button(t.showMore(data.length - shown.length), () => {
      all[which] = true;
      draw();
      main.querySelectorAll(`.cards.${which} > li`)[FEW]?.querySelector("button, a").focus();
    })];
}

const nothing = () => h("div", { class: "abstained" }, h("p", { class: "words" }, t.now.nothing),
  h("p", { class: "muted" }, status?.posts ? t.now.nothingHelp : t.emptyHelp), h("p", {}, h("a", { href: "/#sources" }, t.titles.sources)));

// ---------------------------------------------------------------- what rises

const keyOf = (one) => `${one.kind}:${one.term}`;
/** A figure as it is said: never "0" for what is only small. */
const rounded = (n) => n > 0 && n < .05 ? `< ${number(.1)}` : number(n >= 10 ? Math.round(n) : Math.round(n * 10) / 10);

function riseNode(one, n) {
  const key = keyOf(one);
  const body = `why-${n}`;
  const per = WINDOWS[chosen.window] / one.spark_s;
  const why = h("div", { id: body, class: "why", hidden: !opened.has(key) });
  const fill = () => why.childNodes.length || why.append(...whyNodes(one).filter(Boolean));
  if (opened.has(key)) fill();
  const head = h("button", { type: "button", class: "head", "aria-expanded": String(opened.has(key)), "aria-controls": body, onclick: () => {
    const open = !opened.has(key);
    opened[open ? "add" : "delete"](key);
    if (open) fill();
    why.hidden = !open;
    head.setAttribute("aria-expanded", String(open));
  } },
    h("span", { class: "what" },
      h("span", { class: "label", ...langOf(one.lang) }, one.label || one.term),
      h("span", { class: "by" }, t.now.kinds[one.kind], one.new && h("em", {}, t.now.new), !one.sure && h("span", { class: "perhaps" }, t.now.maybe))),
    spark(one.spark, { lit: Math.max(1, Math.round(per)), expected: one.expected / Math.max(1, per) }),
    figures(one.posts, one.authors, one.independent, t.now.voices(Math.round(one.independent))),
    one.discount.share >= .05 && h("span", { class: "less" }, t.now.lessShort(Math.round(100 * one.discount.share))));
  return h("li", { class: one.sure ? "rise" : "rise unsure", "data-key": key }, head, why);
}

/** Who counts as one voice, as a picture and in words. */
export function cutting(cut, heading = "h3") {
  const signs = [cut.like_worded && t.now.likeWorded(cut.like_worded), cut.together && t.now.together(cut.together),
    cut.young > cut.young_expected && t.now.young(cut.young, rounded(cut.young_expected))].filter(Boolean);
  return h("div", { class: "cutting" }, h(heading, {}, t.now.discount), discounted(cut.voices, cut.independent),
    h("p", {}, cut.share > 0 ? t.now.counted(number(cut.voices), rounded(cut.independent)) : t.now.ownWords(number(cut.voices)), " ", signs.join(t.now.and)),
    h("p", { class: "muted" }, t.now.discountHelp));
}

function whyNodes(one) {
  return [
    h("p", {}, t.now.why(rounded(one.independent), t.now.windows[chosen.window], rounded(one.expected))),
    h("p", { class: "muted" }, t.now.chance(rounded(one.surprise), one.surprise < 30 ? number(Math.round(2 ** one.surprise)) : ""), " ",
      one.sure ? t.now.sure : t.now.unsure(number(one.tested))),
    cutting(one.discount),
    h("p", { class: "muted" }, t.now.firstSeen, " ", when(one.first_seen),
      one.also.length > 0 && [" · ", t.now.also, " ", h("span", langOf(), one.also.join(", "))]),
    one.carriers.length > 0 && h("h3", {}, t.now.carriers),
    h("ul", { class: "posts" }, one.carriers.map(carrierNode)),
    h("div", { class: "actions" },
      h("a", { class: "quiet line", href: router.address([["search", one.label || one.term]]) }, t.now.findPosts),
      button(t.now.askThis, () => askAbout(one.label || one.term))),
  ];
}

/** A post in a few words, as a button that opens it. */
export const carrierNode = (one) => h("li", {}, h("button", { type: "button", class: "card", onclick: (event) => panel.openPost(one.post, null, event.currentTarget) },
  h("span", { class: "by" }, h("b", {}, h("bdi", {}, one.author || t.unknownAuthor)), when(one.said_at), one.posts > 1 && h("span", {}, t.posts(one.posts))),
  h("span", { class: "cut", ...langOf() }, one.excerpt)));

// ---------------------------------------------------------------- stories

/** What comparing found, of the stories that were compared: a list does not compare. */
const compared = new Map();

/** Only what is disputed is marked in colour: that two say the same does not make it right. */
const stand = ({ agreed, disputed }) =>
  disputed > 0 ? badge("disputed", t.now.disputed(disputed)) : agreed > 0 ? badge("note", t.now.agreed(agreed)) : null;

/** Compare the first few stories one after the other, and mark what is disputed in them. */
async function compare(signal) {
  for (const one of held.stories.data.slice(0, FEW)) {
    const key = `${one.id} ${one.posts}`;
    try {
      if (!compared.has(key)) compared.set(key, (await get(`/v1/stories/${encodeURIComponent(one.id)}`, signal, true)).support);
    } catch {
      return; // stopped, or gone since: the list stands without the mark
    }
    if (signal.aborted) return;
    const mark = stand(compared.get(key));
    const head = main.querySelector(`.story[data-key="${CSS.escape(one.id)}"] .head`);
    if (mark && head && !head.querySelector(".badge")) head.append(mark);
  }
}

/** The people of a story, a group that acts as one counting for one. */
const people = (one) => one.authors * (1 - asOne(one));

/** The share of a story's people who count for nothing: of its authors, or of those who carry it. */
export const asOne = ({ discount, authors }) => Math.max(discount.share, (discount.passed_off - 1) / Math.max(1, authors));

/** A story in a list, as a link to it. */
function storyNode(one) {
  return h("li", { class: "story", "data-key": one.id },
    h("a", { href: router.address([["story", one.id]]), class: "head" },
      h("span", { class: "headline", ...langOf(one.langs[0]) }, headline(one.title)),
      h("span", { class: "by" }, h("span", {}, t.now.firstBy, " ", h("bdi", {}, one.first.author || one.first.source || t.unknownAuthor)), when(one.first_seen)),
      within(one.spark, ms(one.spark_from), one.spark_s * 1000, [ms(held.trends.since), ms(held.trends.until)]),
      figures(one.posts, one.authors, one.support.origins),
      asOne(one) >= .05 && h("span", { class: "less" }, t.now.lessShort(Math.round(100 * asOne(one)))),
      stand(compared.get(`${one.id} ${one.posts}`) ?? one.support)));
}
