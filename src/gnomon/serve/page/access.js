// Who asks: a key, a password or a passkey, where the server wants to know. Nothing secret is kept by
// the page: what is given goes to the server, which keeps a session in a cookie no script can read.

import * as api from "./api.js";
import { button, h, say, stamp } from "./dom.js";
import { t } from "./strings.js";

const sheet = document.getElementById("sheet");

/** The session as the server last told it; null where it was not asked yet. */
export let session = null;
const watchers = [];

/** `f(session)` is called whenever it changed. */
export const onSession = (f) => watchers.push(f);

function hold(next) {
  session = next;
  for (const f of watchers) f(session);
  return session;
}

export const look = async () => hold(await api.get("/v1/session"));

const canPasskey = () => Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) && isSecureContext;

async function withPasskey() {
  const options = await api.post("/v1/session/passkey/options", {});
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey ?? options);
  const credential = await navigator.credentials.get({ publicKey });
  return api.post("/v1/session/passkey", { credential: credential.toJSON() });
}

async function newPasskey(name) {
  const options = await api.post("/v1/session/passkeys/options", {});
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey ?? options);
  const credential = await navigator.credentials.create({ publicKey });
  return api.post("/v1/session/passkeys", { credential: credential.toJSON(), name });
}

/** A labelled field. */
function field(id, words, attributes = {}) {
  const input = h("input", { id, type: "text", spellcheck: "false", required: true, ...attributes });
  return { input, node: h("div", { class: "field" }, h("label", { for: id }, words), input) };
}

/** A form that does `work()` and says beside itself what went wrong. */
function form(action, fields, work, ...more) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const node = h("form", { class: "signing", onsubmit: async (event) => {
    event.preventDefault();
    trouble.textContent = "";
    try {
      await work();
    } catch (error) {
      trouble.textContent = said(error);
      fields[0]?.input.select();
    }
  } }, fields.map((one) => one.node), trouble,
  h("div", { class: "actions" }, h("button", { type: "submit", class: "go" }, action), more));
  return { node, trouble };
}

/** A browser's own refusals (a passkey that was cancelled) are told in the reader's language. */
const said = (error) => (error instanceof api.ApiError ? error.message : t.passkeyFailed);

/** Ask the reader who they are. Resolves to whether the server knows it now. */
export async function unlock(error) {
  let ways = ["key"];
  try {
    ways = (await look()).ways ?? ways;
  } catch {
    // the key is what every server with a lock takes
  }
  return new Promise((resolve) => {
    let known = false;
    const enter = (told) => {
      hold(told);
      known = true;
      sheet.close();
      say(t.signedIn);
    };
    sheet.replaceChildren(h("h2", { id: "sheet-title" }, t.signTitle), h("p", { class: "muted" }, error.message),
      ...[ways.includes("password") && byPassword(enter), ways.includes("passkey") && byPasskey(enter),
        ways.includes("key") && byKey(enter, ways.length > 1),
        h("div", { class: "actions" }, button(t.cancel, () => sheet.close()))].filter(Boolean));
    sheet.addEventListener("close", () => resolve(known), { once: true });
    if (!sheet.open) sheet.showModal();
    sheet.querySelector("input")?.focus();
  });
}

function byPassword(enter) {
  const name = field("sign-name", t.userName, { autocomplete: "username webauthn" });
  const password = field("sign-password", t.password, { type: "password", autocomplete: "current-password" });
  return form(t.signIn, [name, password], async () =>
    enter(await api.post("/v1/session", { name: name.input.value, password: password.input.value }))).node;
}

function byPasskey(enter) {
  if (!canPasskey()) return h("p", { class: "muted" }, t.passkeyNone);
  const trouble = h("p", { class: "trouble", role: "alert" });
  return h("div", {}, button(t.passkeyUse, async () => {
    trouble.textContent = "";
    try {
      enter(await withPasskey());
    } catch (error) {
      trouble.textContent = said(error);
    }
  }, { id: "sign-passkey" }), trouble);
}

function byKey(enter, folded) {
  const key = field("sign-key", t.key, { type: "password", autocomplete: "off" });
  const { node } = form(t.keyUse, [key], async () => {
    const told = await api.post("/v1/session", { key: key.input.value.trim() });
    key.input.value = "";
    enter(told);
  });
  const help = h("p", { class: "muted" }, t.keyHelp);
  return folded ? h("details", { class: "fold" }, h("summary", {}, t.keyInstead), help, node) : h("div", {}, help, node);
}

// ---------------------------------------------------------------- an invitation: #invite=WORD

const main = document.getElementById("view");
let invite = "";

/** The view behind an invitation's address: a name, and a password or a passkey. */
export const invitation = {
  name: "invite",
  keys: ["invite"],
  enter(params) {
    invite = params.get("invite") ?? "";
    this.again();
  },
  again() {
    const name = field("new-name", t.userName, { autocomplete: "username" });
    const password = field("new-password", t.passwordNew, { type: "password", autocomplete: "new-password", minlength: "15", required: !canPasskey() });
    const { node } = form(t.register, [name, password], async () => {
      const words = password.input.value;
      hold(await api.post("/v1/session/register", { invite, name: name.input.value, ...(words ? { password: words } : {}) }));
      if (!words) await newPasskey(name.input.value);
      location.replace("/#settings"); // the invitation leaves the address
    });
    main.replaceChildren(h("h1", { class: "title", tabindex: "-1" }, t.inviteTitle),
      h("p", { class: "muted lead-in" }, t.inviteHelp, " ", canPasskey() ? t.invitePasskey : ""), node);
  },
};

// ---------------------------------------------------------------- one's account, in the settings

/** What the settings show of who is signed in; `changed()` draws them again. */
export function account(changed) {
  if (!session) return [h("p", {}, t.notLocked)];
  if (!session.signed_in) {
    return [h("p", {}, session.locked ? t.notSignedIn : t.notLocked),
      session.locked && button(t.signIn, async () => (await unlock(new Error(t.signHelp))) && changed(), { id: "sign-in" })];
  }
  const out = button(t.signOut, async () => {
    hold(await api.remove("/v1/session") ?? { signed_in: false, locked: true });
    location.replace("/");
  }, { id: "sign-out" });
  const who = session.user ? t.signedInAs(session.user.name) : t.signedInKey(session.key);
  const scopes = h("p", { class: "muted" }, t.mayDo, " ", (session.scopes ?? []).map((one) => t.scopes[one] ?? one).join(" · "));
  return [h("p", {}, who), scopes, h("div", { class: "actions" }, out), session.user && passkeys(changed), session.user && passwordForm()];
}

function passwordForm() {
  const old = field("old-password", t.password, { type: "password", autocomplete: "current-password" });
  const next = field("next-password", t.passwordNew, { type: "password", autocomplete: "new-password", minlength: "15" });
  // Whose password it is, for the browser's own keeper of passwords.
  const name = { input: old.input, node: h("input", { type: "text", class: "hidden", autocomplete: "username", value: session.user.name, tabindex: "-1", readonly: true, "aria-hidden": "true" }) };
  const { node } = form(t.passwordChange, [name, old, next], async () => {
    await api.post("/v1/session/password", { password: old.input.value, new_password: next.input.value });
    old.input.value = next.input.value = "";
    say(t.passwordChanged);
  });
  return h("details", { class: "fold" }, h("summary", {}, t.passwordChange), h("p", { class: "muted" }, t.passwordHelp), node);
}

let unfolded = false; // the settings are drawn again when more of them has come

function passkeys(changed) {
  const list = h("ul", { class: "past" });
  const trouble = h("p", { class: "trouble", role: "alert" });
  const attempt = async (work) => {
    trouble.textContent = "";
    try {
      await work();
      await fill();
    } catch (error) {
      trouble.textContent = said(error);
    }
  };
  const fill = async () => {
    const { data } = await api.get("/v1/session/passkeys");
    list.replaceChildren(...data.map((one) => h("li", {}, h("span", { class: "text" }, one.name || t.passkey), h("small", {}, stamp(one.created_at)),
      button("×", () => attempt(() => api.remove(`/v1/session/passkeys/${encodeURIComponent(one.id)}`)),
        { class: "quiet", "aria-label": t.passkeyRemove(one.name || t.passkey) }))));
  };
  fill().catch((error) => (trouble.textContent = said(error)));
  const keep = (event) => (unfolded = event.target.open);
  return h("details", { class: "fold", id: "passkeys", open: unfolded, ontoggle: keep }, h("summary", {}, t.passkeys), h("p", { class: "muted" }, t.passkeyHelp), list, trouble,
    canPasskey() && button(t.passkeyAdd, () => attempt(() => newPasskey(navigator.platform || t.passkey)), { id: "passkey-add" }));
}
