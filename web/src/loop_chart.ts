// The closed loop step by step: the wanted share of the target, and below it all that has a limit, relative to that.
import { axisX, axisY, gridY, lineY, dot, rectY, ruleY } from "@observablehq/plot";
import { chartOf, replacePicture } from "./charts";
import { displayName, type Loop, type Results } from "./data";
import { el, excerpt, percent, percentTick, points, shortNumber, svg } from "./dom";

interface Value {
  step: number;
  value: number; // as drawn
  words: string;
}

interface Curve {
  name: string;
  look: number; // of the key: its colour and dashes
  values: Value[];
}

const colours = ["above", "better", "neutral", "worse", "ink"]; // of what has a limit
const dashes = ["none", "7 3", "2 3", "9 3 2 3", "4 5", "12 4", "1 3", "14 3 3 3"];
const lowest = -0.5; // of a value relative to its limit
const highest = 2;

/// Of what has a limit, sets drop by points; texts, whose names have spaces, have measures of their own.
function limitedWords(id: string, value: number): string {
  return id.includes(" ") ? shortNumber(value) : points(value);
}

function curveOf(loop: Loop, id: string, look: number, limit?: number): Curve {
  const name = excerpt(displayName(id), 40);
  const values = loop.steps.flatMap(({ values: all }, i) => {
    const value = all[id];
    if (value === undefined || value === null) return [];
    const drawn = limit === undefined ? value : Math.min(highest, Math.max(lowest, value / limit));
    const words = limit === undefined ? percent(value) : `${limitedWords(id, value)}, limit ${limitedWords(id, limit)}`;
    return [{ step: i + 1, value: drawn, words: `step ${i + 1}, ${name}: ${words}` }];
  });
  return { name, look, values };
}

/// Look 0 is the target; up to 35 others differ in colour or dashes.
const colourOf = (look: number): string => `var(--${look === 0 ? "accent" : colours[(look - 1) % colours.length]})`;
const dashesOf = (look: number): string => dashes[look === 0 ? 0 : 1 + ((look - 1) % (dashes.length - 1))] ?? "none";

/** A piece of a curve as it is drawn, for the key. */
function sampleOf(look: number): SVGElement {
  const line = { x1: 0, x2: 34, y1: 5, y2: 5, stroke: colourOf(look), "stroke-width": 2, "stroke-dasharray": dashesOf(look) };
  return svg("svg", { width: 34, height: 10, "aria-hidden": "true" }, svg("line", line));
}

/** Shares of the target's replies that were as wanted when the loop looked at some. */
function looksAt(loop: Loop, target: string): Value[] {
  return (loop.looks ?? []).flatMap(({ after_step, sets }) => {
    const seen = sets[target];
    if (seen === undefined || seen.n === 0) return [];
    return [{ step: after_step, value: seen.wanted / seen.n, words: `after step ${after_step}: ${seen.wanted} of ${seen.n} replies as wanted` }];
  });
}

function panel(loop: Loop, curves: Curve[], about: string, domain: [number, number], limit?: number, looks: Value[] = []): HTMLElement {
  const last = loop.best_step + 1;
  const stretch = loop.best_step >= 0 && loop.stretch > 0 ? [{ x1: last - loop.stretch + 1 - 0.3, x2: last + 0.3 }] : [];
  const chart = chartOf("loop-chart", `${about}, by step of the closed loop. The values are in the table below.`, (width) => ({
    height: 210,
    marginLeft: 44,
    marginRight: 24,
    marginBottom: 44,
    x: { domain: [1, Math.max(2, loop.steps.length)], label: null },
    y: { domain, label: null },
    marks: [
      rectY(stretch, { x1: "x1", x2: "x2", y1: domain[0], y2: domain[1], fill: "var(--faint)", stroke: "var(--rule)" }),
      gridY({ ticks: 5, stroke: "var(--rule)", strokeOpacity: 1 }),
      axisY({ ticks: 5, tickFormat: limit === undefined ? percentTick : shortNumber, tickSize: 0 }),
      axisX({ ticks: Math.min(loop.steps.length, Math.round(width / 60)), tickFormat: (step: number) => (Number.isInteger(step) ? String(step) : ""), tickSize: 0, label: "step", labelArrow: "none" }),
      ...(limit === undefined ? [] : [ruleY([limit], { stroke: "var(--quiet)", strokeWidth: 1.5 })]),
      ...curves.flatMap(({ values, look }) => {
        const colour = colourOf(look);
        return [
          lineY(values, { x: "step", y: "value", stroke: colour, strokeWidth: 2, strokeDasharray: dashesOf(look) }),
          dot(values, { x: "step", y: "value", r: 3, fill: colour, title: "words", className: "loop-values" }),
        ];
      }),
      dot(looks, { x: "step", y: "value", r: 5, symbol: "diamond", fill: "var(--card)", stroke: "var(--ink)", strokeWidth: 1.5, title: "words", className: "loop-looks" }),
    ],
  }));
  const key = el("p", { class: "chart-key" }, ...curves.map(({ name, look }) => el("span", { class: "key drawn" }, sampleOf(look), name)));
  const title = looks.length > 0 ? `${about}; diamonds: of replies that were looked at` : about;
  return el("div", {}, el("p", { class: "map-axis" }, title), chart.element, curves.length > 1 && key);
}

export function showLoop(results: Results): void {
  const { best_step = -1, stretch = 0, steps = [], looks = [], limits: all = {} } = results.loop ?? {};
  const loop: Loop = { best_step, stretch, steps, looks, limits: all };
  if (steps.length < 2) return;
  const target = results.scenario.target_metric;
  const limits = Object.entries(all).filter(([, limit]) => limit > 0);
  const limited = limits.map(([id, limit], i) => curveOf(loop, id, 1 + i, limit));
  const charts = el("div", {}, panel(loop, [curveOf(loop, target, 0)], "Wanted share of the target", [0, 1], undefined, looksAt(loop, target)));
  if (limited.length > 0) {
    charts.append(panel(loop, limited, "Drop or divergence relative to its limit (1), clipped to \u22120.5 \u2026 2", [lowest, highest], 1));
  }
  replacePicture(document.getElementById("loop")?.parentElement, charts);
}
