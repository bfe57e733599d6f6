// The page: its views, and what stands around them.

import * as access from "./access.js";
import * as api from "./api.js";
import * as ask from "./ask.js";
import * as check from "./check.js";
import * as composer from "./composer.js";
import { failure, h, icon, number } from "./dom.js";
import * as filters from "./filters.js";
import * as panel from "./panel.js";
import * as post from "./post.js";
import * as router from "./router.js";
import * as search from "./search.js";
import * as settings from "./settings.js";
import * as shortcuts from "./shortcuts.js";
import { onStatus, refresh, status } from "./status.js";
import { lang, onSpeak, speak, t } from "./strings.js";

const $ = (id) => document.getElementById(id);

/** A view whose script comes when it is first gone to. `within` is the view whose place in the bar
 * is its own, too. */
function later(file, name, keys, within) {
  let real = null;
  const view = { name, keys, within,
    async enter(params) {
      try {
        real ??= await import(`./${file}.js`);
      } catch {
        if (router.view() === view) $("view").replaceChildren(failure(new Error(t.offline), () => view.enter(params)));
        return undefined;
      }
      return router.view() === view ? real.enter(params) : undefined;
    },
    leave: () => real?.leave?.(),
    again: () => real?.again?.() };
  return view;
}

const board = later("board", "board", ["board"]);
const below = [["story", "story", ["story"]], ["digest", "digests", ["digests", "digest"]], ["sources", "sources", ["sources"]]]
  .map(([file, name, keys]) => later(file, name, keys, board));

const [skills, draw, history, held] = ["skills", "draw", "history", "held"].map((name) => later(name, name, [name]));

const quiz = later("quiz", "quiz", ["quiz"], draw);
// The first is the home. A view is added here, and in NAV where it has a place in the bar.
const VIEWS = [ask, search, check, history, settings, held, post, board, ...below, skills, draw, quiz, access.invitation];

// [view, the address, the word, the drawing, the key after "g"]
const NAV = [
  [ask, "/", "ask", "M3 4.5h14v9H9l-3.5 3v-3H3z", "a"],
  [board, "/#board", "board", "M3 16.5h14M5 13.5l3.5-4 3 2.5L16 5M16 5h-3.2M16 5v3.2", "b"],
  [search, "/#search", "search", "M8.7 14.2a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM12.8 12.8l4 4", "s"],
  [check, "/#check", "check", "M4 3.5h9v5M4 3.5v13h6M6.5 7h4M6.5 10h3M11 14l2 2 4-4.5", "c"],
  [skills, "/#skills", "skills", "M4 16l1-4 8.5-8.5 3 3L8 15zM12 5l3 3M11 16.5h6", "w"],
  [draw, "/#draw", "draw", "M3.5 4h13v12h-13zM3.5 13l4-4 3.5 3.5 2-2 3.5 3.5M13 7.2v.1", "d"],
  [history, "/#history", "history", "M4.2 6.2a7 7 0 1 1-1 4.4M3 3.5v3.2h3.2M10 6v4.4l2.8 1.8", "h"],
];

function bar() {
  $("nav").setAttribute("aria-label", t.views);
  $("nav").replaceChildren(...NAV.map(([view, href, word, path]) => {
    const short = t[`${word}Short`] ?? t[word];
    // Who speaks to the browser says the word that is seen: the name begins with it.
    return h("a", { href, "aria-current": (router.view()?.within ?? router.view()) === view ? "page" : null, "aria-label": t[word].startsWith(short) ? t[word] : `${short}: ${t[word]}` },
      icon(path, "drawn-icon"), h("span", {}, short));
  }));
  $("gear").toggleAttribute("data-here", router.view() === settings);
}

function words() {
  // The box may not stand on the page just now.
  const all = (named) => [...document.querySelectorAll(named), ...composer.form.querySelectorAll(named)];
  for (const node of all("[data-t]")) node.textContent = t[node.dataset.t];
  for (const node of all("[data-t-label]")) {
    node.setAttribute("aria-label", t[node.dataset.tLabel]);
    node.title = t[node.dataset.tLabel];
  }
  $("lang").textContent = t.other;
  $("lang").setAttribute("aria-label", t.otherLabel);
  $("lang").lang = lang === "en" ? "zh-Hans" : "en";
  bar();
  showHeld();
}

function showHeld() {
  $("count-held").replaceChildren(...(status ? [t.posts(status.posts), h("span", { class: "of-origins" }, ` · ${t.origins(status.origins)}`)] : ["…"]));
  $("status").setAttribute("aria-label", `${t.statusTitle}: ${$("count-held").textContent}`);
  $("status").querySelector(".lamp").classList.toggle("on", Boolean(status?.live));
  $("sample").hidden = !status?.sample;
  showIndexing();
}

/** While the words of many posts are not in the index yet, as after an update, answers miss them and
 * say that nothing is held: whoever reads that must know. */
let soon = 0;
function showIndexing() {
  const behind = status?.unindexed ?? 0;
  $("indexing").hidden = !behind;
  $("indexing").textContent = behind ? t.indexing(number(behind)) : "";
  clearTimeout(soon);
  if (behind) soon = setTimeout(() => refresh(true).catch(() => {}), 5000);
}

onSpeak(() => {
  words();
  filters.again();
  router.again();
  panel.again();
});
onStatus(showHeld);
// Who has an invitation in hand is asked nothing else.
const invited = () => location.hash.startsWith("#invite=");
api.onLocked(async (error) => !invited() && access.unlock(error));

for (const view of VIEWS) router.add(view);
router.onEnter((view) => {
  panel.hide();
  composer.busy(false);
  document.body.classList.remove("asked");
  bar();
  document.title = view === ask ? "gnomon" : `${t.titles[view.name] ?? view.name} · gnomon`;
  scrollTo(0, 0);
});

$("lang").addEventListener("click", () => speak(lang === "en" ? "zh" : "en"));
$("theme").addEventListener("click", () => {
  const chosen = settings.theme();
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  settings.setTheme(dark ? "light" : "dark");
});

shortcuts.bind("/", () => t.keyBox, () => (document.querySelector("#view textarea, #view input[type=search]") ?? composer.box).focus());
shortcuts.bind("j", () => t.keyNext, () => shortcuts.step(1));
shortcuts.bind("k", () => t.keyBefore, () => shortcuts.step(-1));
for (const [, href, word, , key] of NAV) {
  shortcuts.bind(`g ${key}`, () => t.keyGo(t[word]), () => {
    window.history.pushState(null, "", href);
    router.follow();
  });
}
shortcuts.bind("?", () => t.keyList, shortcuts.help);
$("keys").addEventListener("click", shortcuts.help);

if (!invited()) refresh().catch((error) => {
  if (!document.querySelector(".turn, .sorry")) $("view").append(failure(error, () => location.reload()));
});
setInterval(() => !document.hidden && status && refresh(true).catch(() => {}), 60_000);
await speak(lang, false);
router.follow();
