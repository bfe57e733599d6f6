// Pictures in posts that a search found, as tiles. Loaded when it is asked for. Every picture comes
// from gnomon itself, a small copy that it keeps; nothing is fetched from where the post has it.

import { h, langOf, when } from "./dom.js";
import * as panel from "./panel.js";
import { skyline } from "./shadows.js";
import * as words from "./seen.words.js";
import { lang } from "./strings.js";

if (!document.querySelector('link[href="/page/seen.css"]')) {
  document.head.append(h("link", { rel: "stylesheet", href: "/page/seen.css" }));
}

/** The results of a search for pictures. */
export function pictures(found) {
  const w = words[lang];
  return h("div", { class: "results" },
    found.why && h("p", { class: "sorry", id: "seen-why" }, found.why),
    found.asked !== found.query && h("p", { class: "muted" }, w.asked(found.asked)),
    found.not_translated.length > 0 && h("p", { class: "muted" }, w.notTranslated(found.not_translated.join(" "))),
    found.model && found.unseen > 0 && h("p", { class: "muted" }, w.unseen(found.unseen)),
    found.data.length > 0
      ? [h("p", { class: "muted", id: "count" }, w.count(found.pictures, found.posts)), h("ol", { class: "tiles" }, found.data.map((one) => tile(one, found.model, w)))]
      : found.kept > 0 && h("div", { class: "abstained" }, h("p", { class: "words" }, w.none), h("p", { class: "muted" }, w.noneNext)));
}

function tile({ picture, post, first, posts, authors, similarity }, model, w) {
  const image = h("img", { src: picture.url, alt: picture.alt || w.noAlt, loading: "lazy" });
  const open = h("button", { type: "button", class: "shot", title: w.open, onclick: (event) => panel.openPost(post.id, null, event.currentTarget) }, image);
  image.addEventListener("error", () => open.replaceChildren(h("span", { class: "muted" }, w.gone)));
  const by = (one) => [h("b", {}, h("bdi", {}, one.author || one.source)), " ", when(one.created_at)];
  return h("li", { class: "card tile", "data-id": picture.id },
    open,
    h("p", { class: "by" }, by(post), h("span", {}, post.source)),
    h("p", { class: picture.alt ? "alt" : "alt muted", ...langOf(picture.alt ? post.lang : "") }, picture.alt || w.noAlt),
    posts > 1 && h("p", { class: "counted drawn" }, skyline([{ posts, side: "" }]), h("span", {}, w.shownBy(posts, authors), "; ", w.first, " ", by(first))),
    h("p", { class: "links" },
      h("a", { href: `/posts/${encodeURIComponent(post.id)}` }, w.permalink),
      similarity !== null && h("span", { class: "muted", title: model }, w.near(model, similarity.toFixed(2)))));
}
