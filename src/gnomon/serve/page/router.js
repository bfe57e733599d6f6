// Addresses. What is shown stands after the `#` as key=value pairs, of which the first names the
// view: #q=…&since=7d, #answer=id, #search=…, #check, #history, #settings, #held; and /posts/id is a
// held post. Nothing after a `#` is sent to a server.

const views = new Map();
let home = null;
let current = null;
let placed = null;
const watchers = [];

/** A view is {name, keys, enter(params), leave?(), again?()}: `keys` are the first keys that it
 * answers to, `again` draws it anew in another language. The first view is also the home. */
export function add(view) {
  home ??= view;
  for (const name of view.keys) views.set(name, view);
}

/** `f(view)` is called whenever another view is entered. */
export const onEnter = (f) => watchers.push(f);

export const view = () => current;

/** The address of `pairs` ([[key, value], …]; an empty value leaves the key alone). */
export function address(pairs) {
  const words = pairs
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => (value === "" ? name : `${name}=${encodeURIComponent(value)}`));
  return words.length ? `/#${words.join("&")}` : "/";
}

function params() {
  const path = location.pathname;
  if (!path.startsWith("/posts/")) return new URLSearchParams(location.hash.slice(1));
  let id = path.slice("/posts/".length);
  try {
    id = decodeURIComponent(id);
  } catch {
    // a stray % in a hand-made address
  }
  return new URLSearchParams([["post", id]]);
}

/** Change the address to what is shown already. */
export function place(pairs, { replace = false } = {}) {
  const next = address(pairs);
  if (next !== `${location.pathname}${location.hash}`) history[replace ? "replaceState" : "pushState"](null, "", next);
  placed = location.href;
}

/** Go to what an address shows; `replace` where going back may not lead here again. */
export function go(pairs, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address(pairs));
  follow();
}

/** Show what the address names. */
export function follow() {
  if (location.href === placed) return;
  placed = location.href;
  const given = params();
  const [name] = [...given.keys()];
  const next = views.get(name) ?? home;
  if (next !== current) current?.leave?.();
  current = next;
  document.body.dataset.view = next.name;
  for (const f of watchers) f(next);
  next.enter(given);
}

/** Draw what is shown again, as after a change of language. */
export const again = () => current?.again?.();

addEventListener("popstate", follow);
addEventListener("hashchange", follow);

// Links between views stay in the page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  event.preventDefault();
  if (link.getAttribute("href").startsWith("#")) {
    document.querySelector(link.getAttribute("href"))?.focus(); // a place on the page, such as its main part
    return;
  }
  history.pushState(null, "", link.href);
  placed = null;
  follow();
});
