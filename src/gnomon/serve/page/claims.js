// The claims of a checked text, each with its verdict: in the text itself, and as a list.

import { badge, fact, h, langOf, number, sign, when } from "./dom.js";
import * as panel from "./panel.js";
import { skyline, voices } from "./shadows.js";
import { sides, verdictBadge } from "./answer.js";
import { t } from "./strings.js";

/** Open what was found of a claim: the verdict, why, and both sides. */
export function openClaim(claim, from) {
  panel.open(() => [
    panel.heading(t.claim(claim.n)),
    h("p", { class: "stance" }, claim.label ? verdictBadge(claim) : badge("note", t.notChecked)),
    h("blockquote", { class: "claimed", ...langOf(claim.lang) }, claim.quote),
    claim.claim && claim.claim.trim() !== claim.quote.trim() && h("p", { class: "muted", dir: "auto" }, t.readAs, " ", h("q", langOf(claim.lang), claim.claim)),
    claim.context && h("p", { class: "muted", dir: "auto" }, t.inContext, " ", h("q", langOf(claim.lang), claim.context)),
    claim.label
      ? [h("p", { class: "reason" }, claim.reason),
        claim.evidence.length > 0 && sides(claim, panel.openEvidence, "", "h3"),
        claim.first_seen && h("dl", { class: "facts" }, fact(t.firstSeen, when(claim.first_seen)))]
      : h("p", { class: "reason" }, t.whyNot[claim.not_checked] ?? claim.not_checked),
  ].flat().filter(Boolean), from);
}

/** What a claim says of itself in one line. */
const line = (claim) =>
  claim.label
    ? h("span", { class: "drawn" }, claim.evidence.length > 0 && skyline(voices(claim)), t.sides(claim.origins_for, claim.posts_for, claim.origins_against, claim.posts_against) || t.nothingFound)
    : h("span", {}, t.whyNot[claim.not_checked] ?? claim.not_checked);

/** Claims as a list. A claim that was not checked is in it, with the reason. */
export const claimList = (claims) =>
  h("ol", { class: "claims" }, claims.map((claim) => h("li", {}, h("button", {
    type: "button", class: "card", onclick: (event) => openClaim(claim, event.currentTarget),
  },
    h("span", { class: "text", ...langOf(claim.lang) }, claim.quote),
    h("span", { class: "by" }, claim.label ? verdictBadge(claim) : badge("note", t.notChecked), line(claim))))));

const ORDER = ["refuted", "disputed", "not_enough_evidence", "supported"];

/** How many of each verdict. */
export const tally = (counts) =>
  h("ul", { class: "tally" }, ORDER.filter((label) => counts[label]).map((label) =>
    h("li", {}, badge(label, `${counts[label]} ${t.labels[label]}`))),
  counts.not_checked > 0 && h("li", {}, badge("note", `${counts.not_checked} ${t.notChecked}`)));

/** That not everything could be searched when a text was checked. */
export const unindexed = (check) => check.unindexed > 0 && h("p", { class: "lost" }, t.unindexed(number(check.unindexed)));

/** A kept check, whose text is not kept with it. */
export const claimsNode = (kept) =>
  h("div", { class: "checked" }, tally(kept.counts), unindexed(kept), claimList(kept.claims),
    h("dl", { class: "facts" }, fact(t.asOf, when(kept.as_of)), fact(t.newest, kept.newest ? when(kept.newest) : "–")));

/** `text` with each of `claims` marked where it stands. Offsets are code points; a claim that
 * overlaps one before it is in the list alone. */
export function proof(text, claims) {
  const points = Array.from(text);
  const nodes = [];
  let at = 0;
  for (const claim of [...claims].sort((a, b) => a.start - b.start)) {
    if (claim.start < at || claim.end <= claim.start) continue;
    nodes.push(points.slice(at, claim.start).join(""), spot(claim, points.slice(claim.start, claim.end).join("")));
    at = claim.end;
  }
  nodes.push(points.slice(at).join(""));
  return h("div", { class: "proof", dir: "auto" }, nodes);
}

/** `words` with `mark` after them, on the line of the last word. */
function ending(words, mark) {
  const at = words.trimEnd().lastIndexOf(" ") + 1;
  const last = words.length - at > 30 ? words.length : at; // a language without spaces
  return [words.slice(0, last), h("span", { class: "last" }, words.slice(last), mark)];
}

/** A claim in its place. A button would not wrap with the text around it. */
function spot(claim, words) {
  const label = claim.label ?? "unchecked";
  const open = (event) => openClaim(claim, event.currentTarget);
  return h("span", {
    class: `spot ${label}`, role: "button", tabindex: "0", "data-claim": claim.n,
    title: claim.label ? t.labels[claim.label] : t.whyNot[claim.not_checked] ?? t.notChecked,
    onclick: open,
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      open(event);
    },
  }, claim.label ? ending(words, sign(claim.label)) : words, h("span", { class: "hidden" }, ` (${claim.label ? t.labels[claim.label] : t.notChecked})`));
}
