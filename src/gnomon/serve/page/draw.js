// Drawing: a prompt, what it becomes, the picture as it grows, and the pictures there are.

import * as api from "./api.js";
import { button, failure, fold, h, memory, say, title } from "./dom.js";
import { words } from "./draw.words.js";
import { gallery } from "./gallery.js";
import * as router from "./router.js";
import { lang, t } from "./strings.js";

export const name = "draw";

const main = document.getElementById("view");
const MOST_SOURCE = 25 * 2 ** 20;
let w = words[lang];
let about = null;
let trouble = null;
let working = null;
let source = null; // {name, data: a data URL}
let nodes = null;
let shown = null;

let wished = null;

/** Have the view draw `prompt` as soon as it is entered: an address alone only fills the form. */
export function wish(prompt) {
  wished = prompt;
}

/** The view's own style comes with it. */
function dress() {
  if (document.getElementById("draw-style")) return;
  document.head.append(h("link", { id: "draw-style", rel: "stylesheet", href: "/page/draw.css" }));
}

export async function enter(params) {
  dress();
  w = words[lang];
  trouble = null;
  build();
  if (params.get("draw")) nodes.prompt.value = params.get("draw");
  try {
    about = await api.get("/v1/images/about");
  } catch (error) {
    trouble = error;
  }
  if (router.view()?.name !== name) return;
  settle();
  await shown.load();
  if (params.get("draw") && wished === params.get("draw") && about?.models.length) await go();
  wished = null;
}

export function leave() {
  stop();
}

/** In another language: what is written stays. */
export function again() {
  const kept = nodes && { prompt: nodes.prompt.value, seed: nodes.seed.value };
  w = words[lang];
  build();
  if (kept) [nodes.prompt.value, nodes.seed.value] = [kept.prompt, kept.seed];
  settle();
  shown.load();
}

const field = (id, label, node) => h("div", { class: "field" }, h("label", { for: id }, label), node);
const number = (id, attributes) => h("input", { id, type: "number", inputmode: "numeric", ...attributes });

function build() {
  nodes = {
    prompt: h("textarea", { id: "draw-prompt", rows: "2", maxlength: "4000", dir: "auto", placeholder: w.hint, onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        go();
      }
    } }),
    full: h("div", { id: "draw-full" }),
    size: h("select", { id: "draw-size" }),
    count: number("draw-count", { min: "1", value: "1" }),
    seed: number("draw-seed", { min: "0", max: "4294967295", placeholder: w.chance }),
    steps: number("draw-steps", { min: "1", placeholder: w.own }),
    file: h("input", { id: "draw-source", type: "file", accept: "image/png,image/jpeg,image/webp", onchange: taken }),
    strength: h("input", { id: "draw-strength", type: "range", min: "0.1", max: "1", step: "0.05", value: "0.7" }),
    going: h("div", { id: "draw-going", "aria-live": "polite" }),
    go: h("button", { type: "submit", id: "draw-go", class: "go" }, w.go),
    stop: h("button", { type: "button", id: "draw-stop", class: "go stop", hidden: true, onclick: stop }, w.stop),
    rules: h("div", {}),
    place: h("section", { id: "pictures" }),
  };
  nodes.edit = h("div", { class: "row", id: "draw-edit", hidden: true }, field("draw-source", w.from, nodes.file), field("draw-strength", w.strength, nodes.strength));
  const form = h("form", { class: "drawing", onsubmit: (event) => (event.preventDefault(), go()) },
    h("label", { class: "hidden", for: "draw-prompt" }, w.prompt), nodes.prompt,
    h("div", { class: "row" }, button(w.see, see, { id: "draw-see" }), nodes.go, nodes.stop),
    nodes.full,
    fold(w.more, h("div", { class: "row" }, field("draw-size", w.size, nodes.size), field("draw-count", w.count, nodes.count),
      field("draw-seed", w.seed, nodes.seed), field("draw-steps", w.steps, nodes.steps)), nodes.edit));
  main.replaceChildren(h("div", { class: "drawer" }, title(t.titles.draw), h("p", { class: "muted lead-in" }, w.lede, " ", h("a", { href: "/#quiz" }, t.titles.quiz)), form, nodes.going, nodes.rules, nodes.place));
  shown = gallery(nodes.place, w, { use, start, edits: () => Boolean(about?.models[0]?.edits) });
}

/** What the server says of itself, into the form. */
function settle() {
  nodes.go.disabled = !about?.models.length;
  if (trouble) return nodes.going.replaceChildren(failure(trouble, () => enter(new URLSearchParams())));
  if (!about.models.length) return nodes.going.replaceChildren(h("p", { class: "sorry", role: "alert" }, h("b", {}, w.none), h("br"), about.why));
  nodes.size.replaceChildren(h("option", { value: "" }, w.own), ...(about.models[0].sizes ?? []).map((size) => h("option", { value: size }, size.replace("x", " × "))));
  nodes.count.max = about.limits.n;
  nodes.steps.max = about.limits.steps;
  nodes.edit.hidden = !about.models[0].edits;
  nodes.rules.replaceChildren(fold(w.rules, h("dl", { class: "facts" }, Object.entries(about.policy).map(([kind, action]) =>
    h("div", {}, h("dt", {}, about.rules[kind]), h("dd", {}, w.actions[action])))), h("p", { class: "muted" }, about.appeal)));
  return undefined;
}

// ---------------------------------------------------------------- the prompt

/** Show what the words become; what is shown may be changed, and is then drawn as it stands. */
async function see() {
  if (!nodes.prompt.value.trim()) return nodes.prompt.focus();
  try {
    const told = await api.post("/v1/images/prompt", { prompt: nodes.prompt.value });
    const box = h("textarea", { id: "draw-full-prompt", rows: "4", maxlength: "4000", dir: "auto" });
    box.value = told.prompt;
    nodes.full.replaceChildren(h("label", { for: "draw-full-prompt" }, w.full), box,
      told.not_translated.length > 0 && h("p", { class: "trouble" }, w.notTranslated(told.not_translated.join(" "))) || "",
      h("div", { class: "actions" }, button(w.asIs, () => go(box.value), { id: "draw-as-is" })));
    box.focus();
  } catch (error) {
    nodes.going.replaceChildren(failure(error));
  }
  return undefined;
}

async function taken() {
  const [file] = nodes.file.files;
  source = null;
  if (!file) return;
  if (file.size > MOST_SOURCE) return void nodes.going.replaceChildren(failure(new Error(`${file.name} > 25 MB`)));
  source = { name: file.name, data: await dataUrl(file) };
}

const dataUrl = (blob) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(blob);
});

/** Another like it has its words and size and a seed of its own; the same has its seed, too. */
function use(picture, { same = false }) {
  nodes.prompt.value = same ? picture.prompt : picture.asked;
  nodes.seed.value = same ? picture.seed : "";
  nodes.steps.value = same ? picture.steps : "";
  const size = `${picture.width}x${picture.height}`;
  if ([...nodes.size.options].some((one) => one.value === size)) nodes.size.value = size;
  return go(same ? picture.prompt : undefined);
}

async function start(picture) {
  source = { name: picture.id, data: await dataUrl(await (await fetch(picture.url)).blob()) };
  nodes.prompt.value = picture.asked;
  nodes.edit.closest("details").open = true;
  nodes.prompt.focus();
  nodes.prompt.select();
}

// ---------------------------------------------------------------- drawing

function busy(yes) {
  nodes.go.hidden = yes;
  nodes.stop.hidden = !yes;
  if (yes) nodes.stop.focus();
}

function stop() {
  working?.abort();
  working = null;
}

/** A preview as a canvas: the page's policy lets images come from files of the server alone. */
async function painted({ b64_json: packed, output_format: form }) {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: `image/${form}` }));
  const canvas = h("canvas", { width: bitmap.width, height: bitmap.height, role: "img", "aria-label": w.soFar });
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return canvas;
}

/** Draw what is written, or `whole`, a prompt as it stands. */
async function go(whole) {
  const prompt = (whole ?? nodes.prompt.value).trim();
  if (!prompt) return nodes.prompt.focus();
  stop();
  const controller = new AbortController();
  working = controller;
  const wish = { prompt, stream: true, progress: true, partial_images: memory.get("previews") === "no" ? 0 : 2, n: Number(nodes.count.value) || 1 };
  if (whole) wish.expand = false;
  if (nodes.size.value) wish.size = nodes.size.value;
  if (nodes.seed.value) wish.seed = Number(nodes.seed.value);
  if (nodes.steps.value) wish.steps = Number(nodes.steps.value);
  if (source) Object.assign(wish, { image: source.data, strength: Number(nodes.strength.value) });
  const bar = h("progress", { max: "1" });
  const line = h("p", { class: "muted" }, w.begun);
  const preview = h("div", { class: "preview" });
  nodes.going.replaceChildren(line, bar, preview);
  busy(true);
  let made = 0;
  try {
    for await (const { event, data } of api.stream(source ? "/v1/images/edits" : "/v1/images/generations", wish, controller.signal)) {
      if (event === "gnomon.image.progress") {
        line.textContent = w.progress(data.step, data.steps, data.picture + 1, data.pictures);
        [bar.max, bar.value] = [data.steps, data.step];
      } else if (event.endsWith(".partial_image")) {
        preview.replaceChildren(await painted(data));
      } else if (event.endsWith(".completed")) {
        made += 1;
      }
    }
    say(w.done(made));
    nodes.going.replaceChildren();
    source = null;
    nodes.file.value = "";
    await shown.load();
  } catch (error) {
    const stopped = controller.signal.aborted;
    nodes.going.replaceChildren(stopped ? h("p", { class: "muted" }, w.stopped) : failure(error));
    if (stopped) say(w.stopped);
    if (made) await shown.load();
  } finally {
    if (working === controller || !working) {
      working = null;
      busy(false);
    }
  }
  return undefined;
}
