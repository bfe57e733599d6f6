// An answer as one file that stands alone: no script, no fetch, every word of a stranger a text node.
// It is built as a document by the browser and written out by the browser's own serializer, so that
// nothing here escapes anything by hand.

import { badge, h, langOf, say, stamp, webUrl } from "./dom.js";
import { bound, byNumber, verdictBadge } from "./answer.js";
import { skyline, voices } from "./shadows.js";
import { lang, t } from "./strings.js";

const STYLE = `:root{color-scheme:light dark;--paper:#f5f3ee;--raised:#fffefb;--line:#d9d3c6;--ink:#20262f;--soft:#5a6270;--brass:#8d5510;--shadow:#7d8797;--ok:#176548;--no:#a3301f;--mixed:#7a4b00}
@media(prefers-color-scheme:dark){:root{--paper:#12161c;--raised:#1a2028;--line:#313a46;--ink:#ebe6db;--soft:#a2abb8;--brass:#e5ab63;--shadow:#5b6676;--ok:#7ed0a8;--no:#f29b8a;--mixed:#f0c36a}}
*{box-sizing:border-box}body{margin:0 auto;max-width:44rem;padding:2rem 1.2rem 4rem;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font:500 1.8rem/1.25 ui-serif,Georgia,serif;margin:2.2rem 0 1rem}h2{font-size:1rem;margin:2rem 0 .6rem}p,ul,ol,dl,dd,blockquote{margin:0;padding:0}ul,ol{list-style:none}
.copy{border:1px solid var(--line);border-radius:12px;padding:.8rem 1rem;color:var(--soft);font-size:.9rem}.sentence{margin:1.1rem 0}.sentence.quote{border-inline-start:3px solid var(--line);padding-inline-start:1rem}.words{font:1.2rem/1.6 ui-serif,Georgia,serif}
.support,.by{display:flex;flex-wrap:wrap;gap:.2rem .7rem;align-items:center;font-size:.86rem;color:var(--soft)}.badge{font-weight:600;display:inline-flex;gap:.3rem;align-items:center}.badge.supported{color:var(--ok)}.badge.refuted{color:var(--no)}.badge.disputed{color:var(--mixed)}
svg.sign{width:1em;height:1em;fill:none;stroke:currentColor;stroke-width:2.4;stroke-linecap:round}.skyline{vertical-align:-3px}.skyline .style{fill:var(--ok)}.skyline .refutes .style{fill:var(--no)}.skyline .cast{fill:var(--shadow);opacity:.6}.skyline .more{font:600 11px system-ui;fill:var(--soft)}.skyline .ground{stroke:var(--line)}
a{color:var(--brass)}sup a{text-decoration:none;font-weight:600;padding:0 .15em}sup a.against{border-bottom:1.5px dashed var(--no);color:var(--no)}li.source{background:var(--raised);border:1px solid var(--line);border-radius:12px;padding:.8rem 1rem;margin:.6rem 0}li.source:target{border-color:var(--brass)}blockquote{font:1.08rem/1.55 ui-serif,Georgia,serif;white-space:pre-wrap}code{font-size:.75rem;color:var(--soft)}.left li{margin:.5rem 0}.left span{color:var(--soft);display:block}footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem;color:var(--soft);font-size:.9rem}`;

/** The policy that the file carries: nothing but its one style, named by its hash where the browser
 * can compute one (a secure context). */
async function policy() {
  let style = "'unsafe-inline'";
  if (globalThis.crypto?.subtle) {
    const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
    style = `'sha256-${btoa(String.fromCharCode(...new Uint8Array(sum)))}'`;
  }
  return `default-src 'none'; style-src ${style}; base-uri 'none'; form-action 'none'`;
}

const place = (n, part) => `a${part}-s${n}`;

function sentence(one, citations, part) {
  const cites = [[one.citations, ""], [one.against, "against"]].flatMap(([numbers, kind]) =>
    numbers.filter((n) => citations.has(n)).map((n) =>
      h("sup", {}, h("a", { href: `#${place(n, part)}`, class: kind || null, "aria-label": t.evidence(n) }, `[${n}]`))));
  const verdict = one.verdicts.find((v) => v.label === one.label) ?? one.verdicts[0];
  const only = one.citations.length === 1 && citations.get(one.citations[0]);
  const quote = only && only.quote === one.text && verdict?.claim.text !== one.text;
  return h("div", { class: quote ? "sentence quote" : "sentence" },
    h("p", { class: "words", dir: "auto" }, one.text, " ", cites),
    !quote && one.label && verdict && h("p", { class: "support" }, verdictBadge(verdict, one.label), skyline(voices(verdict)),
      h("span", {}, t.sides(verdict.origins_for, verdict.posts_for, verdict.origins_against, verdict.posts_against))));
}

function source(citation, part) {
  const url = webUrl(citation.url);
  return h("li", { class: "source", id: place(citation.n, part) },
    h("p", { class: "by" }, h("b", {}, `[${citation.n}]`), h("span", {}, t.stance[citation.stance] ?? "")),
    citation.deleted ? h("p", {}, h("em", {}, t.deleted)) : h("blockquote", langOf(citation.lang), citation.quote),
    h("p", { class: "by" }, h("b", {}, h("bdi", {}, citation.author || citation.title || citation.source)),
      h("time", { datetime: citation.said_at }, stamp(citation.said_at)), (citation.author || citation.title) && h("span", {}, citation.source),
      citation.posts > 1 && h("span", {}, t.standsFor(citation.posts))),
    h("p", { class: "by" }, url && h("a", { href: url, rel: "noopener noreferrer nofollow" }, url)),
    citation.hash && h("p", {}, h("code", {}, `SHA-256 ${citation.hash}`)));
}

function part(answer, n) {
  const citations = byNumber(answer.citations);
  return h("article", { lang: answer.lang === "zh" ? "zh-Hans" : answer.lang || null },
    h("h1", { dir: "auto" }, answer.question),
    answer.abstained && h("p", {}, badge("not_enough_evidence", t.summary.abstained)),
    answer.abstained ? h("p", { class: "words", dir: "auto" }, answer.reason || answer.text) : bound(answer).map((one) => sentence(one, citations, n)),
    h("p", { class: "support" }, `${t.asOf} ${stamp(answer.as_of)} · ${t.equals(answer.posts, answer.origins)}`),
    answer.citations.length > 0 && [h("h2", {}, t.sourcesTitle), h("ol", {}, answer.citations.map((one) => source(one, n)))],
    answer.left_out.length > 0 && [h("h2", {}, t.leftOut(answer.left_out.length)),
      h("ul", { class: "left" }, answer.left_out.map((item) => h("li", {}, h("q", { dir: "auto" }, item.text), h("span", {}, item.reason))))],
    answer.gaps.length > 0 && [h("h2", {}, t.gaps(answer.gaps.length)),
      h("ul", { class: "left" }, answer.gaps.map((gap) => h("li", {}, `${gap.source}: ${gap.start ? stamp(gap.start) : "…"} – ${stamp(gap.end)}. ${gap.reason}`)))]);
}

/** The text of the file for `answers`, oldest first. */
export async function page(answers) {
  const copy = document.implementation.createHTMLDocument(answers[0].question);
  copy.documentElement.lang = lang === "zh" ? "zh-Hans" : "en";
  copy.head.prepend(
    h("meta", { charset: "utf-8" }),
    h("meta", { "http-equiv": "Content-Security-Policy", content: await policy() }),
    h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    h("meta", { name: "referrer", content: "no-referrer" }));
  // A style may not even be made under this page's own policy; it is set into the text below. A
  // comment can only be ours: strangers' "<!--" is written out as "&lt;!--".
  copy.head.append(copy.createComment("style"));
  copy.body.append(
    h("p", { class: "copy" }, h("b", {}, "gnomon"), " · ", t.copyOf(stamp(answers.at(-1).as_of))),
    ...answers.map(part),
    h("footer", {}, h("p", {}, t.copyFoot)));
  return `<!doctype html>\n${copy.documentElement.outerHTML.replace("<!--style-->", () => `<style>${STYLE}</style>`)}\n`;
}

/** Hand the file to the reader. */
export async function save(answers) {
  const url = URL.createObjectURL(new Blob([await page(answers)], { type: "text/html" }));
  const words = answers[0].question.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  h("a", { href: url, download: `gnomon-${words || "answer"}.html` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  say(t.saved);
}
