// Settings that explain themselves: what answers and where it runs, what leaves this machine, how
// sure a verdict must be, which models could be here, and how the page looks.

import * as api from "./api.js";
import { badge, button, bytes, failure, h, memory, number, say, title } from "./dom.js";
import * as router from "./router.js";
import * as shortcuts from "./shortcuts.js";
import { refresh, status } from "./status.js";
import { lang, languages, speak, t } from "./strings.js";
import { account, look as lookWho } from "./access.js";

export const name = "settings";
export const keys = ["settings"];

const main = document.getElementById("view");
let told = null; // GET /v1/settings
let known = []; // the table of models
let pulls = new Map();
let error = null;
let timer = 0;

export async function enter() {
  draw();
  try {
    const [settings, models] = await Promise.all([api.get("/v1/settings"), api.get("/v1/models"), refresh(), lookWho().catch(() => null)]);
    told = settings;
    known = models.gnomon?.known ?? [];
    error = null;
    if (router.view()?.name === name) await watch();
  } catch (failed) {
    error = failed;
  }
  if (router.view()?.name === name) draw();
}

export function leave() {
  clearTimeout(timer);
}

export const again = () => draw();

/** The theme that was chosen; "" follows the system. */
export const theme = () => memory.get("theme") ?? "";

export function setTheme(next) {
  memory.set("theme", next || null);
  if (next) document.documentElement.dataset.theme = next;
  else delete document.documentElement.dataset.theme;
}

const part = (id, words, ...inside) => h("section", { class: "setting", "aria-labelledby": id }, h("h2", { id }, words), inside);

function draw() {
  main.replaceChildren(...[
    title(t.settings),
    error && failure(error, enter),
    status && part("s-model", t.whatAnswers, models()),
    told && part("s-leaves", t.whatLeaves, leaves()),
    status?.confidence && part("s-risk", t.howSure, risk(status.confidence)),
    known.length > 0 && part("s-models", t.modelsHere, h("p", { class: "muted" }, t.modelsHelp), table()),
    part("s-look", t.look, look()),
    part("s-access", t.access, h("div", { class: "account" }, account(draw))),
    told?.settings && part("s-all", t.everySetting, all(told.settings)),
    status && part("s-about", t.about, h("p", {}, `gnomon ${status.version ?? ""} · `, h("a", { href: "/#held" }, t.statusTitle)),
      status.home && h("p", { class: "muted" }, t.homeHelp, " ", h("code", {}, status.home))),
  ].filter(Boolean));
}

// ---------------------------------------------------------------- what answers

function models() {
  const { chat, strong, embed, entail, trouble = {} } = status.models ?? {};
  const where = told?.leaves.chat;
  const row = (key, value, place, help) => h("div", { class: "of-three" }, h("dt", {}, t.modelNames[key]),
    h("dd", {}, h("b", {}, value || t.none), value && h("small", {}, place), h("span", { class: "muted" }, help)));
  return [
    h("dl", { class: "rows" },
      row("chat", chat, where ? t.runsAt(where) : t.runsHere, !chat ? t.chatNone : strong ? t.chatStrong : t.chatWeak),
      row("entail", entail, t.runsHere, t.entailHelp),
      row("embed", embed, t.runsHere, embed ? t.embedHelp : t.embedNone)),
    Object.keys(trouble).length > 0 && h("ul", { class: "left" }, Object.entries(trouble).map(([one, said]) =>
      h("li", { class: "trouble" }, h("b", {}, t.modelNames[one] ?? one), h("span", {}, said)))),
  ];
}

function leaves() {
  const { chat, sources, web } = told.leaves;
  const line = (out, words) => h("li", {}, badge(out ? "disputed" : "supported", out ? t.leavesYes : t.leavesNo), h("span", {}, words));
  return h("ul", { class: "leaves" },
    chat ? line(true, t.leavesChat(chat)) : line(false, t.leavesNoChat),
    web ? line(true, t.leavesWeb(web)) : line(false, t.leavesNoWeb),
    sources ? line(true, t.leavesSources) : line(false, t.leavesNoSources),
    line(false, t.leavesPage));
}

function risk(confidence) {
  const share = confidence.risk;
  const counts = confidence.thresholds ?? {};
  return [
    h("p", {}, share >= 1 ? t.riskAll : t.riskIs(`${number(Math.round(share * 1000) / 10)}%`)),
    Object.keys(counts).length > 0 && h("p", { class: "muted" }, t.riskThresholds, " ",
      Object.entries(counts).map(([kind, at]) => `${t.kindsOfText[kind] ?? kind} ${Math.round(at * 100)}%`).join(" · ")),
    confidence.drift?.moved && h("p", { class: "trouble" }, t.riskMoved(confidence.drift.verdicts)),
    h("p", { class: "muted" }, t.riskChange, " ", h("code", {}, "risk = 0.05")),
  ];
}

// ---------------------------------------------------------------- models

async function watch() {
  clearTimeout(timer);
  if (!told?.settings) return; // not an admin
  const { data } = await api.get("/v1/pulls");
  const was = pulls;
  pulls = new Map(data.map((one) => [one.name, one]));
  for (const one of data) {
    if (one.state === "done" && was.get(one.name)?.state === "running") {
      say(t.pulled(one.name));
      known = (await api.get("/v1/models")).gnomon?.known ?? known;
      await refresh();
    }
  }
  if (router.view()?.name !== name) return;
  const focused = document.activeElement?.closest("[data-model]")?.dataset.model;
  const body = document.getElementById("models");
  if (body) body.replaceWith(table());
  if (focused) document.querySelector(`[data-model="${CSS.escape(focused)}"] button`)?.focus();
  if (data.some((one) => ["waiting", "running"].includes(one.state))) timer = setTimeout(() => watch().catch(() => {}), 700);
}

async function change(work) {
  try {
    await work();
    await watch();
  } catch (failed) {
    error = failed;
    draw();
  }
}

const table = () => h("ul", { id: "models", class: "models" }, known.map((model) => {
  const pull = pulls.get(model.name);
  const going = pull && ["waiting", "running"].includes(pull.state);
  const part = pull?.total ? pull.done / pull.total : 0;
  return h("li", { class: "card", "data-model": model.name },
    h("span", { class: "by" }, h("b", {}, model.name), h("span", {}, t.modelNames[model.task] ?? model.task),
      h("span", {}, model.bytes ? bytes(model.bytes) : ""), h("span", {}, model.licence)),
    model.note && h("span", { class: "muted" }, model.note),
    going && h("span", { class: "going" },
      h("progress", { max: "1", value: String(part), "aria-label": t.pulling(model.name) }),
      h("small", {}, pull.state === "waiting" ? t.waiting : `${bytes(pull.done)} / ${pull.total ? bytes(pull.total) : "?"}`)),
    pull?.state === "failed" && h("span", { class: "trouble" }, pull.error),
    h("span", { class: "by does" },
      model.in_use ? badge("supported", t.inUse) : model.here && badge("note", t.here),
      told?.settings && !model.here && (going
        ? button(t.stop, () => change(() => api.remove(`/v1/pulls/${encodeURIComponent(model.name)}`)))
        : button(pull && pull.state !== "done" ? t.pullOn : t.pull, () => change(() => api.post("/v1/pulls", { model: model.name }))))));
}));

// ---------------------------------------------------------------- the page itself

/** One of several, as radio buttons: [[key, words, attributes?], …]. */
export function choice(legend, name, options, value, onpick) {
  return h("fieldset", { class: "choice" }, h("legend", {}, legend), options.map(([key, words, attributes = {}]) =>
    h("label", {}, h("input", { type: "radio", name, value: key, checked: key === value, onchange: () => onpick(key) }), h("span", attributes, words))));
}

const look = () => [
  choice(t.language, "language", languages.map(([key, words, tag]) => [key, words, { lang: tag }]), lang, async (next) => {
    await speak(next);
    document.querySelector('input[name="language"]:checked')?.focus();
  }),
  choice(t.theme, "theme", [["", t.themeSystem], ["light", t.themeLight], ["dark", t.themeDark]], theme(), setTheme),
  choice(t.keysTitle, "keys", [["on", t.on], ["off", t.off]], shortcuts.on() ? "on" : "off", (next) => shortcuts.turn(next === "on")),
  h("p", { class: "muted" }, t.keysHelp),
];

function all(settings) {
  const shown = (value) => (Array.isArray(value) ? value.join(", ") : value === "" ? "–" : String(value));
  return h("details", { class: "fold" }, h("summary", {}, t.settingsHow(Object.keys(settings).length)),
    h("p", { class: "muted" }, t.settingsWhere),
    h("dl", { class: "rows all" }, Object.entries(settings).map(([one, { value, default: usual, doc }]) =>
      h("div", {}, h("dt", {}, h("code", {}, one)),
        h("dd", {}, h("b", {}, shown(value)), shown(value) !== shown(usual) && usual !== undefined && h("small", {}, t.changed), h("span", { class: "muted" }, doc))))));
}
