// What stands in for an answer where there is none: the posts nearest to a question that nothing
// settled, and, before anything was asked, what people talk of.

import { get } from "./api.js";
import { quietly } from "./answer.js";
import { h, headline, langOf, placeOf, when } from "./dom.js";
import * as panel from "./panel.js";
import { skyline } from "./shadows.js";
import { status } from "./status.js";
import { t } from "./strings.js";

const FEW = 3;
const TOPICS = 5;
const WEEK_MS = 7 * 86_400_000;

const card = ({ post, origin }) => h("li", {}, h("button", {
  type: "button", class: "card", onclick: (event) => panel.openPost(post.id, null, event.currentTarget),
},
  h("span", { class: "cut", ...langOf(post.lang) }, quietly(post.title || post.text)),
  h("span", { class: "by" }, h("b", {}, h("bdi", {}, post.author || placeOf(post.source))), when(post.created_at),
    origin.posts > 1 && h("span", { class: "drawn" }, skyline([{ posts: origin.posts, side: "" }]), t.standsFor(origin.posts)))));

/** The posts nearest to `question` at the end of `place`. `within` is a filter as a query. Where
 * they cannot be had nothing is shown: the button below leads to them too. */
export async function show(place, question, within) {
  const found = await get(`/v1/search?k=${FEW}&q=${encodeURIComponent(question)}${within}`).catch(() => null);
  if (!found?.data.length || !place?.isConnected || place.querySelector(".nearest")) return;
  place.append(h("section", { class: "nearest" }, h("h3", { class: "small" }, t.nearest), h("ol", {}, found.data.map(card))));
}

/** The stories of the newest week held, as links, in `place`. */
export async function lately(place) {
  const since = new Date(Date.parse(status.newest) - WEEK_MS).toISOString();
  const found = await get(`/v1/stories?since=${since}&k=60`).catch(() => null);
  if (!found?.data.length || !place.isConnected) return;
  const told = [...found.data].sort((a, b) => b.origins - a.origins || b.posts - a.posts).slice(0, TOPICS);
  place.hidden = false;
  place.replaceChildren(h("h2", { class: "small" }, t.lately), h("ul", { class: "lately" }, told.map((one) =>
    h("li", {}, h("a", { href: `/#story=${encodeURIComponent(one.id)}` },
      h("span", langOf(one.langs[0]), headline(one.title)), h("small", {}, t.equals(one.posts, one.origins)))))));
}
