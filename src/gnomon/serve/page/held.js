// What is held here: how much, from where, how each source is doing, and what is missing.

import { gapLine } from "./answer.js";
import { bytes, fact, failure, fold, h, number, shape, stamp, title, when } from "./dom.js";
import { refresh, status } from "./status.js";
import { t } from "./strings.js";

export const name = "held";
export const keys = ["held"];

const main = document.getElementById("view");

export async function enter() {
  again();
  try {
    await refresh();
    again();
  } catch (error) {
    main.replaceChildren(title(t.statusTitle), failure(error, enter));
  }
}

export function again() {
  main.replaceChildren(title(t.statusTitle), ...(status ? nodes() : [h("p", { class: "muted" }, "…")]).flat(Infinity).filter(Boolean));
}

const well = (health) => ["", "running", "ended", undefined].includes(health);

function nodes() {
  const big = (n, words) => h("div", {}, h("b", {}, n), h("span", {}, words));
  const named = new Set(status.sources.map((source) => source.source));
  const other = Object.entries(status.health ?? {}).filter(([source, said]) => !named.has(source) && !well(said));
  return [
    h("p", { class: "stance" }, h("span", { class: `lamp ${status.live ? "on" : ""}`, "aria-hidden": "true" }), status.live ? t.live : t.still),
    h("div", { class: "numbers" },
      big(number(status.posts), t.heldPosts), big(number(status.origins), t.heldOrigins),
      big(number(status.tombstones ?? 0), t.tombstones), big(bytes(status.disk_bytes ?? 0), t.onDisk)),
    h("dl", { class: "facts" },
      fact(t.range, when(status.oldest), " – ", when(status.newest)),
      status.unindexed > 0 && fact(t.indexes, t.now.behind(status.unindexed)),
      fact(t.version, status.version ?? "–")),
    other.length > 0 && h("ul", { class: "left" }, other.map(([part, said]) => counting(part, said) ??
      h("li", { class: "trouble" }, h("b", {}, part), h("span", {}, said)))),
    h("section", {}, h("h2", { class: "small" }, t.sources), sources()),
    h("section", {}, h("h2", { class: "small" }, t.gaps(status.gaps_total ?? status.gaps?.length ?? 0)),
      status.gaps?.length ? [axis(), h("ul", { class: "gaps" }, status.gaps.map(gapLine))] : h("p", { class: "muted" }, t.noGaps)),
    status.set_aside?.length
      ? fold(t.setAside(status.set_aside_total ?? status.set_aside.length), h("ul", { class: "left" }, status.set_aside.map((item) =>
          h("li", {}, h("b", {}, `${item.source} · ${item.where}`), h("span", {}, item.reason), item.excerpt && h("code", { dir: "auto" }, item.excerpt)))))
      : h("p", { class: "muted" }, t.nothingAside),
  ];
}

/** A view that is still being counted, "68,000 of 188,382 changes", is no trouble. */
function counting(part, said) {
  const [done, of] = (/^([\d,]+) of ([\d,]+) changes$/.exec(said) ?? []).slice(1).map((n) => Number(n.replaceAll(",", "")));
  return of && h("li", {}, h("b", {}, { trends: t.now.rising, stories: t.now.stories }[part] ?? part), h("span", {}, t.now.behind(of - done)));
}

function sources() {
  const shown = status.sources.filter((source) => source.posts || source.set_aside || source.gaps || source.health);
  if (!shown.length) return h("p", { class: "muted" }, t.noSources);
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t.sources }, h("table", { class: "table" },
    h("thead", {}, h("tr", {}, [t.source, t.heldPosts, t.newestPost, t.lastWrite, t.health].map((words) => h("th", { scope: "col" }, words)))),
    h("tbody", {}, shown.map((source) => h("tr", {},
      h("th", { scope: "row" }, source.source),
      h("td", { class: "n" }, number(source.posts ?? 0)),
      h("td", {}, source.newest ? stamp(source.newest) : "–"),
      h("td", {}, source.last_write ? stamp(source.last_write) : "–"),
      h("td", { class: well(source.health) ? null : "trouble" },
        [well(source.health) ? (source.health === "running" ? t.running : t.well) : source.health,
          source.set_aside ? t.setAsideShort(source.set_aside) : "", source.gaps ? t.gaps(source.gaps) : ""].filter(Boolean).join(" · ")))))));
}

/** Gaps on the time that is held: what is covered is a line, what is missing a hole in it. */
function axis() {
  const [from, to] = [Date.parse(status.oldest), Date.parse(status.newest)];
  if (!(to > from)) return null;
  const at = (moment) => Math.max(0, Math.min(600, (600 * (Date.parse(moment) - from)) / (to - from)));
  return shape("svg", { class: "axis", viewBox: "0 0 600 14", preserveAspectRatio: "none", "aria-hidden": "true" },
    shape("path", { class: "ground", d: "M0 7H600" }),
    status.gaps.map((gap) => {
      const start = gap.start ? at(gap.start) : 0;
      return shape("rect", { class: "hole", x: start, y: 1, width: Math.max(2, at(gap.end) - start), height: 12 });
    }));
}
