// What is looked at rather than read: how a thing rose, how loud it is, how well supported it is,
// when a story was told and who copied whom. Words that say the same stand beside every picture.

import { shape, stamp } from "./dom.js";

/** A time of the API, in milliseconds: ISO 8601, or seconds since 1970. */
export const ms = (value) => (typeof value === "number" ? value * 1000 : Date.parse(value ?? ""));
export const iso = (value) => (Number.isFinite(ms(value)) ? new Date(ms(value)).toISOString() : null);

const drawn = (kind, width, height, ...inside) =>
  shape("svg", { class: kind, viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" }, inside);

/** Counts in bins, the newest at the right. The last `lit` stand out (the window that is looked at);
 * a dashed line is how much one bin would have, were all as it used to be. */
export function spark(counts, { lit = counts.length, expected = 0, width = 150, height = 36 } = {}) {
  const top = Math.max(1, expected, ...counts);
  const step = width / Math.max(1, counts.length);
  const up = (n) => (height - 2) * (n / top);
  const usual = height - 1 - up(expected);
  return drawn("spark", width, height,
    shape("path", { class: "ground", d: `M0 ${height - .5}H${width}` }),
    counts.map((n, i) => n > 0 && shape("rect", { class: i >= counts.length - lit ? "bar lit" : "bar",
      x: (i * step).toFixed(2), width: Math.max(1, step - (step > 4 ? 1.2 : .3)).toFixed(2), y: (height - 1 - up(n)).toFixed(2), height: up(n).toFixed(2), rx: step > 5 ? 1 : 0 })),
    expected > 0 && shape("path", { class: "usual", d: `M0 ${usual.toFixed(1)}H${width}` }));
}

/** Counts in bins of `each` ms from `from` on, where they lie in a stretch of time that several
 * pictures share, so that they can be compared. */
export function within(counts, from, each, [since, until], { width = 130, height = 26 } = {}) {
  const top = Math.max(1, ...counts);
  const at = (moment) => (width * (moment - since)) / (until - since);
  return drawn("spark", width, height,
    shape("path", { class: "ground", d: `M0 ${height - .5}H${width}` }),
    counts.map((n, i) => {
      const [left, right] = [Math.max(0, at(from + i * each)), Math.min(width, at(from + (i + 1) * each))];
      const up = (height - 2) * (n / top);
      return n > 0 && right > 0 && left < width && shape("rect", { class: "bar lit", x: Math.min(left, width - 1.5).toFixed(2), width: Math.max(1.5, right - left - .3).toFixed(2), y: (height - 1 - up).toFixed(2), height: up.toFixed(2) });
    }));
}

/** How loud: a horn and its waves, one more for each doubling and a half of the posts. */
export function loud(posts) {
  const waves = Math.min(7, 1 + Math.floor(Math.log2(Math.max(1, posts)) / 1.5));
  return drawn("loud", 14 + 5 * waves, 20,
    shape("path", { class: "horn", d: "M1 7.5h3.5L9 3.5v13l-4.5-4H1z" }),
    Array.from({ length: waves }, (_, i) => {
      const r = 4 + 5 * i;
      const y = Math.min(9, r * .8);
      return shape("path", { class: "wave", d: `M${9.5 + r * .75} ${10 - y}A${r + 2} ${r + 2} 0 0 1 ${9.5 + r * .75} ${10 + y}` });
    }));
}

/** How well supported: an upright for each voice of its own. Part of a voice is a lower upright. */
export function supported(voices, most = 8) {
  const whole = Math.min(most, Math.ceil(voices - .05));
  const more = Math.round(voices) - most;
  const width = Math.max(11, whole * 10 + (more > 0 ? 10 + 7 * String(more).length : 0));
  return drawn("supports", width, 20,
    shape("path", { class: "ground", d: `M0 18.5H${width}` }),
    Array.from({ length: whole }, (_, i) => {
      const high = 16 * Math.min(1, Math.max(.3, voices - i));
      return shape("path", { class: "style", d: `M${i * 10 + 1} 18L${i * 10 + 5} ${18 - high}L${i * 10 + 9} 18z` });
    }),
    more > 0 && shape("text", { x: whole * 10 + 3, y: 17, class: "more" }, `+${more}`));
}

/** So many voices, of which so many count: the rest is struck through. */
export function discounted(voices, independent) {
  const part = voices > 0 ? Math.max(0, Math.min(1, independent / voices)) : 1;
  return drawn("discounted", 240, 12,
    shape("rect", { class: "voices", x: 0, y: 1, width: 240, height: 10, rx: 3 }),
    shape("rect", { class: "counted", x: 0, y: 1, width: (240 * part).toFixed(1), height: 10, rx: 3 }),
    part < 1 && shape("path", { class: "struck", d: `M${(240 * part + 3).toFixed(1)} 6H238` }));
}

// ---------------------------------------------------------------- time

const STEPS = [1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 43200, 129600, 525600].map((minutes) => minutes * 60_000);

/** A scale of time, [from, to] in milliseconds onto `width` pixels, with its ticks. */
function scale([from, to], width) {
  const long = Math.max(60_000, to - from);
  const [left, right] = [10, width - 16];
  const step = STEPS.find((one) => long / one <= width / 110) ?? STEPS.at(-1);
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const ticks = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to && ticks.length < 40; at += step) ticks.push(at);
  const at = (moment) => left + ((right - left) * Math.max(0, Math.min(long, moment - from))) / long;
  const days = step >= 86_400_000;
  const name = (moment) => {
    const midnight = (moment - zone) % 86_400_000 === 0;
    return stamp(new Date(moment).toISOString(), days || midnight ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
  };
  return { at, ticks, name };
}

/** Where a source gave nothing: hatched, over the whole height. */
function holes(gaps, { at }, height, [from, to]) {
  return gaps.map((gap) => {
    const start = at(gap.start ? ms(gap.start) : from);
    const wide = Math.max(3, at(Math.min(to, ms(gap.end))) - start);
    const stripes = Array.from({ length: Math.min(120, Math.ceil(wide / 6)) }, (_, i) => `M${(start + i * 6).toFixed(1)} ${height}l${Math.min(6, wide - i * 6).toFixed(1)} ${-height}`);
    return shape("g", { class: "hole" },
      shape("title", {}, `${gap.source}: ${gap.reason}`),
      shape("rect", { x: start.toFixed(1), y: 0, width: wide.toFixed(1), height }),
      shape("path", { d: stripes.join("") }));
  });
}

/** Gaps of one source, on the time that is held. */
export function gapAxis(gaps, range, width = 720) {
  const by = scale(range, width);
  return drawn("gapaxis", width, 14, shape("path", { class: "ground", d: `M10 7H${width - 16}` }), holes(gaps, by, 14, range));
}

const PASSED_ON = new Set(["repost", "quote", "url"]);

/** Members in one place of a lane are one dot, whose area tells how many; passing on and copying
 * are apart. Two thousand posts become a few dozen dots. */
function gather(members, at, cell) {
  const places = new Map();
  for (const { time, kind } of members) {
    const place = Math.round(at(time) / cell);
    const copied = !PASSED_ON.has(kind);
    const key = place * 2 + copied;
    const dot = places.get(key) ?? { x: 0, n: 0, copied };
    dot.x += at(time);
    dot.n++;
    places.set(key, dot);
  }
  let last = -99;
  return [...places.values()].map((dot) => ({ ...dot, x: dot.x / dot.n })).sort((a, b) => a.x - b.x).map((dot) => {
    // The number of a dot stands above it where there is room for it.
    const told = dot.n > 9 && dot.x - last > 36;
    if (told) last = dot.x;
    return { ...dot, told };
  });
}

const LANE = 58;
const TOP = 74;

/** A lane for each origin: its root stands where it was said, and each who copied it hangs on an arc
 * from it. */
function lane(one, row, by, width, open) {
  const y = TOP + 28 + row * LANE + 30;
  const x = by.at(one.time);
  const dots = gather(one.members, by.at, 15);
  const end = Math.max(x, ...dots.map((dot) => dot.x));
  const late = x > width * .55;
  const words = one.author.length > 30 ? `${one.author.slice(0, 29)}…` : one.author;
  return shape("g", { class: `lane${one.coordinated ? " coordinated" : ""}`, onclick: () => open(one.id) },
    shape("rect", { class: "touch", x: 0, y: y - 38, width, height: LANE - 2, rx: 8 }),
    shape("path", { class: "ground", d: `M${x.toFixed(1)} ${y}H${end.toFixed(1)}` }),
    dots.filter((dot) => dot.x - x > 12).map((dot) => shape("path", { class: "arc",
      d: `M${x.toFixed(1)} ${y - 14}Q${((x + dot.x) / 2).toFixed(1)} ${(y - 14 - Math.min(15, (dot.x - x) / 7)).toFixed(1)} ${dot.x.toFixed(1)} ${y}` })),
    dots.map((dot) => {
      const r = Math.min(8.5, 2.3 + .85 * Math.sqrt(dot.n));
      return [shape("circle", { class: dot.copied ? "dot copied" : "dot", cx: dot.x.toFixed(1), cy: y, r: r.toFixed(1) }),
        dot.told && shape("text", { class: "howmany", x: dot.x.toFixed(1), y: (y + r + 11).toFixed(1), "text-anchor": "middle" }, String(dot.n))];
    }),
    shape("path", { class: "style", d: `M${x - 6} ${y + 1}L${x} ${y - 17}L${x + 6} ${y + 1}z` }),
    shape("text", { class: "name", x: late ? x - 10 : x + 10, y: y - 22, "text-anchor": late ? "end" : "start" }, words,
      one.posts > 1 && shape("tspan", { class: "count", dx: 7 }, `× ${one.posts}`)));
}

/** A story on the axis of time: how many posts when, what was new when (numbered as in the list
 * below it), where sources have gaps, and the origins with who copied them.
 * `lanes` are [{id, author, time, posts, members: [{time, kind}], coordinated}]. */
export function unfolded(story, lanes, gaps, width, open) {
  const times = lanes.flatMap((one) => [one.time, ...one.members.map((member) => member.time)]);
  const range = [Math.min(ms(story.first_seen), ...times), Math.max(ms(story.last_seen), ...times)];
  if (range[1] - range[0] < 60_000) range[1] = range[0] + 60_000;
  const by = scale(range, width);
  const height = TOP + 28 + lanes.length * LANE + 12;
  const most = Math.max(1, ...story.spark);
  const [from, each] = [ms(story.spark_from), story.spark_s * 1000];
  const svg = drawn("unfolded", width, height,
    by.ticks.map((tick) => shape("path", { class: "rule", d: `M${by.at(tick).toFixed(1)} 14V${height}` })),
    holes(gaps, by, height, range),
    story.spark.map((n, i) => {
      if (!n) return null;
      const x = by.at(from + i * each);
      const wide = Math.max(2, by.at(from + (i + 1) * each) - x - 1);
      return shape("rect", { class: "bar lit", x: x.toFixed(1), width: wide.toFixed(1), y: (TOP - 48 * (n / most)).toFixed(1), height: (48 * (n / most)).toFixed(1), rx: 1 });
    }),
    shape("path", { class: "ground", d: `M0 ${TOP}H${width}` }),
    by.ticks.map((tick) => shape("text", { class: "tick", x: by.at(tick).toFixed(1), y: TOP + 16, "text-anchor": by.at(tick) > width - 40 ? "end" : by.at(tick) < 24 ? "start" : "middle" }, by.name(tick))),
    marks(story.timeline, by),
    lanes.map((one, row) => lane(one, row, by, width, open)));
  svg.setAttribute("overflow", "visible");
  return svg;
}

/** The numbers of the moments, above the axis; those that would lie on another are left out. */
function marks(moments, by) {
  let last = -99;
  return moments.map((moment, i) => {
    const x = by.at(ms(moment.saying.said_at));
    if (x - last < 17) return null;
    last = x;
    return shape("g", { class: "mark" }, shape("circle", { cx: x.toFixed(1), cy: 10, r: 8.5 }),
      shape("text", { x: x.toFixed(1), y: 13.6, "text-anchor": "middle" }, String(i + 1)));
  });
}
