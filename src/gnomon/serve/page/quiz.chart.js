// A score drawn and said: each share as a bar from end to end of its interval, against chance.

import { h, shape } from "./dom.js";
import { lang } from "./strings.js";

const percent = (share) => new Intl.NumberFormat(lang === "zh" ? "zh-CN" : "en-GB", { style: "percent", maximumFractionDigits: 0 }).format(share);
const at = (share) => `${share * 100}%`;
const line = (kind, x1, x2, y1, y2) => shape("line", { class: kind, x1: at(x1), x2: at(x2), y1, y2 });

/** One share. The band is what counts as the same as chance, the line in it chance itself. */
function bar(name, rate, score, w) {
  const words = rate.of ? w.rate(rate.times, rate.of, percent(rate.share), percent(rate.low), percent(rate.high)) : w.nothing;
  const { chance, margin } = score;
  return h("div", { class: "measure" },
    h("dt", {}, name), h("dd", {}, words),
    h("dd", { class: "drawn" }, shape("svg", { role: "img", "aria-label": `${name}: ${words}; ${w.even}`, width: "100%", height: "26" },
      shape("rect", { class: "same", x: at(chance - margin), width: at(2 * margin), y: "0", height: "26" }),
      line("ground", 0, 1, 13, 13), line("even", chance, chance, 0, 26),
      rate.of > 0 && [line("spread", rate.low, rate.high, 13, 13), line("end", rate.low, rate.low, 7, 19), line("end", rate.high, rate.high, 7, 19),
        shape("circle", { cx: at(rate.share), cy: "13", r: "5.5" })])));
}

const axis = (w) => h("div", { class: "ticks", "aria-hidden": "true" }, h("span", {}, percent(0)), h("span", {}, w.even), h("span", {}, percent(1)));

function verdict(score, w) {
  if (!score.answers) return w.verdict.none;
  if (score.equivalent) return score.differs ? w.verdict.slight : w.verdict.same;
  return w.verdict[score.differs || "few"];
}

function whose({ answers, people, rounds, interval }, w) {
  if (!answers) return "";
  return people === 1 && interval === "wilson" ? w.whose.one(answers) : w.whose[interval](answers, people, rounds);
}

/** What a score shows, under a heading. */
export function scored(heading, score, w) {
  const two = (value) => value.toFixed(2);
  const prime = score.d_prime;
  return h("section", { class: "scored" }, h("h2", { class: "small" }, heading),
    h("p", { class: "verdict" }, verdict(score, w)),
    score.answers > 0 && [
      h("dl", { class: "measures" }, bar(w.right, score.right, score, w), bar(w.fooled, score.machine_as_person, score, w), bar(w.doubted, score.person_as_machine, score, w)),
      axis(w),
      prime && h("p", { class: "muted" }, w.prime(two(prime.value), two(prime.low), two(prime.high), two(score.bias)), " ", w.primeHelp),
      h("p", { class: "muted" }, whose(score, w))]);
}
