// One's pictures, the newest first: each with its prompt, seed and model, and ways on from it.

import * as api from "./api.js";
import { button, failure, fold, h, say, when } from "./dom.js";

const PAGE = 24;

/** A gallery in `place`. `w` are its words; `use(picture, {same})` puts a picture's wishes into the
 * form, `start(picture)` takes one as the start of another. */
export function gallery(place, w, { use, start, edits }) {
  let held = [];
  let more = false;
  let trouble = null;

  async function load(after = "") {
    try {
      const told = await api.get(`/v1/images?limit=${PAGE}${after && `&after=${encodeURIComponent(after)}`}`);
      held = after ? [...held, ...told.data] : told.data;
      more = told.has_more;
      trouble = null;
    } catch (error) {
      trouble = error;
    }
    draw();
  }

  function draw() {
    place.replaceChildren(h("h2", { class: "small" }, w.gallery),
      ...[trouble && failure(trouble, () => load()),
        !held.length && !trouble && h("p", { class: "muted", id: "no-pictures" }, w.empty),
        h("ul", { class: "gallery" }, held.map(card)),
        more && button(w.older, () => load(held.at(-1).id), { id: "older-pictures" })].filter(Boolean));
  }

  function card(one) {
    const asks = h("div", { class: "actions" });
    const actions = () => asks.replaceChildren(
      button(w.like, () => use(one, {}), { "data-do": "like" }),
      one.expanded_by !== "elsewhere" && button(w.again, () => use(one, { same: true }), { "data-do": "same" }),
      edits() && button(w.edit, () => start(one), { "data-do": "edit" }),
      h("a", { class: "quiet line", href: one.url, download: "" }, w.save),
      button(w.remove, sure, { "data-do": "delete" }));
    const sure = () => {
      asks.replaceChildren(h("span", {}, w.sure), button(w.remove, () => gone(one), { "data-do": "delete-now" }), button(w.keep, actions));
      asks.querySelector("button").focus();
    };
    actions();
    return h("li", { class: "card picture", "data-id": one.id },
      h("a", { href: one.url, target: "_blank", rel: "noopener" },
        h("img", { src: one.url, alt: one.asked, loading: "lazy", width: one.width, height: one.height })),
      h("p", { class: "words", dir: "auto" }, one.asked),
      h("p", { class: "muted" }, w.by(one.model, one.seed), " · ", when(new Date(one.created_at * 1000).toISOString()), " · ",
        h("span", { class: one.signed ? "signed" : "trouble", title: one.unsigned || null }, one.signed ? w.signed : w.unsigned)),
      one.warnings.length > 0 && h("p", { class: "trouble" }, w.warned(one.warnings.join(", "))),
      one.not_translated.length > 0 && h("p", { class: "trouble" }, w.notTranslated(one.not_translated.join(" "))),
      one.prompt !== one.asked && fold(w.got, h("p", { class: "words", dir: "auto" }, one.prompt)),
      asks);
  }

  async function gone(one) {
    try {
      await api.remove(`/v1/images/${encodeURIComponent(one.id)}`);
      held = held.filter((other) => other !== one);
      say(w.removed);
      trouble = null;
    } catch (error) {
      trouble = error;
    }
    draw();
  }

  return { load, draw };
}
