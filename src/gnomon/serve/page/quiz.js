// Human or machine? A picture at a time and two buttons; what they were, when the round has ended.

import * as api from "./api.js";
import { badge, button, fact, failure, fold, h, say, title } from "./dom.js";
import { scored } from "./quiz.chart.js";
import { words } from "./quiz.words.js";
import * as router from "./router.js";
import * as shortcuts from "./shortcuts.js";
import { lang, t } from "./strings.js";

export const name = "quiz";

const main = document.getElementById("view");
const LENGTHS = [10, 20, 40, 80];
const LARGEST = 512; // CSS pixels
let w = words[lang];
let sets = [];
let trouble = [];
let chosen = "";
let round = null;
let scores = null;
let ready = false; // the picture can be seen, and its answer given
let nodes = null;

/** The view's own style comes with it. */
function dress() {
  if (document.getElementById("quiz-style")) return;
  document.head.append(h("link", { id: "quiz-style", rel: "stylesheet", href: "/page/quiz.css" }));
}

export async function enter(params) {
  dress();
  w = words[lang];
  document.addEventListener("keydown", pressed);
  round = null;
  nodes = null;
  const wanted = params.get("quiz");
  try {
    if (wanted) round = await api.get(`/v1/quiz/rounds/${encodeURIComponent(wanted)}`);
    await look();
  } catch (error) {
    if (here()) show(title(t.titles.quiz), failure(error, () => router.go([["quiz", ""]])));
    return;
  }
  if (here()) draw();
}

export function leave() {
  document.removeEventListener("keydown", pressed);
  nodes = null;
}

export function again() {
  w = words[lang];
  nodes = null;
  draw();
}

const here = () => router.view()?.name === name;
const show = (...inside) => main.replaceChildren(h("div", { class: "quiz" }, inside));

/** What there is, and what was scored of it. */
async function look() {
  const told = await api.get("/v1/quiz");
  [sets, trouble] = [told.data, told.trouble];
  chosen = round?.quiz ?? (sets.some((set) => set.id === chosen) ? chosen : (sets[0]?.id ?? ""));
  scores = sets.some((set) => set.id === chosen) ? await api.get(`/v1/quiz/scores?quiz=${chosen}`) : null;
}

function draw() {
  if (!round) begin();
  else if (round.question) ask();
  else tell();
}

// ---------------------------------------------------------------- before a round

function begin() {
  const set = sets.find((one) => one.id === chosen);
  if (!set) {
    show(title(t.titles.quiz), h("p", { class: "hint" }, h("b", {}, w.none), h("br"), w.how), broken());
    return;
  }
  const length = h("select", { id: "quiz-length" }, [...LENGTHS.filter((n) => n < set.most), Math.min(set.most, 100)]
    .map((n) => h("option", { value: n, selected: n === Math.min(20, set.most) }, n)));
  const practice = h("input", { id: "quiz-practice", type: "checkbox" });
  const start = async () => {
    try {
      round = await api.post("/v1/quiz/rounds", { quiz: set.id, questions: Number(length.value), practice: practice.checked });
    } catch (error) {
      return void main.firstChild.append(failure(error, start));
    }
    router.place([["quiz", round.id]]);
    return draw();
  };
  show(title(t.titles.quiz), h("p", { class: "muted lead-in" }, w.lede),
    h("form", { class: "starting", onsubmit: (event) => (event.preventDefault(), start()) },
      sets.length > 1 && h("div", { class: "field" }, h("label", { for: "quiz-set" }, w.set),
        h("select", { id: "quiz-set", onchange: pick }, sets.map((one) => h("option", { value: one.id, selected: one.id === chosen }, `${one.name} · ${one.model}`)))),
      h("p", {}, w.made(set), " ", w.fresh(set.fresh)),
      h("div", { class: "row" }, h("div", { class: "field" }, h("label", { for: "quiz-length" }, w.length), length),
        h("button", { type: "submit", id: "quiz-begin", class: "go" }, w.begin)),
      h("label", { class: "practice", for: "quiz-practice" }, practice, h("span", {}, w.practice))),
    credits(set), broken(), board());
}

async function pick(event) {
  chosen = event.target.value;
  try {
    await look();
    begin();
    document.getElementById("quiz-set")?.focus();
  } catch (error) {
    main.firstChild.append(failure(error, () => pick(event)));
  }
}

const credits = (set) => fold(w.credits, h("dl", { class: "facts" },
  fact(w.licences, set.licences.join(", ")), set.authors.length > 0 && fact(w.authors, set.authors.join(", ")), set.recipe && fact(w.recipe, set.recipe),
  set.notes.length > 0 && fact(w.notes, set.notes.join("; "))));

const broken = () => trouble.length > 0 && fold(w.broken, h("ul", {}, trouble.map((why) => h("li", {}, why))));

function board() {
  if (!scores?.everybody.answers) return null;
  if (round && scores.everybody.rounds === 1) return null; // that is this one
  const alone = scores.everybody.people === 1 && scores.mine.answers > 0;
  const actions = h("div", { class: "actions" });
  const sure = () => {
    actions.replaceChildren(h("span", {}, w.forgetSure), button(w.remove, forget, { id: "quiz-forget-now" }), button(w.keep, calm));
    actions.querySelector("button").focus();
  };
  const calm = () => actions.replaceChildren(button(w.forget, sure, { id: "quiz-forget" }));
  calm();
  return h("div", { id: "quiz-scores" }, scores.mine.answers > 0 && scored(w.yours, scores.mine, w), !alone && scored(w.everybody, scores.everybody, w),
    scores.unfinished > 0 && h("p", { class: "muted" }, w.unfinished(scores.unfinished)), scores.mine.answers > 0 && actions);
}

async function forget() {
  try {
    await api.remove("/v1/quiz/scores");
    await look();
    begin();
    say(w.forgot);
  } catch (error) {
    main.firstChild.append(failure(error, forget));
  }
}

// ---------------------------------------------------------------- a question

/** The frame stays for the whole round, so that the focus does. */
function frame() {
  const choice = (by, key, arrow) => h("button", { type: "button", class: "go choice-of", id: `quiz-${by}`, "aria-keyshortcuts": `${key} ${arrow}`, onclick: () => answer(by) },
    w[by], h("kbd", { "aria-hidden": "true" }, key));
  nodes = {
    count: h("p", { id: "quiz-count", class: "muted" }),
    bar: h("progress", { max: round.questions, "aria-label": t.titles.quiz }),
    plate: h("div", { class: "plate-of" }),
    last: h("div", { id: "quiz-last" }),
    trouble: h("div", {}),
    actions: h("div", { class: "actions" }),
  };
  calmed();
  show(h("h1", { class: "hidden", tabindex: "-1" }, t.titles.quiz), h("div", { class: "going-on" }, nodes.count, nodes.bar), nodes.plate,
    h("div", { class: "choices" }, choice("person", "H", "ArrowLeft"), choice("machine", "M", "ArrowRight")),
    h("p", { class: "muted keys-of" }, w.keys), nodes.trouble, nodes.last, nodes.actions);
}

function calmed() {
  nodes.actions.replaceChildren(button(w.end, () => {
    nodes.actions.replaceChildren(h("span", {}, w.endSure), button(w.yes, end, { id: "quiz-end-now" }), button(w.no, calmed));
    nodes.actions.querySelector("button").focus();
  }, { id: "quiz-end" }));
}

async function end() {
  try {
    round = await api.post(`/v1/quiz/rounds/${round.id}/end`, {});
    await finish();
  } catch (error) {
    nodes?.trouble.replaceChildren(failure(error, end));
  }
}

function ask() {
  if (!nodes) frame();
  const { number, url } = round.question;
  ready = false;
  nodes.trouble.replaceChildren();
  nodes.count.textContent = w.asked(number, round.questions);
  nodes.bar.value = number - 1;
  const last = round.results?.at(-1);
  nodes.last.replaceChildren(...(last ? [card(last)] : []));
  const picture = h("img", { alt: w.alt, draggable: "false" });
  picture.addEventListener("load", () => {
    fit(picture);
    if (round?.question?.url !== url) return;
    ready = true;
    nodes?.plate.replaceChildren(picture);
    nodes?.plate.setAttribute("data-number", number);
  });
  picture.addEventListener("error", () => nodes?.trouble.replaceChildren(failure(new Error(t.offline), ask)));
  nodes.plate.removeAttribute("data-number");
  nodes.plate.replaceChildren(h("p", { class: "muted" }, w.waiting));
  picture.src = url;
  say([last && w.it[last.by], last && (last.right ? w.ok : w.wrong), w.asked(number, round.questions)].filter(Boolean).join(". "));
}

/** As large as there is room for, each pixel a whole number of the page's. */
function fit(picture) {
  const room = Math.min(LARGEST, nodes?.plate.clientWidth || LARGEST, innerHeight * 0.6);
  const times = Math.max(1, Math.floor(room / picture.naturalWidth));
  const side = picture.naturalWidth > room ? Math.floor(room) : times * picture.naturalWidth;
  [picture.width, picture.height] = [side, side];
}

async function answer(said) {
  if (!ready || !round?.question) return;
  ready = false;
  const { id, question } = round;
  try {
    round = await api.post(`/v1/quiz/rounds/${id}/answers`, { question: question.id, answer: said });
  } catch (error) {
    // The answer may have arrived though its reply did not: what the server has is what counts.
    nodes?.trouble.replaceChildren(failure(error, async () => {
      round = await api.get(`/v1/quiz/rounds/${id}`);
      draw();
    }));
    return;
  }
  if (!here()) return;
  if (round.question) ask();
  else await finish();
}

async function finish() {
  nodes = null;
  await look();
  if (!here()) return;
  draw();
  document.querySelector(".quiz .title")?.focus();
}

function pressed(event) {
  if (!nodes || event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input, textarea, select") || (event.key.length === 1 && !shortcuts.on())) return;
  const by = { h: "person", ArrowLeft: "person", m: "machine", ArrowRight: "machine" }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!by) return;
  event.preventDefault();
  answer(by);
}

// ---------------------------------------------------------------- what they were

function card(one) {
  const { about } = one;
  const whence = one.by === "machine" ? [round.about.model, about.seed !== undefined && w.seed(about.seed), about.prompt]
    : [about.title, about.author ? w.by(about.author) : w.unknown, about.licence, about.id];
  return h("figure", { class: "told-of", "data-by": one.by },
    h("img", { src: one.url, alt: w.asked(one.number, round.questions), loading: "lazy" }),
    h("figcaption", {}, h("b", {}, w.it[one.by]), badge(one.right ? "supported" : "refuted", one.right ? w.ok : w.wrong),
      h("span", { class: "muted", dir: "auto" }, whence.filter(Boolean).join(" · ")),
      one.repeat && h("span", { class: "muted" }, w.repeat)));
}

function tell() {
  show(title(t.titles.quiz), round.practice && h("p", { class: "muted" }, w.practised), scored(w.here, round.score, w),
    h("div", { class: "row" }, h("button", { type: "button", id: "quiz-another", class: "go", onclick: () => router.go([["quiz", ""]]) }, w.another)),
    round.results.length > 0 && [h("h2", { class: "small" }, w.results), h("div", { class: "all-of" }, round.results.map(card))],
    board());
}
