// How many posts, how many voices. Each origin is a gnomon: one upright, whatever follows it. The
// posts that only repeat it are its shadow, long or short, and a shadow has no vote.

import { h, shape } from "./dom.js";
import { t } from "./strings.js";

const WIDE = 9;
const HIGH = 17;

/** The length of the shadow of so many posts: a post alone casts none to speak of, and a hundred
 * times as many are not a hundred times as long, so that both still fit a line. */
const length = (posts) => 2.5 + 9 * Math.log2(Math.max(1, posts));

function upright(x, posts, side) {
  const foot = HIGH + 1;
  return shape("g", { class: `voice ${side}` },
    shape("path", { class: "cast", d: `M${x + WIDE - 3} ${foot}H${(x + WIDE + length(posts)).toFixed(1)}v-1.4L${x + WIDE - 3} ${foot - 7}z` }),
    shape("path", { class: "style", d: `M${x} ${foot}L${x + WIDE / 2} 1L${x + WIDE} ${foot}z` }));
}

/** Which of many origins are drawn: of each side as many as its share, and at least a few, so that no
 * side goes unseen; a number is how many are left out there. */
function chosen(origins, most) {
  if (origins.length <= most) return origins;
  const sides = ["supports", "refutes", ""].map((side) => origins.filter((one) => one.side === side)).filter((side) => side.length);
  return sides.flatMap((side) => {
    const room = Math.max(3, Math.round((most * side.length) / origins.length));
    return side.length > room ? [...side.slice(0, room), side.length - room] : side;
  });
}

/** Origins in one line. `origins` are [{posts, side}], side "supports" or "refutes"; about `most` are
 * drawn. Words must stand beside it. */
export function skyline(origins, most = 14) {
  let x = 1;
  const drawn = chosen(origins, most).map((one) => {
    if (typeof one === "number") {
      const more = shape("text", { x, y: HIGH, class: "more" }, `+${one}`);
      x += 9 + 6.5 * String(one).length + 6;
      return more;
    }
    const node = upright(x, one.posts, one.side);
    x += WIDE + length(one.posts) + 5;
    return node;
  });
  const width = Math.max(12, x - 2);
  return shape("svg", { class: "skyline", viewBox: `0 0 ${width.toFixed(1)} ${HIGH + 2}`, width: width.toFixed(1), height: HIGH + 2, "aria-hidden": "true" },
    shape("path", { class: "ground", d: `M0 ${HIGH + 1}H${width.toFixed(1)}` }), drawn);
}

/** The origins on both sides of a verdict, [{origin, side, posts}]. */
export function voices(verdict) {
  const seen = new Set();
  const found = [];
  for (const { origin, stance, posts } of verdict.evidence ?? []) {
    if (!["supports", "refutes"].includes(stance) || seen.has(stance + origin)) continue;
    seen.add(stance + origin);
    found.push({ origin, side: stance, posts: posts ?? verdict.posts_by_origin?.[origin] ?? 1 });
  }
  return found.sort((a, b) => (a.side === b.side ? b.posts - a.posts : a.side === "supports" ? -1 : 1));
}

/** "214 posts = 3 origins", drawn and said. An origin that speaks on both sides is drawn on both and
 * counted once. */
export function weighed(origins) {
  const each = new Map(origins.map((one) => [one.origin, one.posts]));
  const posts = [...each.values()].reduce((sum, n) => sum + n, 0);
  return h("figure", { class: "weighed" }, skyline(origins),
    h("figcaption", {}, h("b", {}, t.equals(posts, each.size)), " ", h("span", {}, t.shadowHelp)));
}

const time = (post) => Date.parse(post.created_at ?? post.fetched_at);

/** When the posts of one origin came, on a line from the first to the last: the first stands, the
 * others are points. */
export function timeline(posts, here) {
  const times = posts.map(time);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const at = (moment) => 8 + (last > first ? (284 * (moment - first)) / (last - first) : 0);
  return shape("svg", { class: "timeline", viewBox: "0 0 300 26", "aria-hidden": "true", preserveAspectRatio: "xMinYMid meet" },
    shape("path", { class: "ground", d: "M2 20H298" }),
    posts.map((post) => shape("circle", { class: post.id === here ? "dot here" : "dot", cx: at(time(post)).toFixed(1), cy: 20, r: post.id === here ? 4.5 : 3 })),
    shape("path", { class: "style", d: `M${at(first) - 5} 20L${at(first)} 3L${at(first) + 5} 20z` }));
}
