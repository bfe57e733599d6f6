// An answer as it is read: sentences with their support beside them, both sides weighed, and what
// was left out.

import { badge, button, fact, fold, h, langOf, number, placeOf, sign, span, stamp, when } from "./dom.js";
import { skyline, voices, weighed } from "./shadows.js";
import { t } from "./strings.js";

/** Who said it, set apart from the words around it whatever its direction. */
export const who = (evidence) =>
  h("bdi", {}, named(evidence));

const named = (evidence) => evidence.author || evidence.title || placeOf(evidence.source) || t.unknownAuthor;

/** The citations of an answer by number. */
export const byNumber = (citations) => new Map(citations.map((citation) => [citation.n, citation]));

/** A button with a citation's number; `open` shows its evidence. */
function chip(citation, disagrees, open) {
  const label = (disagrees ? t.citeAgainst : t.cite)(citation.n, named(citation));
  return h("button", {
    type: "button",
    class: disagrees ? "cite against" : "cite",
    "data-n": citation.n,
    "aria-label": label,
    title: label,
    onclick: (event) => open(citation, event.currentTarget),
  }, String(citation.n));
}

/** Whether a sentence is one held quote; a quote carries its stance, not a verdict on itself. */
function quoted(sentence, citations) {
  const only = sentence.citations.length === 1 && citations.get(sentence.citations[0]);
  const claim = sentence.verdicts[0]?.claim.text;
  const same = only && (only.deleted || only.quote === sentence.text);
  return same && claim !== sentence.text ? only : null;
}

/** Below this a verdict is more likely wrong than right: its word may not stand there as if it were sure. */
const UNSURE = .5;
const unsure = (verdict) => ["supported", "refuted"].includes(verdict?.label) && verdict.confidence < UNSURE;

/** The badge of a verdict, which says where it is unsure. */
export const verdictBadge = (verdict, label = verdict.label) =>
  label === verdict.label && unsure(verdict)
    ? h("span", { class: "badge unsure", title: t.unsureHelp(`${Math.round(100 * verdict.confidence)}%`) }, sign(label), t.unsure(t.labels[label]))
    : badge(label);

/** A stranger's words with their addresses set small: they are part of the quote and seldom of the thought. */
export const quietly = (text) => text.split(/(https?:\/\/\S+)/).map((part, n) => (n % 2 ? h("span", { class: "url" }, part) : part));

/** When the sources of a sentence spoke: once, or from when to when. */
function spoke(cited) {
  const days = [...new Set(cited.map((c) => c.said_at).filter(Boolean).sort().map((at) => stamp(at, { dateStyle: "medium" })))];
  return days.length > 0 && h("span", { class: "byline" }, days.length > 1 ? `${days[0]} – ${days.at(-1)}` : days[0]);
}

const verdictOf = (sentence) => sentence.verdicts.find((v) => v.label === sentence.label) ?? sentence.verdicts[0];

/** What stands under a sentence: its verdict in sign and word, how many origins say so, drawn. */
function support(sentence, citations, known) {
  const quote = quoted(sentence, citations);
  if (quote) {
    const label = { supports: "supported", refutes: "refuted" }[quote.stance] ?? "note";
    const claim = sentence.verdicts[0]?.claim.text;
    // For or against what was asked; of anything else it is said what it speaks of.
    const other = claim && !known.has(claim);
    const word = { supports: t.forIt, refutes: other ? t.contradicts : t.againstIt }[quote.stance] ?? t.labels.note;
    return [badge(other && label === "refuted" ? "note" : label, word), other && h("q", langOf(), quietly(claim)),
      h("span", { class: "byline" }, who(quote), " · ", when(quote.said_at)),
      quote.posts > 1 && h("span", { class: "drawn" }, skyline([{ posts: quote.posts, side: quote.stance }]), t.standsFor(quote.posts))];
  }
  if (!sentence.label) return null;
  const verdict = verdictOf(sentence);
  if (!verdict) return [badge(sentence.label)];
  const { origins_for: f, posts_for: fp, origins_against: a, posts_against: ap } = verdict;
  return [verdictBadge(verdict, sentence.label), h("span", { class: "drawn" }, f + a > 0 && skyline(voices(verdict)), t.sides(f, fp, a, ap)),
    spoke(sentence.citations.map((n) => citations.get(n)).filter(Boolean))];
}

/** The claim that a sentence of our own ("Yes, …") has decided, if it is one. */
const decided = (sentence) =>
  sentence.kind === "note" && sentence.label ? (sentence.verdicts[0]?.claim.text ?? "") : null;

/** A source in the margin of its sentence: whose words, when, and the words where the sentence is
 * not those words itself. */
function note(citation, disagrees, same, open) {
  return h("li", {}, h("button", {
    type: "button",
    class: disagrees ? "margin against" : "margin",
    tabindex: "-1",
    "data-n": citation.n,
    onclick: (event) => open(citation, event.currentTarget),
  },
    h("span", { class: "by" }, h("b", {}, who(citation)), when(citation.said_at)),
    citation.deleted ? h("em", {}, t.deleted) : !same && h("q", langOf(citation.lang), quietly(citation.quote)),
    same && citation.title && citation.title !== named(citation) && h("span", { class: "of", ...langOf(citation.lang) }, citation.title),
    (placeOf(citation.source) !== named(citation) || disagrees) && h("span", { class: "by" },
      placeOf(citation.source) !== named(citation) && h("span", { title: citation.source }, placeOf(citation.source)), disagrees && h("strong", {}, t.disagrees))));
}

/** One sentence. `verdicts` are objects here, not indices; `known` are the claims
 * and the sources (numbers) that the reader has read before it, which need not be said again: this
 * sentence's are added. */
export function sentenceNode(sentence, citations, open, known) {
  const of = (numbers) => numbers.map((n) => citations.get(n)).filter(Boolean);
  const [forIt, against] = [of(sentence.citations), of(sentence.against)];
  const quote = quoted(sentence, citations);
  const under = support(sentence, citations, known);
  // What stands in the margin already is not set there again.
  const fresh = (c) => !known.has(c.n) && known.add(c.n);
  const notes = [...forIt.filter(fresh).map((c) => note(c, false, Boolean(quote) || c.quote === sentence.text, open)), ...against.filter(fresh).map((c) => note(c, true, false, open))];
  const lead = decided(sentence) !== null;
  known.add(lead ? decided(sentence) : sentence.text);
  const node = h("div", { class: `sentence ${lead ? "lead" : quote ? "quote" : sentence.kind}`, "data-label": sentence.label ?? "note" },
    h("div", { class: "body" },
      h("p", { class: "words", dir: "auto" }, quietly(sentence.text), " ",
        h("span", { class: "cites" }, forIt.map((c) => chip(c, false, open)), against.map((c) => chip(c, true, open)))),
      under && h("p", { class: "support" }, under)),
    notes.length > 0 && h("ul", { class: "notes", "aria-label": t.sourcesOf }, notes));
  // A number and its note in the margin light up together.
  const light = (event) => {
    const n = event.target.closest?.("[data-n]")?.dataset.n;
    for (const one of node.querySelectorAll("[data-n]")) one.classList.toggle("lit", one.dataset.n === n);
  };
  for (const kind of ["pointerover", "pointerleave", "focusin", "focusout"]) node.addEventListener(kind, light);
  // Where there is no margin, a tap on the words opens what stands behind them.
  node.addEventListener("click", (event) => {
    if (!event.target.closest("button, a") && !getSelection().toString()) node.classList.toggle("open");
  });
  return node;
}

/** Evidence as a card that opens where it stands. */
function card(evidence, posts, open) {
  return h("button", { type: "button", class: "card", onclick: (event) => open({ ...evidence, posts }, event.currentTarget) },
    evidence.deleted ? h("em", {}, t.deleted) : h("q", langOf(evidence.lang), quietly(evidence.quote)),
    h("span", { class: "by" }, h("b", {}, who(evidence)), when(evidence.said_at)),
    h("span", { class: "by drawn" }, skyline([{ posts, side: evidence.stance }]), posts > 1 ? t.standsFor(posts) : t.alone));
}

/** How many cards a side shows before it is asked for more. */
const FEW = 4;

/** The first few of `cards`, and the others behind a button. */
function few(cards) {
  if (cards.length <= FEW + 1) return cards;
  const rest = h("div", { class: "side", hidden: true }, cards.slice(FEW));
  const more = button(t.showMore(cards.length - FEW), () => {
    rest.hidden = false;
    more.remove();
    rest.querySelector("button").focus();
  });
  return [...cards.slice(0, FEW), more, rest];
}

/** For and against, side by side. A verdict here is one of an answer or a claim of a checked text;
 * `level` is the headings' (h4 in an answer). */
export function sides(verdict, open, about = verdict.claim.text, level = "h4") {
  const column = (stance, title, label) => {
    const found = verdict.evidence.filter((evidence) => evidence.stance === stance);
    const cards = few(found.map((e) => card(e, e.posts ?? verdict.posts_by_origin?.[e.origin] ?? 1, open)));
    return h("div", { class: `side ${stance}` }, h(level, { class: "stand" }, sign(label), title, found.length > 1 && h("small", {}, number(found.length))),
      cards.length ? cards : h("p", { class: "muted" }, t.nobody));
  };
  const origins = voices(verdict);
  return h("section", { class: "sides" },
    about && h("p", { class: "about", dir: "auto" }, about),
    origins.length > 0 && weighed(origins),
    h("div", { class: "columns" }, column("supports", t.forIt, "supported"), column("refutes", t.againstIt, "refuted")));
}

export function gapLine(gap) {
  const words = gap.start
    ? t.gap(gap.source, stamp(gap.start), stamp(gap.end))
    : t.gapOpen(gap.source, stamp(gap.end));
  return h("li", {}, h("b", {}, words), " ", gap.reason);
}

/** How sure the weakest part is. Where sources disagree it says how even they stand, not how sure. */
function confidence(answer, label) {
  if (answer.abstained || label === "disputed" || label === "not_enough_evidence") return null;
  return fact(t.confidence, `${Math.round(answer.confidence * 100)}%`);
}

function facts(answer, label) {
  const lag = answer.newest && (new Date(answer.as_of) - new Date(answer.newest)) / 1000;
  return h("dl", { class: "facts" },
    fact(t.asOf, when(answer.as_of)),
    fact(t.newest, answer.newest ? [when(answer.newest), lag > 0 && h("small", {}, t.lag(span(lag)))] : "–"),
    fact(answer.abstained ? t.read : t.restsOn, t.equals(answer.posts, answer.origins)),
    confidence(answer, label),
    !answer.abstained && fact(t.madeBy, !answer.model || answer.model === "quotes" ? t.quotes : answer.model),
    answer.energy?.joules >= 0 && fact(t.energy, h("span", { title: [answer.energy.device, answer.energy.why].filter(Boolean).join("; ") }, `${Number(answer.energy.joules.toPrecision(3))} J`)));
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
    answer.posts > 0 && h("p", { class: "muted" }, t.abstainedLong),
    forms.length > 0 && h("div", {}, h("p", { class: "muted" }, t.searchedFor),
      h("ul", { class: "forms" }, forms.map((form) => h("li", langOf(), form)))));
}

/** The sentences of an answer with their verdicts in place of the verdicts' numbers. */
export const bound = (answer) =>
  answer.sentences.map((s) => ({ ...s, verdicts: s.verdicts.map((n) => answer.verdicts[n]) }));

/** The one label of a finished answer, "" where it has none. */
export const labelOf = (answer) =>
  (answer.abstained ? "not_enough_evidence" : overall({ sentences: bound(answer) }, byNumber(answer.citations))) ?? "";

/** A finished answer in a few words, for a reader who hears it. */
export const gist = (answer) =>
  answer.abstained ? t.summary.abstained : t.summary[labelOf(answer)] ?? answer.sentences[0]?.text;

/** Whether the answer begins with a verdict of our own, or is one sentence: then it needs no other. */
const led = (sentences) => (sentences.length > 0 && decided(sentences[0]) !== null) || sentences.length < 2;

/** The verdict on the whole in a word and a sentence; `weak` is the first of it that is unsure. */
const summary = (label, weak) =>
  h("p", { class: "verdictline" }, weak ? verdictBadge(weak) : badge(label), h("span", {}, weak ? t.summaryUnsure : t.summary[label]));

const stands = (verdict) => verdict.evidence.some((e) => e.stance === "supports" || e.stance === "refutes");

/** The whole of a finished answer below its question. `actions` are its buttons, `forms` the words
 * that were searched for, where they are known. */
export function answerNode(answer, open, actions, forms = []) {
  const citations = byNumber(answer.citations);
  const sentences = bound(answer);
  const label = labelOf(answer);
  const known = new Set();
  const weak = sentences.map(verdictOf).find((verdict) => verdict?.label === label && unsure(verdict));
  const disputed = answer.verdicts.filter((v) => v.origins_for && v.origins_against);
  const place = h("div", {});
  const agreed = answer.verdicts.filter((v) => !disputed.includes(v) && stands(v));
  return h("div", { class: "answer" },
    answer.abstained
      ? abstention(answer, forms)
      : [!led(sentences) && label && summary(label, weak),
        h("div", { class: "sentences", ...langOf(answer.lang) },
          sentences.map((sentence) => sentenceNode(sentence, citations, open, known)))],
    answer.unindexed > 0 && h("p", { class: "lost" }, t.unindexed(number(answer.unindexed))),
    answer.lost?.length ? h("p", { class: "lost" }, t.lost(answer.lost.length)) : null,
    disputed.length > 0 && h("section", { class: "disagree" }, h("h3", {}, t.disagree),
      disputed.map((verdict) => sides(verdict, open))),
    agreed.length > 0 && fold(t.evidenceFor(agreed.length), h("div", { class: "agreed" }, agreed.map((verdict) => sides(verdict, open)))),
    answer.left_out.length > 0 && fold(t.leftOut(answer.left_out.length),
      h("ul", { class: "left" }, answer.left_out.map((item) =>
        h("li", {}, h("q", langOf(), item.text), h("span", {}, item.reason))))),
    answer.gaps.length > 0 && fold(t.gaps(answer.gaps.length),
      h("ul", { class: "gaps" }, answer.gaps.map(gapLine))),
    facts(answer, label),
    h("div", { class: "actions" }, actions, answer.id && receiptButton(answer.id, place)), place);
}

const receiptButton = (id, place) =>
  button(t.receipt, async () => (await import("./provenance.js")).receipt(place, id), { class: "quiet line receipt-of" });

/** An action that says for a moment that it is done. */
export function copying(words, text, told) {
  const node = button(words, async () => {
    await navigator.clipboard.writeText(text);
    node.textContent = t.copied;
    told(t.copied);
    setTimeout(() => (node.textContent = words), 2500);
  });
  return node;
}
