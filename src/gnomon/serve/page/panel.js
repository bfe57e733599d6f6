// The panel: the very words in their post, who else carried them, and who said it first.

import { get } from "./api.js";
import { badge, button, fact, fold, h, langOf, marked, sign, when, webUrl } from "./dom.js";
import { skyline, timeline } from "./shadows.js";
import { t } from "./strings.js";
import { who } from "./answer.js";

const panel = document.getElementById("panel");
const wide = matchMedia("(min-width: 64rem)");
let opener = null;
let redraw = null;
let turn = 0;

/** Show `content` (a function, so that a change of language can draw it again). */
function show(content, from) {
  redraw = content;
  if (from) opener = from;
  panel.replaceChildren(
    h("button", { type: "button", class: "close quiet", "aria-label": t.close, onclick: hide }, "×"),
    ...content());
  if (!panel.open) {
    // Beside the answer where there is room, over it where there is not.
    if (wide.matches) panel.show();
    else panel.showModal();
  }
  document.body.classList.add("with-panel");
  panel.scrollTop = 0;
  panel.querySelector("h2")?.focus({ preventScroll: true });
  const words = panel.querySelector("mark");
  if (words?.offsetTop > panel.clientHeight * 0.6) words.scrollIntoView({ block: "center" });
}

export function hide() {
  if (panel.open) panel.close();
}

const close = () => {
  document.body.classList.remove("with-panel");
  document.querySelectorAll("[data-n][aria-expanded]").forEach((c) => c.removeAttribute("aria-expanded"));
  redraw = null;
  turn++;
  (opener?.isConnected ? opener : document.getElementById("main")).focus();
  opener = null;
};
panel.addEventListener("close", close);
panel.addEventListener("click", (event) => event.target === panel && hide());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel.open && !document.querySelector("dialog.sheet[open]")) hide();
});

export const again = () => redraw && panel.open && show(redraw);
export const open = (content, from) => show(content, from);

export const heading = (words) => h("h2", { id: "panel-title", tabindex: "-1" }, words);

/** The SHA-256 of the words as they arrived, computed here. Where the browser cannot (no secure
 * context, or half a character, which UTF-8 has no bytes for) the server's own is taken. */
async function digest({ text, hash }) {
  if (!globalThis.crypto?.subtle || text.isWellFormed?.() === false) return hash;
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(sum)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A held post and whether it still has the words that `evidence` cites. */
export async function fetchPost(id, evidence = null) {
  const view = await get(`/v1/posts/${encodeURIComponent(id)}`);
  return { view, same: !evidence?.hash || (await digest(view.post)) === evidence.hash };
}

/** A held post with, where it is cited, the cited words marked in it. */
export async function openPost(id, evidence = null, from = null) {
  const mine = ++turn;
  const title = () => heading(evidence?.n ? t.evidence(evidence.n) : evidence ? t.source : t.post);
  show(() => [title(), h("p", { class: "muted" }, t.loading)], from);
  try {
    const { view, same } = await fetchPost(id, evidence);
    if (mine === turn) show(() => [title(), ...postNodes(view, evidence, same, openPost)]);
  } catch (error) {
    if (mine === turn) show(() => [title(), h("p", { class: "sorry" }, error.message)]);
  }
}

export function openEvidence(citation, from) {
  document.querySelectorAll("[data-n][aria-expanded]").forEach((c) => c.removeAttribute("aria-expanded"));
  if (from?.dataset.n) from.setAttribute("aria-expanded", "true");
  return openPost(citation.post, citation, from);
}

/** A post as it is read. `openOther(id)` goes to another post of its origin; `level` is the headings'. */
export function postNodes(view, evidence, same, openOther, level = "h3") {
  const { post, link, origin, members = [], links = [], campaign, revisions = [], replies = [] } = view;
  const url = webUrl(post.url);
  const place = `/posts/${encodeURIComponent(post.id)}`;
  const stance = evidence && { supports: "supported", refutes: "refuted" }[evidence.stance];
  const row = rowOf(openOther);
  return [
    evidence && h("p", { class: "stance" }, badge(stance ?? "note", t.stance[evidence.stance])),
    h("article", { class: "held-post", ...langOf(post.lang) },
      post.title && h(level, {}, post.title),
      h("p", { class: "text", dir: "auto" }, same && evidence ? marked(post.text, evidence.start, evidence.end) : post.text)),
    evidence && (same
      ? h("p", { class: "intact" }, sign("supported"), t.hashOk)
      : h("div", { class: "changed" }, h("p", {}, t.hashBad), h("blockquote", langOf(evidence.lang), evidence.quote))),
    h("dl", { class: "facts" },
      fact(t.author, h("bdi", {}, post.author || t.unknownAuthor)),
      fact(t.said, when(post.created_at)),
      fact(t.fetched, when(post.fetched_at)),
      fact(t.from, post.source),
      h("div", { class: "whole" }, h("dt", {}, t.hash), h("dd", {}, h("code", {}, evidence?.hash ?? post.hash)))),
    h("p", { class: "links" },
      url && h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, t.original),
      h("a", { href: place }, t.permalink)),
    originNodes(post, link, origin, members, links, row, level),
    campaign?.signs.length ? campaignNodes(campaign, level) : null,
    post.media?.length ? signedNodes(post, view.media_checks ?? []) : null,
    revisions.length ? fold(t.earlier, h("ul", { class: "posts" }, revisions.map((old) =>
      h("li", {}, h("p", langOf(post.lang), old.text), h("small", {}, when(old.replaced_at)))))) : null,
    replies.length ? fold(t.replies(replies.length), h("ul", { class: "posts" }, replies.slice(0, 50).map((one) => row(one)))) : null,
  ].filter(Boolean);
}

/** Who signed its pictures: what is known already, and a way to look now. */
function signedNodes(post, checks) {
  const place = h("div", {});
  const load = () => import("./provenance.js");
  if (checks.length) load().then((part) => part.pictures(place, checks));
  return h("section", { class: "signed" },
    h("p", { class: "links" }, button(t.whoSigned(post.media.length), async () => (await load()).look(place, post.id))), place);
}

const time = (post) => Date.parse(post.created_at ?? post.fetched_at);

const rowOf = (open) => (post, note = "", here = false) => {
  const body = [
    h("span", { class: "by" }, h("b", {}, h("bdi", {}, post.author || post.source)), when(post.created_at),
      note && h("em", {}, note)),
    h("span", { class: "cut", ...langOf(post.lang) }, post.text),
  ];
  return h("li", {}, here
    ? h("div", { class: "card here", "aria-current": "true" }, body)
    : h("button", { type: "button", class: "card", onclick: () => open(post.id) }, body));
};

/** How many posts of an origin are listed: the earliest, and always the one that is open. */
const SHOWN = 12;

/** The posts of one origin, earliest first: one voice, however many repeat it. */
function originNodes(post, link, origin, members, links, row, level) {
  if (!(origin?.posts > 1)) return h("p", { class: "muted drawn" }, skyline([{ posts: 1, side: "" }]), t.alone);
  const all = [post, ...members.filter((other) => other.id !== post.id)].sort((a, b) => time(a) - time(b));
  const first = all.slice(0, SHOWN);
  const shown = first.includes(post) ? first : [...all.slice(0, SHOWN - 1), post];
  const kinds = new Map([...links, link].map((one) => [one.post, one.kind]));
  return h("section", { class: "origin" },
    h(level, {}, t.originOf(origin.posts, origin.authors)),
    timeline(all, post.id),
    h("p", { class: "ends" }, when(all[0].created_at), all.length > 1 && when(all.at(-1).created_at)),
    h("p", { class: "muted" }, t.originHelp),
    link.kind !== "root" && h("p", {}, t.why[link.kind](link.score)),
    h("ol", { class: "posts" }, shown.map((one) => {
      const notes = [one.id === origin.id && t.first, one.id === post.id && t.thisPost,
        one.id !== origin.id && kinds.get(one.id) !== "root" && t.kinds[kinds.get(one.id)]];
      return row(one, notes.filter(Boolean).join(" · "), one.id === post.id);
    })),
    origin.posts > shown.length && h("p", { class: "muted" }, t.more(origin.posts - shown.length)));
}

/** Whether the origin looks placed together: the finding, every sign of it, and how the words differ. */
function campaignNodes(found, level) {
  return h("section", { class: "campaign" },
    h(level, {}, found.coordinated ? t.coordinated : t.ordinary),
    found.coordinated && h("p", {}, t.campaign(found.unattributed, found.texts, when(found.since), when(found.until))),
    h("p", { class: "muted" }, t.campaignHelp),
    fold(t.signsTitle(found.score), h("ul", { class: "signs" }, found.signs.map((sign) =>
      h("li", {}, h("b", {}, t.signs[sign.name] ?? sign.name), " ",
        sign.name === "machine" ? t.told(sign.observed) : t.sign(sign.observed, sign.expected, sign.p < 0.0001 ? sign.p.toExponential(0) : sign.p.toPrecision(2)))))),
    found.variants.length ? fold(t.variants, h("ul", { class: "left" }, found.variants.map((one) =>
      h("li", {}, h("b", {}, h("bdi", {}, one.author)), h("span", langOf(), h("del", {}, one.removed), " ", h("ins", {}, one.added)))))) : null);
}

export { who };
