// A story: when it was told, who copied whom, what independent origins agree on, which numbers
// conflict and who gives them. Every quote opens the held post.

import { gapLine } from "./answer.js";
import { get } from "./api.js";
import { asOne, askAbout, carrierNode, cutting, figures, places } from "./board.js";
import { badge, button, failure, h, headline, langOf, number, title, when } from "./dom.js";
import * as panel from "./panel.js";
import { ms, supported, unfolded } from "./pictures.js";
import * as router from "./router.js";
import { refresh, status } from "./status.js";
import { t } from "./strings.js";

export const name = "story";

const main = document.getElementById("view");
const AT_ONCE = 4;
let story = null;
let lanes = [];
let trouble = null;
let working = null;

export async function enter(params) {
  const id = params.get("story") ?? "";
  working?.abort();
  const controller = new AbortController();
  working = controller;
  story = trouble = null;
  lanes = [];
  draw();
  try {
    const told = await get(`/v1/stories/${encodeURIComponent(id)}`, controller.signal);
    story = told;
    lanes = roots(told);
    draw();
    main.querySelector(".title").focus({ preventScroll: true });
    await Promise.all([members(controller.signal), refresh(true).catch(() => null)]);
  } catch (error) {
    if (error.name === "AbortError") return;
    trouble = error;
  }
  if (working === controller && router.view()?.name === name) trouble || !lanes.length ? draw() : redraw();
}

export function leave() {
  working?.abort();
}

export const again = () => draw();

// ---------------------------------------------------------------- what is shown of it

/** The origins that are drawn: those of the timeline and those that many carried, in the order of
 * time. */
function roots(told) {
  const found = new Map();
  const add = (post, author, said_at, posts) => found.has(post) || found.set(post, { id: post, author: author || t.unknownAuthor, time: ms(said_at), posts, members: [], kinds: {} });
  add(told.first.post, told.first.author, told.first.said_at, told.first.posts);
  for (const { saying } of told.timeline) add(saying.post, saying.author || saying.source, saying.said_at, saying.posts);
  for (const one of told.carriers) add(one.post, one.author, one.said_at, one.posts);
  return [...found.values()].sort((a, b) => a.time - b.time);
}

/** Who copied each of them: a few requests at a time. */
async function members(signal) {
  const waiting = lanes.filter((one) => one.posts > 1);
  const next = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      const { posts, repeats, campaign } = await get(`/v1/spread?post=${encodeURIComponent(one.id)}`, signal, true);
      one.members = repeats.map(({ said_at, kind }) => ({ time: ms(said_at), kind }));
      for (const { kind } of one.members) one.kinds[kind] = (one.kinds[kind] ?? 0) + 1;
      one.posts = posts;
      one.campaign = campaign;
      one.coordinated = Boolean(campaign?.coordinated);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** The gaps of any source within the story's time. */
const gaps = () => (status?.gaps ?? []).filter((gap) =>
  ms(gap.end) >= ms(story.first_seen) && (!gap.start || ms(gap.start) <= ms(story.last_seen)));

function draw() {
  if (trouble) {
    main.replaceChildren(h("div", { class: "board" }, places(""), title(t.titles.story), failure(trouble, () => {
      trouble = null;
      enter(new URLSearchParams(location.hash.slice(1)));
    })));
    return;
  }
  if (!story) {
    main.replaceChildren(h("div", { class: "board" }, places(""), title(t.titles.story), h("p", { class: "muted" }, "…")));
    return;
  }
  main.replaceChildren(h("article", { class: "board tale" }, places(""), head(), picture(),
    h("div", { class: "sidebyside" }, story.disputed.length ? [conflicts(), facts()] : [facts(), conflicts()]), moments(), carriers(),
    h("div", { class: "actions" }, button(t.now.askThis, () => askAbout(headline(story.title)), { id: "ask-this" }),
      h("a", { class: "quiet line", href: router.address([["search", headline(story.title)]]) }, t.now.findPosts))));
  observe();
}

/** Only the picture, once its members are here: what has the focus keeps it. */
function redraw() {
  main.querySelector(".picture")?.replaceWith(picture());
  observe();
}

function head() {
  const { first, support } = story;
  return [
    title(headline(story.title), { ...langOf(story.langs[0]) }),
    h("p", { class: "firstsaid" }, t.tale.firstSaid, " ",
      h("button", { type: "button", class: "plain", onclick: (event) => panel.openPost(first.post, null, event.currentTarget) }, h("bdi", {}, first.author || first.source || t.unknownAuthor)),
      " · ", when(story.first_seen), " – ", when(story.last_seen)),
    figures(story.posts, story.authors, support.origins),
    h("p", { class: "muted stands" }, t.tale.sites(support.authors, support.sites), " ",
      support.agreed + support.disputed + support.alone > 0 && t.tale.compared(support.agreed, support.disputed, support.alone),
      story.checked_by === "" && [" ", t.tale.numbersOnly]),
    asOne(story) >= .05 && h("p", { class: "less" }, t.now.lessShort(Math.round(100 * asOne(story)))),
    story.discount.share > 0 && cutting(story.discount, "h2"),
  ];
}

// ---------------------------------------------------------------- the picture

const open = (id) => panel.openPost(id, null, document.activeElement);

function picture() {
  const shown = lanes.reduce((sum, one) => sum + one.posts, 0);
  const late = gaps();
  const coordinated = lanes.filter((one) => one.coordinated);
  return h("figure", { class: "picture" },
    h("h2", {}, t.tale.picture),
    h("div", { class: "canvas" }),
    h("figcaption", {},
      h("p", { class: "legend muted" }, t.tale.legend),
      coordinated.map((one) => h("p", { class: "warn" }, badge("disputed", t.coordinated), " ", h("bdi", {}, one.author), ": ",
        t.campaign(one.campaign.unattributed, one.campaign.texts, when(one.campaign.since), when(one.campaign.until)), " ", t.campaignHelp)),
      story.origins > lanes.length && h("p", { class: "muted" }, t.tale.others(story.origins - lanes.length, Math.max(0, story.posts - shown))),
      late.length > 0 && h("div", { class: "missing" }, h("p", {}, t.tale.gaps(late.length)), h("ul", { class: "gaps" }, late.slice(0, 6).map(gapLine)))),
    h("details", { class: "fold" }, h("summary", {}, t.tale.asTable), table()));
}

/** The same picture for who does not see it. */
function table() {
  const copies = (one) => Object.entries(one.kinds).map(([kind, n]) => `${t.kinds[kind] ?? kind}: ${number(n)}`).join(", ");
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t.tale.asTable }, h("table", { class: "table" },
    h("thead", {}, h("tr", {}, [t.author, t.said, t.heldPosts, t.tale.how].map((words) => h("th", { scope: "col" }, words)))),
    h("tbody", {}, lanes.map((one) => h("tr", {},
      h("th", { scope: "row" }, h("button", { type: "button", class: "plain", onclick: (event) => panel.openPost(one.id, null, event.currentTarget) }, h("bdi", {}, one.author))),
      h("td", {}, when(new Date(one.time).toISOString())),
      h("td", { class: "n" }, number(one.posts)),
      h("td", {}, [copies(one), one.coordinated && t.coordinated].filter(Boolean).join(" · ") || "–"))))));
}

let width = 0;
const sized = new ResizeObserver(([entry]) => {
  const next = Math.round(entry.contentRect.width);
  if (!next || next === width) return;
  width = next;
  paint();
});

function observe() {
  const canvas = main.querySelector(".canvas");
  if (!canvas) return;
  sized.disconnect();
  width = Math.round(canvas.getBoundingClientRect().width);
  paint();
  sized.observe(canvas);
}

function paint() {
  if (width) main.querySelector(".canvas")?.replaceChildren(unfolded(story, lanes, gaps(), width, open));
}

// ---------------------------------------------------------------- who says what

/** The language of what is quoted, where all of the story is in one. */
const ours = () => langOf(story.langs.length === 1 ? story.langs[0] : "");

/** Whose words, as a button that opens them in their post. */
const said = (one) => h("li", {}, h("button", { type: "button", class: "card", onclick: (event) => panel.openPost(one.post, null, event.currentTarget) },
  h("q", ours(), one.quote),
  h("span", { class: "by" }, h("b", {}, h("bdi", {}, one.author || one.source || t.unknownAuthor)), when(one.said_at), one.posts > 1 && h("span", {}, t.standsFor(one.posts)))));

/** The first few of those who say so, and the others in a fold. */
function sayers(all, few = 2) {
  return [h("ul", { class: "posts" }, all.slice(0, few).map(said)),
    all.length > few && h("details", { class: "others" }, h("summary", {}, t.more(all.length - few)), h("ul", { class: "posts" }, all.slice(few).map(said)))];
}

const conflicts = () => h("section", { class: "conflicts" }, h("h2", {}, t.tale.conflicts),
  story.disputed.length ? story.disputed.map((one) => h("div", { class: "conflict" },
    h("h3", {}, badge("disputed", one.about || t.tale.aNumber), one.rule === "verifier" && h("small", {}, t.tale.verified)),
    h("div", { class: "versions" }, one.versions.map((version) => h("div", { class: "version" },
      h("p", { class: "value", dir: "auto" }, version.value),
      h("p", { class: "muted" }, t.origins(version.voices), " · ", t.tale.since, " ", when(version.said_by[0].said_at)),
      sayers(version.said_by)))))) : h("p", { class: "muted" }, t.tale.noConflicts));

const facts = () => h("section", { class: "agreement" }, h("h2", {}, t.tale.agreed),
  story.agreed.length > 0 && h("p", { class: "muted caution" }, t.tale.agreedHelp),
  story.agreed.length ? story.agreed.map((fact) => h("div", { class: "known" },
    h("p", { class: "words", dir: "auto" }, fact.text),
    h("p", { class: "support" }, supported(fact.voices), t.origins(fact.voices)),
    h("details", { class: "others" }, h("summary", {}, t.tale.who), h("ul", { class: "posts" }, fact.said_by.map(said))))) : h("p", { class: "muted" }, t.tale.noneAgreed));

const moments = () => h("section", { class: "moments" }, h("h2", {}, t.tale.moments),
  h("ol", {}, story.timeline.map((moment, i) => h("li", {},
    h("span", { class: "nth", "aria-hidden": "true" }, String(i + 1)),
    h("div", {},
      h("p", { class: "by" }, h("b", {}, h("bdi", {}, moment.saying.author || moment.saying.source || t.unknownAuthor)), when(moment.saying.said_at), h("em", {}, t.tale.reasons[moment.reason] ?? "")),
      h("button", { type: "button", class: "quoted", ...ours(), onclick: (event) => panel.openPost(moment.saying.post, null, event.currentTarget) }, h("q", {}, moment.saying.quote)),
      moment.numbers.length + moment.names.length > 0 && h("ul", { class: "forms" }, [...moment.numbers, ...moment.names].map((words) => h("li", { dir: "auto" }, words))))))));

const carriers = () => story.carriers.some((one) => one.posts > 1) && h("section", { class: "carriers" }, h("h2", {}, t.tale.carriers),
  h("ul", { class: "posts" }, story.carriers.filter((one) => one.posts > 1).map(carrierNode)));
