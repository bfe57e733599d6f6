// Search results, and what is held here.

import { bytes, h, langOf, marked, when } from "./dom.js";
import { t } from "./strings.js";
import { fold, gapLine } from "./answer.js";
import { fact, heading } from "./panel.js";

/** Search results: one card for each origin. */
export function resultsNode(found, openPost) {
  if (!found.data.length) {
    return h("div", { class: "abstained" }, h("p", { class: "words" }, t.noResults), h("p", { class: "muted" }, t.noResultsNext));
  }
  return h("div", { class: "results" },
    h("p", { class: "muted", id: "count" }, t.results(found.origins, found.posts)),
    h("ol", {}, found.data.map((one) => resultNode(one, openPost))));
}

function resultNode({ post, origin, start, end }, openPost) {
  const around = excerpt(post.text, start, end);
  return h("li", {}, h("button", {
    type: "button",
    class: "card",
    onclick: (event) => openPost(post.id, null, event.currentTarget),
  },
    h("span", { class: "by" }, h("b", {}, post.author || t.unknownAuthor), when(post.created_at), h("span", {}, post.source)),
    post.title && h("span", { class: "headline" }, post.title),
    h("span", { class: "text", ...langOf(post.lang) }, marked(around.text, around.start, around.end)),
    h("span", { class: "counted" }, origin.posts > 1 ? t.originOf(origin.posts, origin.authors) : t.alone)));
}

/** At most about 300 characters of a long post, around what was found. Offsets are code points. */
function excerpt(text, start, end) {
  const points = Array.from(text);
  if (points.length <= 320) return { text, start, end };
  const from = Math.max(0, start - 60);
  const to = Math.min(points.length, Math.max(end + 60, from + 300));
  const lead = from ? "… " : "";
  return {
    text: lead + points.slice(from, to).join("") + (to < points.length ? " …" : ""),
    start: start - from + lead.length,
    end: Math.min(end, to) - from + lead.length,
  };
}

/** The status panel. */
export function statusNodes(status) {
  const big = (n, name) => h("div", {}, h("b", {}, n), h("span", {}, name));
  const behind = Object.entries(status.views ?? {}).filter(([, lag]) => lag > 0);
  return [
    heading(t.statusTitle),
    h("p", { class: "stance" }, h("span", { class: `lamp ${status.live ? "on" : ""}`, "aria-hidden": "true" }), status.live ? t.live : t.still),
    h("div", { class: "numbers" },
      big(status.posts.toLocaleString(), t.heldPosts), big(status.origins.toLocaleString(), t.heldOrigins),
      big(status.tombstones.toLocaleString(), t.tombstones), big(bytes(status.disk_bytes), t.onDisk)),
    h("dl", { class: "facts" },
      fact(t.range, [when(status.oldest), " – ", when(status.newest)]),
      fact(t.models, Object.entries(t.modelNames).map(([key, name]) =>
        h("span", { class: "pair" }, `${name}: `, h("b", {}, status.models?.[key] || t.none)))),
      behind.length ? fact("", behind.map(([name, lag]) => `${name}: ${t.behind(lag)}`).join(", ")) : null,
      fact(t.version, status.version)),
    h("h3", {}, t.sources),
    h("ul", { class: "sources" }, status.sources.filter((source) => source.posts || source.set_aside || source.gaps || source.health).map((source) =>
      h("li", {}, h("b", {}, source.source), h("span", {}, t.posts(source.posts)),
        source.set_aside ? h("span", {}, t.setAsideShort(source.set_aside)) : null,
        source.last_write && h("small", {}, t.lastWrite, " ", when(source.last_write)),
        !["", "running", "ended", undefined].includes(source.health) && h("small", { class: "trouble" }, source.health)))),
    h("h3", {}, t.gaps(status.gaps.length)),
    status.gaps.length ? h("ul", { class: "gaps" }, status.gaps.map(gapLine)) : h("p", { class: "muted" }, t.noGaps),
    status.set_aside.length
      ? fold(t.setAside(status.set_aside_total ?? status.set_aside.length), h("ul", { class: "left" }, status.set_aside.map((item) =>
          h("li", {}, h("b", {}, `${item.source} · ${item.where}`), h("span", {}, item.reason), item.excerpt && h("code", {}, item.excerpt)))))
      : h("p", { class: "muted" }, t.nothingAside),
  ];
}
