// Who signed the pictures of a post, and the signed receipt of an answer. Loaded when asked for.

import { copying } from "./answer.js";
import { get, post as send } from "./api.js";
import { badge, failure, fact, h, number, say, when } from "./dom.js";
import * as words from "./provenance.words.js";
import { lang } from "./strings.js";

const SIGNS = { trusted: "supported", valid: "note", invalid: "refuted", absent: "note", unread: "note" };

const row = (one, w) => h("li", {},
  h("p", { class: "stance" }, badge(SIGNS[one.state], w.states[one.state]),
    one.machine === true && badge("disputed", w.machine), one.mark && badge("note", w.mark)),
  h("p", { class: "muted" }, w.help[one.state], one.state === "invalid" || one.state === "unread" ? ` ${one.why}` : ""),
  one.signer && h("p", {}, w.signer, " ", h("bdi", {}, one.signer)),
  one.model && h("p", {}, w.model, " ", h("bdi", {}, one.model)),
  h("small", {}, h("bdi", {}, one.media), " · ", when(one.checked_at)));

/** What was found in the pictures of a post. */
export function pictures(place, checks) {
  const w = words[lang];
  place.replaceChildren(h("ul", { class: "left pictures-signed" }, checks.map((one) => row(one, w))));
}

/** Have the pictures of a post looked at, and show what was found. */
export async function look(place, id) {
  const w = words[lang];
  place.replaceChildren(h("p", { class: "muted" }, w.looking));
  say(w.looking);
  try {
    const found = (await send(`/v1/posts/${encodeURIComponent(id)}/media_checks`, {})).data;
    pictures(place, found);
    say(found.map((one) => w.states[one.state]).join(", "));
  } catch (error) {
    place.replaceChildren(failure(error, () => look(place, id)));
  }
}

/** The receipt of an answer, checked by the server's own keys, to copy and take away. */
export async function receipt(place, id) {
  const w = words[lang];
  place.replaceChildren(h("p", { class: "muted" }, w.fetching));
  try {
    const found = await get(`/v1/answers/${encodeURIComponent(id)}/receipt`);
    const check = await send("/v1/receipts/verify", found);
    const { statement } = found;
    const wrote = statement.models.wrote;
    place.replaceChildren(h("section", { class: "receipt", tabindex: "-1" },
      h("h3", {}, w.receipt, " ", badge(SIGNS[check.state], w.holds[check.state])),
      h("p", { class: "muted" }, w.receiptHelp(number(check.kept), check.erased)),
      h("dl", { class: "facts" },
        fact(w.signed, when(statement.at)),
        fact(w.wrote, h("bdi", {}, wrote.name)),
        fact(w.index, w.posts(number(statement.index.posts))),
        fact(w.energy, statement.joules === null ? w.unmeasured : `${number(Math.round(statement.joules * 10) / 10)} J`),
        h("div", { class: "whole" }, h("dt", {}, w.key), h("dd", {}, h("code", {}, statement.key)))),
      h("div", { class: "actions" }, copying(w.copy, JSON.stringify(found), say))));
    place.firstChild.focus();
    say(w.holds[check.state]);
  } catch (error) {
    place.replaceChildren(failure(error));
  }
}
