// A held post on a page of its own, at /posts/id: where citations without an address point.

import { failure, h, title } from "./dom.js";
import { fetchPost, postNodes } from "./panel.js";
import * as router from "./router.js";
import { t } from "./strings.js";

export const name = "post";
export const keys = ["post"];

const main = document.getElementById("view");
let draw = () => {};

export async function enter(params) {
  const id = params.get("post");
  draw = () => main.replaceChildren(title(t.post), h("p", { class: "muted" }, t.loading));
  draw();
  try {
    const { view } = await fetchPost(id);
    draw = () => main.replaceChildren(title(t.post), h("div", { class: "post" },
      postNodes(view, null, true, (other) => {
        history.pushState(null, "", `/posts/${encodeURIComponent(other)}`);
        router.follow();
      }, "h2")));
  } catch (error) {
    draw = () => main.replaceChildren(title(t.post), failure(error, () => enter(params)));
  }
  if (router.view()?.name === name) draw();
}

export const again = () => draw();
