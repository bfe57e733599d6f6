// What was asked here: searched, opened again, deleted.

import * as api from "./api.js";
import { verdictBadge } from "./answer.js";
import { button, failure, h, say, stamp, title } from "./dom.js";
import * as router from "./router.js";
import { t } from "./strings.js";

export const name = "history";
export const keys = ["history"];

const main = document.getElementById("view");
const PAGE = 30;
let words = "";
let items = [];
let more = false;
/** Whether the list has come: before, nobody knows that nothing was asked. */
let here = false;
let error = null;
let turn = 0;
const list = h("div", { id: "asked" });

export function enter(params) {
  words = params.get("history") ?? "";
  here = false;
  frame();
  load();
}

function frame() {
  const box = h("input", { type: "search", id: "find", "aria-label": t.historySearch, placeholder: t.historySearch });
  box.value = words;
  let due = 0;
  box.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(() => {
      words = box.value.trim();
      router.place([["history", words]], { replace: true });
      load();
    }, 200);
  });
  main.replaceChildren(title(t.history), h("p", { class: "muted lead-in" }, t.historyHelp),
    h("div", { class: "row" }, box, forget()), list);
  draw();
}

/** Deleting everything asks once more. */
function forget() {
  const place = h("span", { class: "row", id: "forget" });
  const calm = () => place.replaceChildren(button(t.forgetAll, sure));
  const sure = () => {
    place.replaceChildren(h("span", {}, t.forgetSure), button(t.forgetYes, all, { class: "quiet line danger" }), button(t.cancel, calm));
    place.querySelector("button").focus();
  };
  const all = async () => {
    await attempt(() => api.remove("/v1/history"));
    calm();
    load();
  };
  calm();
  return place;
}

async function attempt(work) {
  try {
    await work();
  } catch (failed) {
    error = failed;
    draw();
  }
}

async function load(before = "") {
  const mine = ++turn;
  error = null;
  try {
    const query = `limit=${PAGE}${words ? `&q=${encodeURIComponent(words)}` : ""}${before ? `&before=${encodeURIComponent(before)}` : ""}`;
    const found = await api.get(`/v1/history?${query}`);
    if (mine !== turn) return;
    items = before ? [...items, ...found.data] : found.data;
    more = found.has_more;
    here = true;
    if (words) say(t.historyFound(items.length));
  } catch (failed) {
    if (mine !== turn) return;
    error = failed;
  }
  draw();
}


function draw() {
  if (error) return list.replaceChildren(failure(error, () => load()));
  if (!here) return list.replaceChildren(h("p", { class: "muted hint" }, "…"));
  if (!items.length) return list.replaceChildren(h("p", { class: "muted hint" }, words ? t.historyNone : t.historyEmpty));
  const days = new Map();
  for (const item of items) {
    const day = stamp(item.created_at, { dateStyle: "full" });
    days.set(day, [...(days.get(day) ?? []), item]);
  }
  return list.replaceChildren(
    ...[...days].map(([day, those]) => h("section", {}, h("h2", { class: "small" }, day), h("ul", { class: "past" }, those.map(row)))),
    more ? button(t.older, () => load(items.at(-1).id)) : "");
}

function row(item) {
  const node = h("li", {},
    h("a", { href: router.address([["kept", item.id]]) },
      h("span", { class: "text", dir: "auto" }, item.question || t.noWords),
      item.excerpt && h("span", { class: "said", dir: "auto" }, item.excerpt),
      h("span", { class: "by" }, item.verdict && verdictBadge(item.verdict), h("time", { datetime: item.created_at }, stamp(item.created_at, { timeStyle: "short" })),
        item.kind === "response" && h("span", {}, t.overApi), item.previous && h("span", {}, t.followed), item.status && item.status !== "completed" && h("span", {}, t.states[item.status] ?? item.status))),
    h("button", { type: "button", class: "quiet", "aria-label": t.forgetOne(item.question), title: t.forgetOne(item.question), onclick: async () => {
      await attempt(async () => {
        await api.remove(`/v1/history/${encodeURIComponent(item.id)}`);
        const next = node.nextElementSibling ?? node.previousElementSibling;
        items = items.filter((one) => one !== item);
        const id = next?.dataset.id;
        draw();
        (id ? list.querySelector(`[data-id="${CSS.escape(id)}"] button`) : document.getElementById("find"))?.focus();
        say(t.forgotten);
      });
    } }, "×"));
  node.dataset.id = item.id;
  return node;
}

export function again() {
  frame();
}
