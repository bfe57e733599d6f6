// The page: what is asked, and where its answer goes. Addresses: #q=…, #search=…, #answer=id,
// and /posts/id.

import * as api from "./api.js";
import { answerNode, byNumber, gist, sentenceNode } from "./answer.js";
import { dial, sundial } from "./dial.js";
import { h, langOf, say } from "./dom.js";
import { resultsNode, statusNodes } from "./lists.js";
import * as panel from "./panel.js";
import { lang, speak, t } from "./strings.js";

const $ = (id) => document.getElementById(id);
const [form, box, go, stop, result] = ["form", "question", "go", "stop", "result"].map($);

let mode = "ask";
let status = null;
let working = null; // the AbortController of what is being worked on
let redraw = null; // draws the result again, after a change of language

// ---------------------------------------------------------------- the two modes

function setMode(next) {
  mode = next;
  for (const name of ["ask", "search"]) $(`mode-${name}`).setAttribute("aria-pressed", String(name === mode));
  box.placeholder = mode === "ask" ? t.askHint : t.searchHint;
  $("question-label").textContent = mode === "ask" ? t.askLabel : t.searchLabel;
  go.textContent = mode === "ask" ? t.ask : t.search;
  showExamples();
}

function busy(controller) {
  working?.abort();
  working = controller;
  go.hidden = Boolean(controller);
  stop.hidden = !controller;
  result.setAttribute("aria-busy", String(Boolean(controller)));
}

function showResult(...nodes) {
  document.body.classList.add("asked");
  result.hidden = false;
  result.replaceChildren(...nodes.filter(Boolean));
}

function title(words) {
  return h("h2", { class: "asked-words", tabindex: "-1" }, words);
}

function failure(error, retry) {
  return h("div", { class: "sorry", role: "alert" }, h("b", {}, t.failed), h("p", {}, error.message),
    retry && h("button", { type: "button", class: "quiet line", onclick: retry }, t.retry));
}

// ---------------------------------------------------------------- asking

async function ask(question) {
  const controller = new AbortController();
  busy(controller);
  panel.hide();
  place(`#q=${encodeURIComponent(question)}`);
  const began = performance.now();
  const clock = dial();
  const live = h("div", { class: "sentences", "aria-live": "polite", "aria-relevant": "additions" });
  showResult(title(question), clock.node, live);
  redraw = () => clock.again();
  box.value = "";
  grow();
  say(t.asking);
  let answer = null;
  const known = new Set();
  try {
    for await (const { event, data } of api.ask(question, controller.signal)) {
      if (event === "step") say(`${t.steps[data.name] ?? data.name}: ${clock.show(data)}`);
      else if (event === "sentence") {
        live.append(sentenceNode(data.sentence, byNumber(data.citations), panel.openEvidence, known));
      } else if (event === "error") throw new api.ApiError(data.error, 500);
      else if (event === "answer") answer = data;
    }
    if (!answer) throw new api.ApiError({ message: t.offline }, 0);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    clock.show({ name: "answer", detail: t.kept(answer.sentences.length, answer.left_out.length) });
    finish(answer, clock, seconds);
  } catch (error) {
    if (working !== controller) return;
    clock.node.removeAttribute("data-working");
    if (error.name === "AbortError") {
      say(t.stopped);
      result.append(h("p", { class: "muted" }, t.stopped));
    } else result.append(failure(error, () => ask(question)));
  } finally {
    if (working === controller) busy(null);
  }
}

function finish(answer, clock, seconds) {
  redraw = () => {
    clock?.again();
    showResult(title(answer.question),
      clock && h("details", { class: "made" }, h("summary", {}, t.made(clock.read(), seconds)), clock.list),
      answerNode(answer, panel.openEvidence, actions(answer), clock?.forms()));
  };
  redraw();
  if (answer.id) place(`#answer=${encodeURIComponent(answer.id)}`);
  say(gist(answer));
  if (mode === "ask") box.placeholder = t.askMore;
  grow();
}

function actions(answer) {
  const link = h("button", { type: "button", class: "quiet line", onclick: copy }, t.copyLink);
  async function copy() {
    await navigator.clipboard.writeText(`${location.origin}/#answer=${encodeURIComponent(answer.id)}`);
    link.textContent = t.copied;
    say(t.copied);
  }
  return [
    answer.id && link,
    h("button", { type: "button", class: "quiet line", onclick: () => ask(answer.question) }, t.again),
  ];
}

async function openAnswer(id) {
  try {
    const answer = await api.get(`/v1/answers/${encodeURIComponent(id)}`);
    finish(answer, null, null);
  } catch (error) {
    showResult(failure(error));
  }
}

// ---------------------------------------------------------------- searching

async function search(words) {
  const controller = new AbortController();
  busy(controller);
  panel.hide();
  place(`#search=${encodeURIComponent(words)}`);
  try {
    const found = await api.get(`/v1/search?k=20&q=${encodeURIComponent(words)}`);
    if (working !== controller) return;
    redraw = () => showResult(resultsNode(found, panel.openPost));
    redraw();
    say(t.results(found.origins, found.posts));
  } catch (error) {
    showResult(failure(error, () => search(words)));
  } finally {
    if (working === controller) busy(null);
  }
}

// ---------------------------------------------------------------- what is held

function showHeld() {
  $("held").textContent = status ? `${t.posts(status.posts)} · ${t.origins(status.origins)}` : "…";
  $("status").setAttribute("aria-label", `${t.statusTitle}: ${$("held").textContent}`);
  $("status").querySelector(".lamp").classList.toggle("on", Boolean(status?.live));
  $("sample").hidden = !status?.sample;
}

function showExamples() {
  const examples = (status?.examples ?? []).filter((one) => mode === "ask" && one.text);
  const mine = examples.filter((one) => one.lang === lang);
  const shown = (mine.length ? mine : examples).slice(0, 6);
  $("examples").hidden = !shown.length;
  $("examples").querySelector("ul").replaceChildren(...shown.map((one) =>
    h("li", {}, h("button", { type: "button", ...langOf(one.lang), onclick: () => start(one.text) }, one.text))));
}

async function refreshStatus() {
  try {
    status = await api.get("/v1/status");
  } catch (error) {
    status = null;
    if (result.hidden) showResult(failure(error, () => location.reload()));
  }
  showHeld();
  showExamples();
}

// ---------------------------------------------------------------- moving about

let placed = "";

function place(hash) {
  placed = hash;
  if (location.pathname !== "/") history.pushState(null, "", `/${hash}`);
  else if (location.hash !== hash) history.pushState(null, "", hash);
}

function decoded(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // a stray % in a hand-made address
  }
}

function start(words) {
  box.value = words;
  grow();
  return mode === "ask" ? ask(words) : search(words);
}

function home() {
  placed = "";
  busy(null);
  redraw = null;
  document.body.classList.remove("asked");
  result.hidden = true;
  result.replaceChildren();
}

function follow() {
  if (location.pathname.startsWith("/posts/")) {
    panel.openPost(decoded(location.pathname.slice("/posts/".length)));
    return;
  }
  if (location.hash === placed) return;
  const [, name, value] = /^#(q|search|answer)=(.*)$/.exec(location.hash) ?? [];
  if (!name) {
    home();
    return;
  }
  placed = location.hash;
  const words = decoded(value);
  setMode(name === "search" ? "search" : "ask");
  if (name === "answer") openAnswer(words);
  else start(words);
}

function grow() {
  box.style.height = "auto";
  // Chromium counts a wrapped placeholder as text.
  if (box.value) box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
}

function theme(next) {
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("gnomon.theme", next);
  } catch {
    // nothing to remember it in
  }
}

function spoken(next) {
  speak(next);
  $("lang").textContent = t.other;
  $("lang").setAttribute("aria-label", t.otherLabel);
  $("lang").lang = lang === "en" ? "zh-Hans" : "en";
  setMode(mode);
  showHeld();
  redraw?.();
  panel.again();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = box.value.trim();
  if (words) start(words);
  else box.focus();
});
box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    box.focus();
  }
});
stop.addEventListener("click", () => working?.abort());
$("mode-ask").addEventListener("click", () => (setMode("ask"), box.focus()));
$("mode-search").addEventListener("click", () => (setMode("search"), box.focus()));
$("lang").addEventListener("click", () => spoken(lang === "en" ? "zh" : "en"));
$("theme").addEventListener("click", () => {
  const chosen = document.documentElement.dataset.theme;
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme(dark ? "light" : "dark");
});
$("status").addEventListener("click", async (event) => {
  const from = event.currentTarget;
  await refreshStatus();
  if (status) panel.open(() => statusNodes(status), from);
});
addEventListener("popstate", follow);
addEventListener("hashchange", follow);

$("hero").prepend(sundial());
spoken(lang);
refreshStatus();
follow();
if (!matchMedia("(hover: none)").matches && location.pathname + location.hash === "/") box.focus({ preventScroll: true });
