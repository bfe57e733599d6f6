// Digests: the newest one as it is read, those before it, and one made now with its steps.

import { gapLine } from "./answer.js";
import { get, stream } from "./api.js";
import { figures, places } from "./board.js";
import { failure, fold, h, headline, langOf, say, sign, stamp, title, when } from "./dom.js";
import * as panel from "./panel.js";
import { iso, ms, within } from "./pictures.js";
import * as router from "./router.js";
import { known, now, status } from "./status.js";
import { lang, t } from "./strings.js";

export const name = "digests";

const main = document.getElementById("view");
const SINCE = { "24h": 86400, "7d": 7 * 86400, "30d": 30 * 86400 };
const KINDS = [["known", "supported"], ["disputed", "disputed"], ["alone", "not_enough_evidence"], ["unsettled", "not_enough_evidence"]];
const wish = { about: "", since: "24h", lang: null };
let list = null;
let shown = null;
let trouble = null;
let making = null; // {steps: […], controller}

export async function enter(params) {
  const wanted = params.get("digest");
  list = shown = trouble = null;
  draw();
  try {
    await known();
    list = (await get("/v1/digests?limit=30")).data;
    const id = wanted || list[0]?.id;
    if (id) shown = await get(`/v1/digests/${encodeURIComponent(id)}`);
  } catch (error) {
    trouble = error;
  }
  if (router.view()?.name === name) draw();
}

export function leave() {
  making?.controller.abort();
}

export const again = () => draw();

function draw() {
  const focus = document.activeElement?.id;
  main.replaceChildren(h("div", { class: "board digests" }, places("digests"), title(t.titles.digests),
    h("p", { class: "muted lead-in" }, t.brief.lede),
    form(), making && progress(),
    trouble && failure(trouble, () => enter(new URLSearchParams(location.hash.slice(1)))),
    shown ? digestNode(shown) : list && !making && !trouble && h("p", { class: "muted hint" }, t.brief.none),
    list?.length > 0 && earlier()));
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

// ---------------------------------------------------------------- making one

function form() {
  const select = (id, label, options, value, onchange) => {
    const node = h("select", { id, onchange }, options.map(([key, words]) => h("option", { value: key }, words)));
    node.value = value;
    return h("div", { class: "field" }, h("label", { for: id }, label), node);
  };
  return h("form", { class: "making", onsubmit: (event) => {
    event.preventDefault();
    make();
  } },
    h("div", { class: "field wide" }, h("label", { for: "digest-about" }, t.brief.about),
      h("input", { id: "digest-about", type: "text", maxlength: "400", dir: "auto", placeholder: t.brief.anything, value: wish.about, oninput: (event) => (wish.about = event.target.value) })),
    select("digest-since", t.filterTime, Object.keys(SINCE).map((key) => [key, t.presets[key]]), wish.since, (event) => (wish.since = event.target.value)),
    select("digest-lang", t.language, [["en", "English"], ["zh", "中文"]], wish.lang ?? lang, (event) => (wish.lang = event.target.value)),
    making
      ? h("button", { type: "button", id: "digest-go", class: "go stop", onclick: () => making?.controller.abort() }, t.stop)
      : h("button", { type: "submit", id: "digest-go", class: "go" }, t.brief.make));
}

const progress = () => h("ol", { class: "steps", "aria-label": t.brief.making }, making.steps.length
  ? making.steps.map((step, i) => h("li", { class: i === making.steps.length - 1 ? "now" : "past" }, h("b", {}, t.brief.steps[step.name] ?? step.name), h("span", langOf(), step.detail)))
  : h("li", { class: "now" }, h("b", {}, t.brief.making)));

async function make() {
  const mine = { steps: [], controller: new AbortController() };
  making = mine;
  trouble = null;
  draw();
  say(t.brief.making);
  let made = null;
  try {
    // Counted from the time of what is held: the sample world has one of its own.
    const newest = Math.min(now(), status?.newest ? ms(status.newest) + 1000 : now());
    const body = { about: wish.about.trim(), since: new Date(newest - SINCE[wish.since] * 1000).toISOString(), lang: wish.lang ?? lang, stream: true };
    for await (const { event, data } of stream("/v1/digests", body, mine.controller.signal)) {
      if (event === "step") mine.steps.push(data);
      else if (event === "digest") made = data;
      if (making === mine && router.view()?.name === name && event === "step") {
        main.querySelector(".making + .steps")?.replaceWith(progress());
        say(`${t.brief.steps[data.name] ?? data.name}: ${data.detail}`);
      }
    }
    if (made) list = (await get("/v1/digests?limit=30")).data;
  } catch (error) {
    if (error.name !== "AbortError") trouble = error;
    else say(t.stopped);
  }
  if (making === mine) making = null;
  if (router.view()?.name !== name) return;
  if (made) {
    shown = made;
    if (made.id) router.place([["digest", made.id]]);
  }
  draw();
  if (made) {
    say(t.brief.done(made.briefs.length));
    main.querySelector(".digest h2")?.focus();
  }
}

// ---------------------------------------------------------------- reading one

const between = (one) => `${stamp(iso(one.since))} – ${stamp(iso(one.until))}`;

function digestNode(one) {
  const citations = new Map(one.citations.map((cited) => [cited.n, { ...cited, ...cited.evidence }]));
  return h("article", { class: "digest", ...langOf(one.lang) },
    h("header", {},
      h("h2", { tabindex: "-1" }, one.about ? t.brief.of(one.about) : t.brief.title),
      h("p", { class: "by" }, h("span", {}, between(one)), h("span", {}, t.equals(one.posts, one.origins)),
        h("span", {}, t.brief.made, " ", when(one.made_at)), h("span", {}, one.model || t.quotes)),
      h("p", { class: "links" },
        one.id && h("a", { href: `/digests/${encodeURIComponent(one.id)}`, target: "_blank", rel: "noopener" }, t.brief.printable),
        h("a", { href: "/digests.atom", target: "_blank", rel: "noopener" }, t.brief.feed))),
    !one.briefs.length && h("p", { class: "words" }, t.brief.empty),
    one.changes.length > 0 && h("section", { class: "changes" }, h("h3", {}, t.brief.changed, " ", one.before_at && when(one.before_at)),
      h("ul", {}, one.changes.map((change) => h("li", {}, h("b", {}, t.brief.changes[change.kind] ?? change.kind), " ", h("span", langOf(), change.text))))),
    one.briefs.map((brief) => briefNode(brief, citations, [ms(one.since), ms(one.until)])),
    one.left_out.length > 0 && fold(t.leftOut(one.left_out.length), h("ul", { class: "left" }, one.left_out.map((item) =>
      h("li", {}, h("q", langOf(), item.text), h("span", {}, item.reason))))),
    one.gaps.length > 0 && fold(t.gaps(one.gaps.length), h("ul", { class: "gaps" }, one.gaps.map(gapLine))));
}

const briefNode = (brief, citations, range) => h("section", { class: "one-story" },
  h("h3", { class: "headline", ...langOf(brief.langs[0]) }, h("a", { href: router.address([["story", brief.story]]) }, headline(brief.title))),
  h("div", { class: "row" }, brief.spark.length > 0 && within(brief.spark, ms(brief.spark_from), brief.spark_s * 1000, range), figures(brief.posts, brief.authors, brief.support.origins),
    brief.news && h("em", { class: "news" }, t.brief.news[brief.news] ?? brief.news)),
  KINDS.map(([kind, label]) => {
    const lines = brief.lines.filter((line) => line.kind === kind);
    return lines.length > 0 && h("div", { class: `lines ${kind}` }, h("h4", { class: label }, sign(label), t.brief.kinds[kind]),
      h("ul", {}, lines.map((line) => lineNode(line, citations))));
  }));

function lineNode(line, citations) {
  const chip = (n, against) => {
    const cited = citations.get(n);
    if (!cited) return null;
    const words = (against ? t.citeAgainst : t.cite)(n, cited.author || cited.source || t.unknownAuthor);
    return h("button", { type: "button", class: against ? "cite against" : "cite", "data-n": n, "aria-label": words, title: words,
      onclick: (event) => panel.openEvidence(cited, event.currentTarget) }, String(n));
  };
  return h("li", {}, h("p", { class: "words", dir: "auto" }, line.text, " ", h("span", { class: "cites" },
    line.citations.map((n) => chip(n, false)), line.against.map((n) => chip(n, true)))),
  h("p", { class: "by" }, line.by && h("bdi", {}, line.by), line.said_at && when(line.said_at),
    h("span", {}, t.sides(line.origins_for, line.origins_for, line.origins_against, line.origins_against))));
}

const earlier = () => h("section", { class: "setting" }, h("h2", {}, t.brief.earlier), h("ul", { class: "past" }, list.map((one) =>
  h("li", {}, h("a", { href: router.address([["digest", one.id]]), "aria-current": one.id === shown?.id ? "true" : null },
    h("span", { class: "text", ...langOf(one.lang) }, one.about || one.stories[0] || t.brief.empty),
    h("small", {}, between(one), " · ", t.brief.stories(one.stories.length)))))));

