// Checking a text: paste it, and see each of its claims with a verdict where it stands.

import * as api from "./api.js";
import { copying } from "./answer.js";
import { claimList, proof, tally, unindexed } from "./claims.js";
import { button, failure, h, say, title } from "./dom.js";
import * as filters from "./filters.js";
import * as panel from "./panel.js";
import * as router from "./router.js";
import { t } from "./strings.js";

export const name = "check";
export const keys = ["check"];

const main = document.getElementById("view");
const MOST = 200_000; // characters, as docs/api.md says
let text = "";
let date = "";
let found = null; // {claims, statements, whole, error, stopped}
let working = null;

export function enter(params) {
  filters.from(params);
  filters.onChange(() => router.place([["check", ""], ...filters.pairs()], { replace: true }));
  draw();
}

export function leave() {
  working?.abort();
}

export function again() {
  draw();
}

function draw() {
  main.replaceChildren(...(found ? result() : entry()).filter(Boolean));
}

function entry() {
  const area = h("textarea", { id: "text", rows: "9", maxlength: String(MOST), spellcheck: "false", dir: "auto", placeholder: t.checkHint });
  area.value = text;
  area.addEventListener("input", () => (text = area.value));
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  const day = h("input", { type: "date", id: "written" });
  day.value = date;
  day.addEventListener("change", () => (date = day.value));
  const form = h("form", { class: "checking", onsubmit: (event) => {
    event.preventDefault();
    if (text.trim()) check();
    else area.focus();
  } },
    h("label", { for: "text", class: "hidden" }, t.checkLabel), area,
    h("div", { class: "row" },
      h("label", { class: "day", title: t.writtenHelp }, t.written, day),
      filters.node,
      h("button", { type: "submit", class: "go", id: "check-go" }, t.check)));
  queueMicrotask(() => matchMedia("(hover: hover)").matches && area.focus({ preventScroll: true }));
  return [title(t.checkTitle), h("p", { class: "muted lead-in" }, t.checkLede), form];
}

function result() {
  const { claims, statements, whole, error, stopped } = found;
  const counts = whole?.counts ?? count(claims);
  const busy = working !== null;
  return [
    title(t.checkTitle),
    h("div", { class: "verdictline" },
      busy ? h("p", { class: "muted", id: "progress" }, t.checkedOf(claims.length, statements)) : tally(counts),
      busy && h("progress", { max: String(Math.max(1, statements)), value: String(claims.length), "aria-label": t.checking })),
    error && failure(error, check),
    stopped && h("p", { class: "muted" }, t.stoppedAt(claims.length, statements)),
    whole && unindexed(whole),
    proof(text.replace(/\r\n?/g, "\n"), claims),
    h("div", { class: "actions" },
      busy ? button(t.stop, () => working?.abort(), { id: "check-stop" }) : [
        button(t.editText, () => {
          found = null;
          panel.hide();
          draw();
        }, { id: "check-edit" }),
        stopped && button(t.retry, check),
        whole?.id && copying(t.copyLink, `${location.origin}${router.address([["answer", whole.id]])}`, say),
      ]),
    claims.length > 0 && h("section", { class: "listed" }, h("h2", { class: "small" }, t.claimsFound(claims.length)), claimList(claims)),
    whole && !claims.length && h("p", { class: "abstained" }, t.noClaims),
    whole?.itself.length > 0 && h("p", { class: "muted" }, t.itself(whole.itself.length)),
  ];
}

const count = (claims) => {
  const counts = { supported: 0, refuted: 0, disputed: 0, not_enough_evidence: 0, not_checked: 0 };
  for (const claim of claims) counts[claim.label ?? "not_checked"]++;
  return counts;
};

/** Draw soon, once for many claims that come together; what has the focus keeps it. */
let due = false;
function drawSoon() {
  if (due) return;
  due = true;
  setTimeout(() => {
    due = false;
    if (!found || router.view()?.name !== name) return;
    const at = document.activeElement?.dataset.claim;
    const stopping = document.activeElement?.id === "check-stop";
    draw();
    const next = at ? `.spot[data-claim="${at}"]` : stopping ? "#check-stop, #check-edit" : "";
    if (next) document.querySelector(next)?.focus({ preventScroll: true });
  }, 60);
}

async function check() {
  working?.abort();
  const controller = new AbortController();
  working = controller;
  panel.hide();
  const mine = { claims: [], statements: 0 };
  found = mine;
  draw();
  say(t.checking);
  const body = { text, stream: true, ...(await filters.fields()), ...(date ? { date } : {}) };
  try {
    for await (const { event, data } of api.stream("/v1/verify", body, controller.signal)) {
      if (event === "begin") mine.statements = data.statements;
      else if (event === "claim") mine.claims.push(data);
      else if (event === "verification") mine.whole = data;
      drawSoon();
    }
    say(t.checkedAll(mine.claims.length));
  } catch (error) {
    if (controller.signal.aborted) mine.stopped = true;
    else mine.error = error;
  } finally {
    if (working === controller) working = null;
    drawSoon();
  }
}
