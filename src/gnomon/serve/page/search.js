// Searching: the posts held here, one card for each origin; or the pictures in them.

import { get } from "./api.js";
import * as composer from "./composer.js";
import { button, failure, h, langOf, number, placeOf, say, when } from "./dom.js";
import * as filters from "./filters.js";
import * as panel from "./panel.js";
import * as router from "./router.js";
import * as seen from "./seen.words.js";
import { skyline } from "./shadows.js";
import { lang, t } from "./strings.js";

export const name = "search";
export const keys = ["search"];

const main = document.getElementById("view");
const result = h("section", { id: "result", "aria-live": "polite" });
const kinds = h("div", { class: "kinds", role: "group" });
let words = "";
let pictures = false;
/** How many origins are asked for: few at first, and as many as the server gives at once. */
const [FEW, MANY] = [20, 50];
let draw = () => {};
let working = null;

export function enter(params) {
  filters.from(params);
  filters.onChange(() => search(words));
  words = params.get("search") ?? "";
  pictures = params.has("pictures");
  main.replaceChildren(h("h1", { class: "hidden" }, t.search), kinds, result);
  dress();
  composer.put(kinds, true);
  composer.follows();
  composer.write(words);
  if (words) search(words);
  else {
    hint();
    composer.box.focus({ preventScroll: true });
  }
}

export function leave() {
  working?.abort();
  composer.write("");
}

function dress() {
  composer.use({ hint: t.searchHint, name: t.searchLabel, action: t.search, onsubmit: search, onstop: () => working?.abort() });
  const w = seen[lang];
  kinds.setAttribute("aria-label", w.kinds);
  kinds.replaceChildren(...[[false, w.posts], [true, w.pictures]].map(([value, name]) =>
    h("button", { type: "button", class: "quiet line", "aria-pressed": String(pictures === value), onclick: () => choose(value) }, name)));
}

function choose(value) {
  pictures = value;
  words = composer.box.value.trim();
  dress();
  kinds.children[Number(value)].focus();
  if (words) search(words);
  else {
    router.place([["search", ""], ["pictures", pictures ? "" : null], ...filters.pairs()]);
    hint();
  }
}

function hint() {
  draw = () => result.replaceChildren(h("p", { class: "muted hint" }, pictures ? seen[lang].help : t.searchHelp));
  draw();
}

async function search(next, k = FEW) {
  working?.abort();
  const controller = new AbortController();
  working = controller;
  words = next;
  panel.hide();
  router.place([["search", words], ["pictures", pictures ? "" : null], ...filters.pairs()]);
  if (!words) return;
  composer.busy(true);
  try {
    const results = await get(`/v1/search?k=${k}&q=${encodeURIComponent(words)}${pictures ? "&images=true" : ""}${await filters.query()}`, controller.signal);
    const tiles = results.images && (await import("./seen.js"));
    draw = () => result.replaceChildren(tiles ? tiles.pictures(results) : resultsNode(results, k));
    draw();
    say(tiles ? results.why || seen[lang].count(results.pictures, results.posts) : t.results(results.origins, results.posts));
  } catch (error) {
    if (error.name !== "AbortError") result.replaceChildren(failure(error, () => search(words)));
  } finally {
    if (working === controller) composer.busy(false);
  }
}

function resultsNode(found, k) {
  if (!found.data.length) {
    return h("div", { class: "abstained" }, h("p", { class: "words" }, found.unindexed ? t.unindexed(number(found.unindexed)) : t.noResults),
      h("p", { class: "muted" }, filters.words() ? t.noResultsFilter(filters.words()) : t.noResultsNext));
  }
  return h("div", { class: "results" },
    h("p", { class: "muted", id: "count" }, (found.data.length < k ? t.results : t.resultsFirst)(found.origins, found.posts)),
    h("ol", {}, found.data.map(resultNode)),
    k < MANY && found.data.length === k && button(t.moreResults, async () => {
      await search(words, MANY);
      result.querySelectorAll("li > .card")[k]?.focus();
    }));
}

function resultNode({ post, origin, start, end }) {
  return h("li", {}, h("button", {
    type: "button",
    class: "card",
    onclick: (event) => panel.openPost(post.id, null, event.currentTarget),
  },
    h("span", { class: "by" }, h("b", {}, h("bdi", {}, post.author || t.unknownAuthor)), when(post.created_at), h("span", { title: post.source }, placeOf(post.source))),
    post.title && h("span", { class: "headline", ...langOf(post.lang) }, post.title),
    h("span", { class: "text", ...langOf(post.lang) }, marks(excerpt(post.text, start, end))),
    h("span", { class: "counted drawn" }, skyline([{ posts: origin.posts, side: "" }]), origin.posts > 1 ? t.originOf(origin.posts, origin.authors) : t.alone)));
}

/** At most about 300 characters of a long post, around what was found. Offsets are code points. */
function excerpt(text, start, end) {
  const points = Array.from(text);
  if (points.length <= 320) return text;
  const from = Math.max(0, start - 60);
  const to = Math.min(points.length, Math.max(end + 60, from + 300));
  return (from ? "… " : "") + points.slice(from, to).join("") + (to < points.length ? " …" : "");
}

/** `text` with the words of the search marked: whole words, and Chinese and Japanese in pairs, as
 * the index has them. */
function marks(text) {
  const wanted = words.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const parts = wanted.flatMap((word) => {
    if (!/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(word)) return [`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`];
    const points = Array.from(word);
    return points.length < 3 ? [word] : points.slice(1).map((point, n) => points[n] + point);
  });
  if (!parts.length) return [text];
  const nodes = [];
  let at = 0;
  for (const { 0: hit, index } of text.matchAll(new RegExp(`(?:${parts.join("|")})+`, "giu"))) {
    nodes.push(text.slice(at, index), h("mark", {}, hit));
    at = index + hit.length;
  }
  return [...nodes, text.slice(at)];
}

export function again() {
  dress();
  draw();
}
