// Skills over any chat model: a story gone on with, a motion debated, a text translated, a document
// read. Each is a form and what came of it.

import { copying } from "./answer.js";
import { stream } from "./api.js";
import { badge, button, failure, fold, h, langOf, marked, memory, say, sign, title } from "./dom.js";
import * as panel from "./panel.js";
import * as router from "./router.js";
import * as words from "./skills.words.js";
import { lang, t } from "./strings.js";

export const name = "skills";

const main = document.getElementById("view");
const TABS = ["story", "debate", "translate", "read"];
const MOST_BYTES = 700_000; // in base64 still less than a body may be
const LANGUAGES = "en zh ar cs de el es fa fi fr he hi hu id it ja ko nl pl pt ro ru sv th tr uk vi".split(" ");

let w = words[lang];
let tab = "story";
let working = null; // {steps: […], controller}
let trouble = null;
const wish = { premise: "", next: "", words: "250", lang: null, toml: memory.get("plot") ?? "", motion: "", text: "", from: "", to: null, glossary: "", question: "", document: "" };
let file = null;
const made = { story: null, debate: null, translate: null, read: null };
const parts = []; // what was told here, as it came

if (!document.querySelector('link[href="/page/skills.css"]')) {
  document.head.append(h("link", { rel: "stylesheet", href: "/page/skills.css" }));
}

export function enter(params) {
  const wanted = params.get("skills");
  tab = TABS.includes(wanted) ? wanted : "story";
  trouble = null;
  draw();
}

export const leave = () => working?.controller.abort();
export const again = () => draw();

function draw() {
  w = words[lang];
  const focus = document.activeElement?.id;
  main.replaceChildren(h("div", { class: "board skills" },
    h("nav", { class: "places", "aria-label": w.title }, TABS.map((one) =>
      h("a", { href: router.address([["skills", one]]), "aria-current": one === tab ? "page" : null }, w.tabs[one]))),
    title(w.tabs[tab]), h("p", { class: "muted lead-in" }, w[tab].lede),
    h("div", { class: "skill" }, FORMS[tab](), h("div", { id: "skill-came" }))));
  show();
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

/** What comes, below the form, which is left as it is: somebody may be writing in it. */
function show() {
  document.getElementById("skill-came").replaceChildren(...[
    working && progress(), trouble && failure(trouble), made[tab] && SHOWN[tab](made[tab])].filter(Boolean));
}

const progress = () => h("ol", { class: "steps", "aria-label": w.steps }, working.steps.length
  ? working.steps.map((step, i) => h("li", { class: i === working.steps.length - 1 ? "now" : "past" }, h("b", {}, step.name), h("span", langOf(), step.detail)))
  : h("li", { class: "now" }, h("b", {}, w.working)));

// ---------------------------------------------------------------- fields

const field = (id, label, node, kind = "field") => h("div", { class: kind }, h("label", { for: id }, label), node);

function area(id, key, label, attributes = {}) {
  const node = h("textarea", { id, dir: "auto", oninput: (event) => (wish[key] = event.target.value), ...attributes });
  node.value = wish[key];
  return field(id, label, node);
}

function line(id, key, label, attributes = {}) {
  const node = h("input", { id, type: "text", dir: "auto", oninput: (event) => (wish[key] = event.target.value), ...attributes });
  node.value = wish[key];
  return field(id, label, node);
}

function choice(id, key, label, options, usual) {
  const node = h("select", { id, onchange: (event) => (wish[key] = event.target.value) }, options.map(([value, said]) => h("option", { value }, said)));
  node.value = wish[key] ?? usual;
  return field(id, label, node);
}

const go = () => working
  ? button(t.stop, () => working.controller.abort(), { id: "skill-go", class: "go stop" })
  : h("button", { type: "submit", id: "skill-go", class: "go" }, w[tab].go);

const form = (ready, ...inside) => h("form", { onsubmit: (event) => {
  event.preventDefault();
  if (working) return;
  const missing = ready();
  if (missing) document.getElementById(missing)?.focus();
  else run();
} }, inside);

const languageName = (code) => new Intl.DisplayNames([lang === "zh" ? "zh-Hans" : "en"], { type: "language" }).of(code);

const FORMS = {
  story: () => form(() => (wish.toml.trim() || wish.premise.trim() ? null : "premise"),
    !wish.toml && area("premise", "premise", w.story.premise),
    line("next", "next", w.story.wish),
    h("div", { class: "row" },
      line("words", "words", w.story.words, { type: "number", min: "20", max: "2000" }),
      !wish.toml && choice("story-lang", "lang", w.story.lang, [["", w.translate.found], ["en", "English"], ["zh", "中文"]], ""),
      go()),
    wish.toml && fold(w.story.state, area("toml", "toml", w.story.state, { class: "code", spellcheck: "false", oninput: (event) => keep(event.target.value) })),
    h("div", { class: "actions" },
      wish.toml && button(w.story.save, save, { id: "plot-save" }),
      button(w.story.open, () => document.getElementById("plot-file").click(), { id: "plot-open" }),
      h("input", { id: "plot-file", type: "file", accept: ".toml,text/plain", hidden: true, onchange: async (event) => {
        keep(await event.target.files[0].text());
        draw();
      } }),
      wish.toml && button(w.story.fresh, () => {
        if (!confirm(w.story.sure)) return;
        keep("");
        parts.length = 0;
        made.story = null;
        draw();
      }, { id: "plot-new" }))),
  debate: () => form(() => (wish.motion.trim() ? null : "motion"),
    line("motion", "motion", w.debate.motion, { maxlength: "1000", placeholder: w.debate.hint }), h("div", { class: "row" }, go())),
  translate: () => form(() => (wish.text.trim() ? null : "source"),
    area("source", "text", w.translate.text, { maxlength: "200000" }),
    h("div", { class: "row" },
      choice("from", "from", w.translate.from, [["", w.translate.found], ...LANGUAGES.map((code) => [code, languageName(code)])], ""),
      choice("to", "to", w.translate.to, LANGUAGES.map((code) => [code, languageName(code)]), lang),
      go()),
    fold(w.translate.glossary, area("glossary", "glossary", w.translate.glossary))),
  read: () => form(() => (!wish.question.trim() ? "asked" : !file && !wish.document.trim() ? "document" : null),
    line("asked", "question", w.read.question),
    field("document-file", w.read.file, h("input", { id: "document-file", type: "file", onchange: (event) => (file = event.target.files[0] ?? null) })),
    area("document", "document", w.read.or, { maxlength: "200000" }),
    h("div", { class: "row" }, go())),
};

// ---------------------------------------------------------------- asking

function keep(toml) {
  wish.toml = toml;
  memory.set("plot", toml || null);
}

function save() {
  const link = h("a", { href: URL.createObjectURL(new Blob([wish.toml], { type: "text/plain" })), download: "plot.toml" });
  link.click();
  URL.revokeObjectURL(link.href);
}

const terms = () => Object.fromEntries(wish.glossary.split("\n").map((row) => row.split("=").map((one) => one.trim())).filter((row) => row.length === 2 && row[0] && row[1]));

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let packed = "";
  for (let at = 0; at < bytes.length; at += 32768) packed += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(packed);
}

const BODIES = {
  story: () => ({ plot: wish.toml || { premise: wish.premise.trim(), ...(wish.lang ? { lang: wish.lang } : {}) }, wish: wish.next.trim(), words: Number(wish.words) || 250 }),
  debate: () => ({ motion: wish.motion.trim() }),
  translate: () => ({ text: wish.text, to: wish.to ?? lang, ...(wish.from ? { from: wish.from } : {}), glossary: terms() }),
  async read() {
    if (!file) return { question: wish.question.trim(), text: wish.document };
    if (file.size > MOST_BYTES) throw new Error(w.read.large);
    return { question: wish.question.trim(), file_data: await base64(file), filename: file.name };
  },
};

async function run() {
  const mine = { steps: [], controller: new AbortController() };
  const skill = tab;
  working = mine;
  trouble = null;
  const before = made[skill];
  made[skill] = null;
  let piece = "";
  draw();
  say(w.working);
  try {
    const body = { ...(await BODIES[skill]()), stream: true };
    for await (const { event, data } of stream(`/v1/skills/${skill}`, body, mine.controller.signal)) {
      if (event === "step") {
        mine.steps.push(data);
        say(data.detail);
      } else if (event === "piece") {
        piece += data.text;
        made.story = { text: piece, going: true };
      } else if (event === "argued" || event === "stretch") {
        made[skill] ??= { going: true, rows: [] };
        made[skill].rows?.push(data);
      } else made[skill] = data;
      if (working === mine && router.view()?.name === name && tab === skill) show();
    }
    if (skill === "story" && made.story?.plot) {
      keep(made.story.toml);
      parts.push(made.story.text);
      wish.next = "";
    }
  } catch (error) {
    made[skill] = before; // what was not told to its end is no part of anything
    if (error.name !== "AbortError") trouble = error;
    else say(t.stopped);
  }
  if (working === mine) working = null;
  if (router.view()?.name !== name) return;
  draw();
  if (made[skill] && !made[skill].going) main.querySelector(".skill .came")?.focus();
}

// ---------------------------------------------------------------- what came of it

const came = (words) => h("h2", { class: "came", tabindex: "-1" }, words);

function chips(numbers, citations, against) {
  return numbers.map((n) => {
    const cited = citations.get(n);
    if (!cited) return null;
    const said = (against ? t.citeAgainst : t.cite)(n, cited.author || cited.source || t.unknownAuthor);
    return h("button", { type: "button", class: against ? "cite against" : "cite", "data-n": n, "aria-label": said, title: said,
      onclick: (event) => panel.openEvidence(cited, event.currentTarget) }, String(n));
  });
}

const flat = (citations) => new Map(citations.map((one) => [one.n, { ...one, ...one.evidence }]));

function argued(sentence, citations) {
  const opinion = sentence.kind === "opinion";
  return h("li", {}, h("p", { class: "words", dir: "auto" }, sentence.text, " ",
    h("span", { class: "cites" }, chips(sentence.citations, citations, false), chips(sentence.against, citations, true))),
  h("p", { class: "by" }, opinion ? badge("note", w.debate.opinion) : sentence.label && badge(sentence.label)));
}

const SHOWN = {
  story(one) {
    const told = one.going ? [...parts, one.text] : parts;
    return h("article", { class: "told" }, came(w.story.told),
      told.map((text, i) => [h("h3", { class: "small" }, w.story.part((one.plot?.parts.length ?? told.length) - told.length + i + 1)), h("p", { class: "words", ...langOf(one.plot?.lang) }, text)]),
      one.plot && [
        h("p", { class: "by" }, h("span", {}, w.story.by(one.model))),
        one.adrift.length > 0 && h("p", { class: "muted", dir: "auto" }, w.story.adrift(one.adrift.join(", "))),
        one.changes.length > 0 && fold(w.story.changes(one.changes.filter((change) => !change.refused).length), h("ul", { class: "left" }, one.changes.map((change) =>
          h("li", {}, h("b", { dir: "auto" }, `${change.name}: ${change.detail}`), change.quote && h("q", langOf(), change.quote), change.refused && h("span", {}, `${w.story.refused}: ${change.refused}`))))),
        one.slips.length > 0 && fold(w.story.slips(one.slips.length), h("ul", { class: "left" }, one.slips.map((slip) =>
          h("li", {}, h("q", langOf(), slip.quote), h("span", {}, `${slip.kept ? w.story.kept : w.story.out}: ${slip.reason}`))))),
      ]);
  },
  debate(one) {
    const citations = one.going ? flat(one.rows.flatMap((row) => row.citations)) : flat(one.citations);
    const sides = one.going ? Object.keys(w.debate.sides).map((side) => ({ name: side, sentences: one.rows.filter((row) => row.side === side).map((row) => row.sentence) })) : one.sides;
    if (one.reason) return h("div", { class: "abstained" }, came(one.motion), h("p", { class: "words" }, one.reason));
    return h("section", {}, came(one.motion ?? wish.motion), h("div", { class: "sides" },
      sides.filter((side) => side.sentences.length || side.name !== "neither").map((side) => h("section", {}, h("h3", {}, w.debate.sides[side.name]),
        side.sentences.length ? h("ul", {}, side.sentences.map((sentence) => argued(sentence, citations))) : h("p", { class: "muted" }, w.debate.nothing)))),
    !one.going && one.left_out.length > 0 && fold(w.debate.out(one.left_out.length), h("ul", { class: "left" }, one.left_out.map((item) =>
      h("li", {}, h("q", langOf(), item.text), h("span", {}, item.reason))))));
  },
  translate(one) {
    const rows = one.going ? one.rows : one.segments;
    const losses = rows.flatMap((row) => row.losses);
    return h("section", {}, came(w.translate.result),
      h("div", { class: "words result", dir: "auto", ...(one.to ? langOf(one.to) : {}) }, one.going
        ? rows.map((row) => row.text).join("\n")
        : woven(one)),
      !one.going && [
        losses.length
          ? h("div", {}, h("p", { class: "disputed" }, sign("disputed"), w.translate.lost(losses.length)), h("ul", { class: "left" }, losses.map((loss) => h("li", {}, h("b", {}, w.translate.kinds[loss.kind] ?? loss.kind), h("q", langOf(), loss.what), h("span", {}, loss.reason)))))
          : h("p", { class: "intact" }, sign("supported"), w.translate.whole),
        h("div", { class: "actions" }, copying(w.translate.copy, one.text, say)),
      ]);
  },
  read(one) {
    const first = one.quotes[0];
    const where = (quote) => [quote.page && w.read.page(quote.page), !quote.page && quote.line && w.read.line(quote.line), !quote.page && !quote.line && quote.part > 1 && w.read.row(quote.part)].filter(Boolean).join(", ");
    return h("section", { class: one.says ? "" : "abstained" },
      came(one.says ? w.read[one.stance] ?? w.read.says : w.read.silent),
      one.says && !one.stance && h("p", { class: "said", dir: "auto" }, one.answer),
      !one.says && h("p", { class: "muted" }, one.reason),
      one.quotes.map((quote) => h("blockquote", { dir: "auto" },
        h("p", { class: "words" }, quote === first && one.says && !one.stance ? marked(quote.text, one.start, one.end) : quote.text),
        h("p", { class: "by" }, h("bdi", {}, one.name), where(quote) && h("span", {}, where(quote))))));
  },
};

/** The translation with what lost something marked. Offsets are code points of the source. */
function woven({ text, segments }) {
  const nodes = [];
  let at = 0;
  for (const segment of segments) {
    const from = text.indexOf(segment.text, at);
    if (from < 0) return [text];
    nodes.push(text.slice(at, from), segment.losses.length ? h("span", { class: "lossy", title: segment.losses.map((loss) => `${loss.what}: ${loss.reason}`).join("; ") }, segment.text) : segment.text);
    at = from + segment.text.length;
  }
  return [...nodes, text.slice(at)];
}
