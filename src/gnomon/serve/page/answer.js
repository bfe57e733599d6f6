// An answer as it is read: sentences with their verdicts, both sides, and what was left out.

import { h, langOf, sign, span, stamp, when } from "./dom.js";
import { t } from "./strings.js";

const who = (evidence) => evidence.author || evidence.title || evidence.source || t.unknownAuthor;

/** A button with a citation's number; `open` shows its evidence. */
function chip(citation, disagrees, open) {
  const label = (disagrees ? t.citeAgainst : t.cite)(citation.n, who(citation));
  return h(
    "button",
    {
      type: "button",
      class: disagrees ? "cite against" : "cite",
      "data-n": citation.n,
      "aria-label": label,
      title: label,
      onclick: (event) => open(citation, event.currentTarget),
    },
    String(citation.n),
  );
}

/** Whether a sentence is one held quote; a quote carries its stance, not a verdict on itself. */
function quoted(sentence, citations) {
  const only = sentence.citations.length === 1 && citations.get(sentence.citations[0]);
  const claim = sentence.verdicts[0]?.claim.text;
  const same = only && (only.deleted || only.quote === sentence.text);
  return same && claim !== sentence.text ? only : null;
}

function badge(label, word) {
  return h("span", { class: `badge ${label}` }, sign(label), word ?? t.labels[label]);
}

/** What stands under a sentence: its verdict in sign and word, and how many origins say so. */
function support(sentence, citations, known) {
  const quote = quoted(sentence, citations);
  if (quote) {
    const label = { supports: "supported", refutes: "refuted" }[quote.stance] ?? "note";
    const word = { supports: t.forIt, refutes: t.againstIt }[quote.stance] ?? t.labels.note;
    const claim = sentence.verdicts[0]?.claim.text;
    return [badge(label, word), claim && !known.has(claim) && h("q", {}, claim),
      h("span", {}, who(quote)), when(quote.said_at), quote.posts > 1 && h("span", {}, t.standsFor(quote.posts))];
  }
  if (!sentence.label) return null;
  const verdict = sentence.verdicts.find((v) => v.label === sentence.label) ?? sentence.verdicts[0];
  const { origins_for: f, posts_for: fp, origins_against: a, posts_against: ap } = verdict ?? {};
  return [badge(sentence.label), verdict && h("span", {}, t.sides(f, fp, a, ap))];
}

/** The claim that a sentence of our own ("Yes, …") has decided, if it is one. */
const decided = (sentence) =>
  sentence.kind === "note" && sentence.label ? (sentence.verdicts[0]?.claim.text ?? "") : null;

/** One sentence. `verdicts` are objects here, not indices; `known` are the claims that the reader
 * has read before it, which need not be said again: this sentence's is added. */
export function sentenceNode(sentence, citations, open, known) {
  const cites = (numbers, against) =>
    numbers.map((n) => citations.has(n) && chip(citations.get(n), against, open));
  const under = support(sentence, citations, known);
  const lead = decided(sentence) !== null;
  known.add(lead ? decided(sentence) : sentence.text);
  const tone = quoted(sentence, citations) ? "quote" : sentence.kind;
  return h(
    "div",
    { class: `sentence ${lead ? "lead" : tone}`, "data-label": sentence.label ?? "note" },
    h("p", { class: "words" }, sentence.text, " ",
      h("span", { class: "cites" }, cites(sentence.citations, false), cites(sentence.against, true))),
    under && h("p", { class: "support" }, under),
  );
}

/** Evidence as a card that opens where it stands. */
function card(evidence, posts, open) {
  return h(
    "button",
    { type: "button", class: "card", onclick: (event) => open({ ...evidence, posts }, event.currentTarget) },
    evidence.deleted ? h("em", {}, t.deleted) : h("q", langOf(evidence.lang), evidence.quote),
    h("span", { class: "by" }, h("b", {}, who(evidence)), when(evidence.said_at),
      h("span", {}, posts > 1 ? t.standsFor(posts) : t.alone)),
  );
}

/** For and against, side by side, for each claim on which the evidence stands on both sides. */
function sides(verdict, open) {
  const column = (stance, title, label) => {
    const found = verdict.evidence.filter((evidence) => evidence.stance === stance);
    const cards = found.map((e) => card(e, verdict.posts_by_origin?.[e.origin] ?? 1, open));
    return h("div", { class: "side" }, h("h4", {}, sign(label), title),
      cards.length ? cards : h("p", { class: "muted" }, t.nobody));
  };
  return h("section", { class: "sides" },
    h("p", { class: "about" }, verdict.claim.text),
    h("div", { class: "columns" }, column("supports", t.forIt, "supported"),
      column("refutes", t.againstIt, "refuted")));
}

function fold(title, ...inside) {
  return h("details", { class: "fold" }, h("summary", {}, title), inside);
}

function facts(answer) {
  const lag = answer.newest && (new Date(answer.as_of) - new Date(answer.newest)) / 1000;
  const row = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  return h("dl", { class: "facts" },
    row(t.asOf, when(answer.as_of)),
    row(t.newest, answer.newest ? [when(answer.newest), lag > 0 && h("small", {}, t.lag(span(lag)))] : "–"),
    row(answer.abstained ? t.read : t.restsOn, `${t.posts(answer.posts)} · ${t.origins(answer.origins)}`),
    answer.abstained ? null : row(t.confidence, `${Math.round(answer.confidence * 100)}%`),
    row(t.madeBy, !answer.model || answer.model === "quotes" ? t.quotes : answer.model));
}

function gapLine(gap) {
  const words = gap.start
    ? t.gap(gap.source, stamp(gap.start), stamp(gap.end))
    : t.gapOpen(gap.source, stamp(gap.end));
  return h("li", {}, h("b", {}, words), " ", gap.reason);
}

const weakest = ["refuted", "not_enough_evidence", "disputed", "supported"];

/** The label of the whole: the weakest of the sentences that carry a verdict on themselves. */
function overall({ sentences }, citations) {
  const labels = new Set(sentences.filter((s) => !quoted(s, citations)).map((s) => s.label));
  return weakest.find((label) => labels.has(label));
}

function abstention(answer, forms) {
  return h("div", { class: "abstained" },
    h("p", { class: "verdictline" }, badge("not_enough_evidence", t.summary.abstained)),
    h("p", { class: "words" }, answer.reason || answer.text),
    h("p", { class: "muted" }, t.abstainedLong),
    h("p", { class: "looked" }, h("b", {}, t.posts(answer.posts)), h("b", {}, t.origins(answer.origins))),
    forms.length > 0 && h("div", {}, h("p", { class: "muted" }, t.searchedFor),
      h("ul", { class: "forms" }, forms.map((form) => h("li", {}, form)))));
}

/** The sentences of an answer with their verdicts in place of the verdicts' numbers. */
const bound = (answer) =>
  answer.sentences.map((s) => ({ ...s, verdicts: s.verdicts.map((n) => answer.verdicts[n]) }));

/** A finished answer in a few words, for a reader who hears it. */
export const gist = (answer) =>
  answer.abstained ? t.summary.abstained
    : t.summary[overall({ sentences: bound(answer) }, byNumber(answer.citations))] ?? answer.sentences[0]?.text;

/** The citations of an answer by number. */
export const byNumber = (citations) => new Map(citations.map((citation) => [citation.n, citation]));

/** The whole of a finished answer below its question. `actions` are its buttons, `forms` the words
 * that were searched for, where they are known. */
export function answerNode(answer, open, actions, forms = []) {
  const citations = byNumber(answer.citations);
  const verdicts = answer.verdicts;
  const sentences = bound(answer);
  const label = overall({ sentences }, citations);
  // A leading verdict of our own, or a single sentence, says it already.
  const known = new Set();
  const led = sentences.length ? decided(sentences[0]) : null;
  const several = led === null && label && answer.sentences.length > 1;
  const disputed = verdicts.filter((v) => v.origins_for && v.origins_against);
  return h("div", { class: "answer" },
    answer.abstained
      ? abstention(answer, forms)
      : [several && h("p", { class: "verdictline" }, badge(label), h("span", {}, t.summary[label])),
        h("div", { class: "sentences", ...langOf(answer.lang) },
          sentences.map((sentence) => sentenceNode(sentence, citations, open, known)))],
    answer.lost?.length ? h("p", { class: "lost" }, t.lost(answer.lost.length)) : null,
    disputed.length ? h("section", { class: "disagree" }, h("h3", {}, t.disagree),
      disputed.map((verdict) => sides(verdict, open))) : null,
    answer.left_out.length ? fold(t.leftOut(answer.left_out.length),
      h("ul", { class: "left" }, answer.left_out.map((item) =>
        h("li", {}, h("q", {}, item.text), h("span", {}, item.reason))))) : null,
    answer.gaps.length ? fold(t.gaps(answer.gaps.length),
      h("ul", { class: "gaps" }, answer.gaps.map(gapLine))) : null,
    facts(answer),
    h("div", { class: "actions" }, actions));
}

export { fold, gapLine, who };
