// Asking: a conversation of questions, each with its steps as they are taken and its answer.

import * as api from "./api.js";
import { answerNode, byNumber, copying, gist, sentenceNode } from "./answer.js";
import { claimsNode } from "./claims.js";
import * as composer from "./composer.js";
import { dial, sundial } from "./dial.js";
import { badge, button, failure, h, langOf, say } from "./dom.js";
import * as filters from "./filters.js";
import * as panel from "./panel.js";
import * as router from "./router.js";
import { known as statusKnown, onStatus, status } from "./status.js";
import { lang, t } from "./strings.js";
import * as talk from "./talk.js";

export const name = "ask";
export const keys = ["q", "answer", "kept"];

const main = document.getElementById("view");
const list = h("div", { class: "turns" });
/** What was asked and answered here, oldest first: {question, where, answer, node, draw, dial}. */
let turns = [];
let working = null;

export function enter(params) {
  filters.from(params);
  filters.onChange(refilter);
  composer.use({ hint: t.askHint, name: t.askLabel, action: t.ask, onsubmit: ask, onstop: stop });
  talk.name();
  if (params.get("answer")) return openAnswer(params.get("answer"));
  if (params.get("kept")) return openKept(params.get("kept"));
  if (params.get("q") && params.get("after")) return goOn(params.get("after"), params.get("q"));
  if (params.get("q")) {
    clear();
    return ask(params.get("q"));
  }
  return start();
}

export function leave() {
  stop();
}

/** The empty page: what this is, the box, and questions to try. */
function start() {
  clear();
  composer.write("");
  home();
  if (matchMedia("(hover: hover)").matches) composer.box.focus({ preventScroll: true });
}

function home() {
  document.body.classList.remove("asked");
  main.replaceChildren(
    h("section", { class: "hero" }, sundial(), h("h1", { class: "motto" }, t.title), h("p", {}, t.lede)),
    h("div", { id: "examples", class: "examples", hidden: true }));
  composer.put(main.lastElementChild, true);
  composer.follows();
  examples();
}

function examples() {
  const place = document.getElementById("examples");
  if (!place) return undefined;
  const all = (status?.examples ?? []).filter((one) => one.text);
  const mine = all.filter((one) => one.lang === lang);
  const shown = (mine.length ? mine : all).slice(0, 6);
  const empty = status?.posts === 0;
  const what = JSON.stringify([lang, empty, shown, Boolean(status)]);
  if (place.dataset.what === what) return; // nothing new: what has the focus keeps it
  place.dataset.what = what;
  place.hidden = !shown.length && !empty;
  if (empty) return place.replaceChildren(h("h2", { class: "small" }, t.emptyTitle), h("p", { class: "muted" }, t.emptyHelp), h("p", {}, h("code", {}, "gnomon sources add bluesky"), " · ", h("code", {}, "gnomon serve --file posts.jsonl")));
  if (!shown.length) return lately(place);
  return place.replaceChildren(h("h2", { class: "small" }, t.tryThese), h("ul", {}, shown.map((one) =>
    h("li", {}, h("button", { type: "button", ...langOf(one.lang), onclick: () => ask(one.text) }, one.text)))));
}

/** What people talk of in the posts held here, to begin with. */
async function lately(place) {
  const part = status && await import("./nearest.js").catch(() => null);
  await part?.lately(place);
}

function clear() {
  stop();
  turns = [];
  list.replaceChildren();
  panel.hide();
}

function stop() {
  working?.abort();
  working = null;
  talk.hush();
}

/** The filter was changed: it holds from the next question on, and stands in the address. */
function refilter() {
  const last = turns.at(-1);
  const head = last?.answer ? whereIs(last.answer) : last ? [["q", last.question], ["after", last.after]] : [];
  router.place([...head, ...filters.pairs()], { replace: true });
}

function show() {
  document.body.classList.add("asked");
  composer.put(main); // before all else goes, so that the box keeps the focus
  if (main.contains(list)) return;
  for (const old of [...main.children]) if (old !== composer.form) old.remove();
  main.prepend(h("h1", { class: "hidden" }, t.ask), list);
}

function turnOf(question) {
  const turn = { question, where: filters.words(), answer: null, node: h("section", { class: "turn", "aria-busy": "true" }) };
  turns.push(turn);
  list.append(turn.node);
  show();
  return turn;
}

const isHere = () => router.view()?.name === name;

/** A question of so many characters is shown by its beginning: the answer is what was asked for. */
const LONG = 280;

function asked({ question }) {
  const words = h("h2", { class: question.length > LONG ? "asked-words long" : "asked-words", tabindex: "-1", dir: "auto" }, question);
  if (question.length <= LONG) return words;
  const whole = h("button", { type: "button", class: "plain whole-question", onclick: () => {
    words.classList.remove("long");
    whole.remove();
    words.focus();
  } }, t.wholeQuestion);
  return [words, whole];
}

const head = (turn) => [
  ...[asked(turn)].flat(),
  turn.where && h("p", { class: "where" }, t.within(turn.where)),
];

/** What the next question follows on from, as the server names it. */
const previous = () => turns.findLast((turn) => turn.answer?.id)?.answer;

/** A question for everything at once, in the words that people have for it. */
const AT_LARGE = /^\s*(?:what(?:['’]s| is| has been)? (?:going on|happening|happened|new|up|in the news|trending|rising)|(?:最近|现在|今天|这几天)?(?:都|又)?(?:发生|出)了?(?:些)?什么事?(?:情)?了?|有什么(?:新闻|新鲜事))(?: (?:right )?(?:now|today|lately))?[\s?？!！。.]*$/i;

/** Ask, following on from the answer before; `alone` takes the words as they stand. */
async function ask(question, { alone = false } = {}) {
  const drawn = /^\s*\/(?:draw|画)(?:\s+|$|(?=[\u4e00-\u9fff]))(.*)$/s.exec(question);
  if (drawn) return drawInstead(drawn[1].trim());
  // No post answers that: what rises and the stories do.
  if (AT_LARGE.test(question) && (await statusKnown())?.posts) return elsewhere([["board", ""], ["lang", filters.pairs().find(([key]) => key === "lang")[1]]]);
  const aloud = talk.asking();
  stop();
  const controller = new AbortController();
  working = controller;
  const before = alone ? null : previous();
  composer.write("");
  composer.busy(true);
  composer.follows();
  panel.hide();
  const turn = turnOf(question);
  turn.after = before?.response ?? before?.id;
  router.place([["q", question], ["after", turn.after], ...filters.pairs()]);
  const began = performance.now();
  turn.dial = dial();
  const live = h("div", { class: "sentences" });
  turn.draw = () => turn.dial.again();
  turn.node.replaceChildren(...head(turn).filter(Boolean), turn.dial.node, h("div", { class: "answer" }, live));
  if (turns.length > 1) turn.node.scrollIntoView({ block: "start" });
  say(t.asking);
  const known = new Set();
  try {
    const body = { question, ...(await filters.fields()), ...(before ? { previous: turn.after } : {}) };
    for await (const { event, data } of api.stream("/v1/ask", body, controller.signal)) {
      if (event === "step") say(`${t.steps[data.name] ?? data.name}: ${turn.dial.show(data)}`);
      else if (event === "sentence") {
        live.append(sentenceNode(data.sentence, byNumber(data.citations), panel.openEvidence, known));
        if (aloud) talk.sentence(data.sentence.text, captions(turn, live.childElementCount - 1));
      } else if (event === "answer") turn.answer = data;
    }
    if (!turn.answer) throw new api.ApiError({ message: t.offline }, 0);
    turn.seconds = ((performance.now() - began) / 1000).toFixed(1);
    turn.dial.show({ name: "answer", detail: t.kept(turn.answer.sentences.length, turn.answer.left_out.length) });
    finish(turn);
    if (aloud && !live.childElementCount) talk.sentence(gist(turn.answer), () => turn.node);
  } catch (error) {
    failed(turn, error, controller.signal.aborted);
  } finally {
    turn.node.removeAttribute("aria-busy");
    if (working === controller || !working) {
      working = null;
      composer.busy(false);
    }
  }
}

function failed(turn, error, stopped) {
  turn.dial.node.removeAttribute("data-working");
  turn.draw = () => {
    turn.dial.again();
    turn.node.querySelector(".ended")?.remove();
    turn.node.append(h("div", { class: "ended" }, stopped
      ? [h("p", { class: "muted" }, t.stopped), h("div", { class: "actions" }, button(t.retry, () => retry(turn)))]
      : failure(error, () => retry(turn))));
  };
  turn.draw();
  if (stopped) say(t.stopped);
  below();
  turn.node.querySelector(".ended").scrollIntoView({ block: "nearest" });
}

/** Go where a question is answered better; an address that asks it gives up its place. */
const elsewhere = (pairs) => router.go(pairs, { replace: new URLSearchParams(location.hash.slice(1)).has("q") });

/** A question that begins with /draw is a picture. */
async function drawInstead(prompt) {
  (await import("./draw.js")).wish(prompt);
  elsewhere([["draw", prompt]]);
}

/** Ask again in the place of a turn that came to nothing. */
function retry(turn) {
  turns = turns.filter((one) => one !== turn);
  turn.node.remove();
  return ask(turn.question);
}

function finish(turn, { quiet = false } = {}) {
  const { answer } = turn;
  const near = answer?.abstained && answer.posts > 0;
  turn.draw = () => {
    drawAnswer();
    if (near) nearest(turn);
  };
  function drawAnswer() {
    if (!answer) return turn.node.replaceChildren(...head(turn).filter(Boolean), plainNode(turn.plain));
    const understood = answer.question !== turn.question ? answer.question : "";
    return turn.node.replaceChildren(...[
      ...head(turn),
      understood && h("p", { class: "where", dir: "auto" }, t.understood(understood), " ",
        h("button", { type: "button", class: "plain", onclick: () => ask(turn.question, { alone: true }) }, t.askAlone)),
      turn.dial && h("details", { class: "made" }, h("summary", {}, t.made(turn.dial.read(), turn.seconds)), turn.dial.list),
      answerNode(answer, panel.openEvidence, actions(turn), turn.dial?.forms()),
    ].filter(Boolean));
  }
  turn.draw();
  if (quiet || !isHere()) return;
  if (!answer) return below();
  // In the place of its question: going back may not ask it again.
  router.place([...whereIs(answer), ...filters.pairs()], { replace: true });
  say(gist(answer));
  below();
}

/** Where there is no answer, the posts nearest to the question; what shows them comes with them. */
async function nearest(turn) {
  const part = await import("./nearest.js").catch(() => null);
  turn.near ??= filters.query();
  await part?.show(turn.node.querySelector(".abstained"), turn.answer.question, await turn.near);
}

/** What the box says below a conversation. */
function below() {
  if (!isHere()) return;
  const answered = previous();
  composer.box.placeholder = answered ? t.askMore : t.askHint;
  composer.follows(answered && h("span", {}, t.followsOn), answered && h("a", { href: "/", class: "fresh" }, t.fresh));
  composer.grow();
}

/** The address of an answer: in one's own history, with the questions before it, or by itself. */
function whereIs(answer) {
  if (answer.response) return [["kept", answer.response]];
  return answer.id ? [["answer", answer.id]] : [["q", answer.question]];
}

const link = (pairs) => `${location.origin}${router.address(pairs)}`;

function actions(turn) {
  const { answer, question } = turn;
  const parts = turns.slice(0, turns.indexOf(turn) + 1).filter((one) => one.answer);
  return [
    answer.id && copying(t.copyLink, link([["answer", answer.id]]), say),
    copying(t.copyQuestion, link([["q", question], ...filters.pairs()]), say),
    button(t.saveCopy, () => keep(parts.map((one) => one.answer)), { title: t.saveHelp }),
    button(talk.readAloud(), () => talk.read(...spoken(turn))),
    answer.abstained && answer.posts > 0 && button(t.seePosts, () => router.go([["search", question], ...filters.pairs()])),
    button(t.again, () => ask(question)),
  ].filter(Boolean);
}

/** Save a copy of `answers`; what writes it comes when it is first wanted. */
async function keep(answers) {
  const part = await import("./share.js").catch(() => null);
  return part ? part.save(answers) : say(t.offline);
}

/** The sentences of an answer, and what finds the caption of each. */
function spoken({ answer, node }) {
  const texts = answer.sentences.map((one) => one.text);
  return texts.length ? [texts, (at) => captions({ node }, at)()] : [[gist(answer)], () => node];
}

/** Where a sentence stands when it is said: the answer may have been drawn anew by then. */
const captions = (turn, at) => () => turn.node.querySelectorAll(".sentence")[at];

/** A follow-up that its address names, as after a reload: what it follows on from is shown again,
 * then it is asked. Where that is gone it is not asked, for it would be another question. */
async function goOn(id, question) {
  clear();
  const there = await (id.startsWith("ask_") ? openKept : openAnswer)(id, { quiet: true });
  if (!isHere()) return;
  if (there) await ask(question);
  else if (!composer.box.value) composer.write(question);
}

/** Show a kept answer, or a kept check of a text; `quiet`: more follows it. */
function openAnswer(id, { quiet = false } = {}) {
  return open((turn) => turn.answer?.id === id, async (turn) => {
    const kept = await api.get(`/v1/answers/${encodeURIComponent(id)}`);
    if (!turns.includes(turn)) return undefined;
    if (kept.object === "gnomon.verification") return openCheck(turn, kept);
    turn.answer = kept;
    turn.question = kept.question;
    return finish(turn, { quiet });
  });
}

/** Show a conversation of one's history up to the answer `id`. */
function openKept(id, { quiet = false } = {}) {
  return open((turn) => turn.answer?.response === id, async (last) => {
    const kept = await api.get(`/v1/history/${encodeURIComponent(id)}`);
    const thread = await Promise.all(kept.thread.map((one) => api.get(`/v1/history/${encodeURIComponent(one.id)}`)));
    if (!turns.includes(last)) return;
    last.node.remove();
    turns = [];
    for (const one of [...thread, kept]) {
      const turn = turnOf(one.question);
      turn.node.removeAttribute("aria-busy");
      if (one.ask) turn.answer = { ...one.ask, response: one.id };
      else turn.plain = one;
      finish(turn, { quiet: quiet || one !== kept });
    }
    turns.at(-1).node.scrollIntoView({ block: "start" });
  });
}

/** Show what `fetch(turn)` brings, unless a turn that is it stands here already; whether it came. */
async function open(isIt, fetch) {
  const here = turns.find(isIt);
  if (here && main.contains(list)) {
    here.node.scrollIntoView({ block: "start" });
    return true;
  }
  clear();
  const turn = turnOf("");
  turn.node.replaceChildren(h("p", { class: "muted" }, t.loadingAnswer));
  try {
    await fetch(turn);
  } catch (error) {
    turn.node.replaceChildren(failure(error));
    return false;
  } finally {
    turn.node.removeAttribute("aria-busy");
  }
  return turns.some(isIt);
}

/** An answer of the API that has no claims of its own: a model's words, which nobody checked. */
const plainNode = (kept) =>
  h("div", { class: "answer" }, h("p", { class: "verdictline" }, badge("note", t.notChecked), h("span", { class: "muted" }, t.plainAnswer(kept.model ?? ""))),
    h("p", { class: "words", dir: "auto" }, kept.excerpt || t.noWords));

function openCheck(turn, kept) {
  turn.draw = () => turn.node.replaceChildren(
    h("h2", { class: "asked-words", tabindex: "-1" }, kept.document.title || t.checkedText), claimsNode(kept));
  turn.draw();
  below();
}

export function again() {
  composer.use({ hint: t.askHint, name: t.askLabel, action: t.ask, onsubmit: ask, onstop: stop });
  talk.name();
  if (!turns.length) return home();
  for (const turn of turns) turn.draw?.();
  return below();
}

onStatus(examples);

