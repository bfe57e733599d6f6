// The steps of an answer as hours of a sundial: its shadow moves on as the work does.

import { h, shape } from "./dom.js";
import { t } from "./strings.js";

const STEPS = ["plan", "retrieve", "draft", "check", "answer"];
const angle = (step) => -64 + 32 * step;

function plate() {
  const svg = shape("svg", { viewBox: "0 0 200 112", class: "plate", "aria-hidden": "true" });
  svg.append(shape("path", { class: "rim", d: "M16 100a84 84 0 0 1 168 0" }));
  const shadow = shape("path", { class: "shadow", d: "M95 100L99.4 26h1.2L105 100z" });
  svg.append(shadow);
  const ticks = STEPS.map((_, step) => {
    const tick = shape("path", { class: "tick", d: "M100 16v-0.1", transform: `rotate(${angle(step)} 100 100)` });
    svg.append(tick);
    return tick;
  });
  svg.append(shape("path", { class: "style", d: "M93 100L100 66l7 34z" }));
  svg.append(shape("path", { class: "rim", d: "M8 100h184" }));
  return { svg, shadow, ticks };
}

/** The searches that a person can read: the first form is the question with all its inflections. */
const searched = (forms) => forms.slice(1);

/** What a step found, as far as its data tell in the reader's language; else its own words. */
function words({ name, detail, data = {} }, checks) {
  if (name === "plan" && data.understood) return t.understood(data.understood);
  if (name === "plan" && data.forms) {
    const about = data.names?.length ? data.names : searched(data.forms);
    return about.length ? t.names(about.join(" · ")) : t.asAsked;
  }
  if (name === "retrieve" && Number.isFinite(data.posts)) return `${t.posts(data.posts)} · ${t.origins(data.origins)}`;
  if (name === "draft" && data.claim) return t.draftClaim(data.claim);
  if (name === "draft" && data.quotes) return t.draftQuotes(data.quotes.length);
  if (name === "check" && data.label) {
    const counted = Object.entries(checks).map(([label, n]) => `${n} × ${t.labels[label]}`);
    return [t.checkedSoFar(Object.values(checks).reduce((a, b) => a + b, 0)), ...counted].join(" · ");
  }
  return detail;
}

/** {node, list, show(step event), again()}: `again` draws the list anew in the page's language. */
export function dial() {
  const { svg, shadow, ticks } = plate();
  const list = h("ol", { class: "steps" });
  const node = h("div", { class: "dial", "data-working": true }, svg, list);
  const seen = new Map();
  const checks = {};
  let reached = -1;

  function again() {
    list.replaceChildren(...STEPS.map((name, n) =>
      h("li", { class: n < reached ? "past" : n === reached ? "now" : null, "data-step": name },
        h("b", {}, t.steps[name]), h("span", {}, seen.has(name) ? words(seen.get(name), checks) : ""))));
  }

  again();
  shadow.style.transform = `rotate(${angle(-0.6)}deg)`;
  return {
    node,
    list,
    again,
    show(event) {
      const step = STEPS.indexOf(event.name);
      if (step < 0) return "";
      const label = event.data?.label;
      if (event.name === "check" && label) checks[label] = (checks[label] ?? 0) + 1;
      seen.set(event.name, event);
      reached = Math.max(reached, step);
      shadow.style.transform = `rotate(${angle(reached)}deg)`;
      ticks.forEach((tick, n) => tick.classList.toggle("on", n <= reached));
      again();
      return words(event, checks);
    },
    /** What was read, in words. */
    read: () => (seen.has("retrieve") ? words(seen.get("retrieve"), checks) : ""),
    forms: () => searched(seen.get("plan")?.data?.forms ?? []),
  };
}

/** The angle of the shadow on a horizontal dial at 45° of latitude, in degrees from noon's line:
 * tan(angle) = sin(latitude) · tan(15° · hours from noon).
 * https://en.wikipedia.org/wiki/Sundial#Horizontal_sundials */
function shadowAt(hour) {
  const turn = ((hour - 12) * Math.PI) / 12;
  return (Math.atan2(Math.SQRT1_2 * Math.sin(turn), Math.cos(turn)) * 180) / Math.PI;
}

/** The dial above the title tells the hour of the reader's day; at night a moon and no shadow. */
export function sundial(now = new Date()) {
  const svg = shape("svg", { viewBox: "0 0 200 112", class: "plate sun", "aria-hidden": "true" });
  svg.append(shape("path", { class: "rim", d: "M16 100a84 84 0 0 1 168 0" }));
  for (let hour = 7; hour < 18; hour++) {
    const long = hour % 3 === 0;
    svg.append(shape("path", { class: "hour", d: `M100 ${long ? 34 : 28}V23`, transform: `rotate(${shadowAt(hour)} 100 100)` }));
  }
  const hour = now.getHours() + now.getMinutes() / 60;
  if (hour > 6 && hour < 18) {
    const shadow = shape("path", { class: "shadow", d: "M96 99L99.2 36h1.6L104 99z" });
    shadow.style.transform = `rotate(${shadowAt(hour)}deg)`;
    svg.append(shadow);
  } else svg.append(shape("path", { class: "moon", d: "M170 6a9 9 0 1 0 9 12.5a7.4 7.4 0 0 1-9-12.5z" }));
  svg.append(shape("path", { class: "style", d: "M92 100L100 52l8 48z" }));
  svg.append(shape("path", { class: "rim", d: "M4 100h192" }));
  return svg;
}
