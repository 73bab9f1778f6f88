// Candidates as points: any rate against any measure of damage, one definition each. Replaces the page's fixed plot.
import { displayName, type Candidate, type Results } from "./data";
import { el, excerpt, shortNumber, svg } from "./dom";

const width = 860;
const height = 360;
const frame = { left: 60, right: 840, top: 16, bottom: 300 };

interface Measure {
  name: string;
  of: (candidate: Candidate) => number | null;
}

interface Point {
  candidate: Candidate;
  index: number;
  x: number;
  y: number;
  isEstimate: boolean;
}

const measures: Measure[] = [
  { name: "KL of the first tokens of benign replies, nats per token", of: (c) => positive(c.kl_first) },
  { name: "KL of whole benign replies, nats per token", of: (c) => (isGenerated(c) ? positive(c.kl_benign) : null) },
  { name: "perplexity of general text", of: (c) => positive(c.perplexity) },
];

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

function isGenerated(candidate: Candidate): boolean {
  return Object.keys(candidate.rates).length > 0;
}

function pointsOf(results: Results, measure: Measure, metric: string): Point[] {
  const points: Point[] = [];
  results.candidates.forEach((candidate, index) => {
    const generated = candidate.rates[metric]?.rate;
    const y = generated ?? candidate.estimates[metric];
    const x = measure.of(candidate);
    if (x !== null && y !== undefined) points.push({ candidate, index, x, y, isEstimate: generated === undefined });
  });
  return points;
}

/// 4 to 8 round numbers that span 0 or `low` to `high`.
export function niceTicks(low: number, high: number): number[] {
  const span = high - low || 1;
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9); ++i) ticks.push(i * step);
  return ticks;
}

function chosenIndex(results: Results): number {
  const { mask } = results;
  const same = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1e-9, Math.abs(a), Math.abs(b));
  return results.candidates.findIndex(
    (candidate) =>
      candidate.role !== "baseline" &&
      candidate.method === mask.method &&
      candidate.n_active === mask.n_active &&
      same(candidate.alpha, mask.alpha) &&
      same(candidate.lambda, mask.lambda),
  );
}

function standingOf(point: Point, chosen: number): string {
  const { candidate } = point;
  if (point.index === chosen) return "chosen";
  if (candidate.role === "baseline") return `baseline, ${candidate.setting || "no setting"}`;
  return candidate.feasible ? "within all limits" : candidate.rejection_reason || "not chosen";
}

function factsOf(point: Point, chosen: number): HTMLElement {
  const { candidate } = point;
  const facts: [string, string][] = [
    ["alpha", shortNumber(candidate.alpha)],
    ["active entries", String(candidate.n_active)],
    ["KL, first tokens", shortNumber(positive(candidate.kl_first))],
    ["KL, whole replies", shortNumber(isGenerated(candidate) ? positive(candidate.kl_benign) : null)],
    ["perplexity", shortNumber(positive(candidate.perplexity))],
  ];
  for (const id of new Set([...Object.keys(candidate.rates), ...Object.keys(candidate.estimates)])) {
    const rate = candidate.rates[id]?.rate;
    facts.push([displayName(id), rate === undefined ? `~${(candidate.estimates[id] ?? 0).toFixed(2)}` : rate.toFixed(2)]);
  }
  return el(
    "div",
    {},
    el("strong", {}, excerpt(displayName(candidate.method), 60)),
    ` \u00b7 ${excerpt(standingOf(point, chosen), 300)}`,
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, excerpt(name, 40)), el("dd", {}, value)])),
  );
}

class TradePlot {
  readonly element: HTMLElement;
  private readonly picture: SVGElement;
  private readonly words = el("div", { class: "plot-words", role: "status" });
  private readonly note = el("p", { class: "map-axis" });
  private readonly chosen: number;
  private points: Point[] = [];
  private current = -1;
  private measure: Measure;
  private metric: string;

  constructor(
    private readonly results: Results,
    usable: Measure[],
    metrics: string[],
  ) {
    this.chosen = chosenIndex(results);
    this.measure = usable[0] ?? measures[0]!;
    this.metric = metrics[0] ?? "";
    this.picture = svg("svg", {
      viewBox: `0 0 ${width} ${height}`,
      tabindex: 0,
      role: "application",
      "aria-label": "Rate against damage, one point per mask and strength. The cursor keys go from point to point.",
      class: "trade-app",
    });
    const x = el("select", {}, ...usable.map((measure, i) => el("option", { value: i }, measure.name)));
    const y = el("select", {}, ...metrics.map((id) => el("option", { value: id }, excerpt(displayName(id), 60))));
    x.addEventListener("change", () => this.redraw(usable[Number(x.value)] ?? this.measure, this.metric));
    y.addEventListener("change", () => this.redraw(this.measure, y.value));
    this.picture.addEventListener("pointermove", (event) => this.point(event));
    this.picture.addEventListener("pointerdown", (event) => this.point(event));
    this.picture.addEventListener("keydown", (event) => this.onKey(event));
    this.element = el(
      "div",
      { class: "trade" },
      el("div", { class: "filters" }, el("label", {}, "Rate ", y), el("label", {}, "Damage ", x)),
      this.picture,
      this.note,
      this.words,
    );
    this.redraw(this.measure, this.metric);
  }

  private redraw(measure: Measure, metric: string): void {
    this.measure = measure;
    this.metric = metric;
    this.points = pointsOf(this.results, measure, metric).sort((a, b) => a.x - b.x);
    this.current = this.points.findIndex((point) => point.index === this.chosen);
    const n_missing = this.results.candidates.length - this.points.length;
    this.note.textContent =
      "Selection split. Filled: replies were generated; hollow: estimated; grey: breaks a limit; square: baseline." +
      (n_missing > 0 ? ` ${n_missing} of ${this.results.candidates.length} were not measured in both ways.` : "");
    this.draw();
    this.say();
  }

  private get range(): { low: number; high: number } {
    const xs = this.points.map((point) => point.x);
    const high = Math.max(...xs, 1e-9);
    const isFromZero = this.measure !== measures[2];
    const low = isFromZero ? 0 : Math.min(...xs);
    return { low, high: high === low ? low + 1 : high };
  }

  private xOf(value: number): number {
    const { low, high } = this.range;
    return frame.left + (frame.right - frame.left) * Math.sqrt(Math.max(0, (value - low) / (high - low)));
  }

  private static yOf(rate: number): number {
    return frame.bottom - rate * (frame.bottom - frame.top);
  }

  private draw(): void {
    const { low, high } = this.range;
    const parts: SVGElement[] = [];
    const text = (x: number, y: number, anchor: string, words: string): SVGElement =>
      svg("text", { x, y, class: "tick", "text-anchor": anchor }, words);
    for (const rate of [0, 0.25, 0.5, 0.75, 1]) {
      const y = TradePlot.yOf(rate);
      parts.push(svg("line", { x1: frame.left, x2: frame.right, y1: y, y2: y, class: "grid" }));
      parts.push(text(frame.left - 8, y + 4, "end", rate.toFixed(2)));
    }
    let last = -Infinity;
    for (const tick of niceTicks(low, high)) {
      const x = this.xOf(tick);
      if (x - last < 60) continue; // the scale is narrow there
      last = x;
      parts.push(text(x, frame.bottom + 20, "middle", shortNumber(tick) === "\u2013" ? "0" : shortNumber(tick)));
    }
    parts.push(text(frame.right, frame.bottom + 44, "end", `${this.measure.name} (square-root scale)`));
    const base = this.results.search?.base_rate ?? 0;
    if (base > 0 && this.metric === this.results.scenario.target_metric) {
      const y = TradePlot.yOf(base);
      parts.push(svg("line", { x1: frame.left, x2: frame.right, y1: y, y2: y, class: "limit" }));
      parts.push(text(frame.right, y - 6, "end", "without a mask"));
    }
    this.points.forEach((point, i) => parts.push(this.mark(point, i)));
    const here = this.points[this.current];
    if (here) {
      parts.push(svg("circle", { cx: this.xOf(here.x), cy: TradePlot.yOf(here.y), r: 10, class: "ring", "stroke-width": 2 }));
    }
    this.picture.replaceChildren(...parts);
  }

  private mark(point: Point, i: number): SVGElement {
    const { candidate } = point;
    const x = this.xOf(point.x);
    const y = TradePlot.yOf(point.y);
    const look = `${candidate.breaks_limit ? "base" : "steered"}${point.isEstimate ? " is-hollow" : ""}`;
    const shape =
      candidate.role === "baseline"
        ? svg("rect", { x: x - 5, y: y - 5, width: 10, height: 10, "data-point": i })
        : svg("circle", { cx: x, cy: y, r: point.index === this.chosen ? 7 : 5, "data-point": i });
    return svg("g", { class: look }, shape);
  }

  private point(event: PointerEvent): void {
    const index = (event.target as Element).getAttribute("data-point");
    if (index === null || Number(index) === this.current) return;
    this.moveTo(Number(index));
  }

  private onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0 || this.points.length === 0) return;
    event.preventDefault();
    this.moveTo(Math.max(0, Math.min(this.points.length - 1, this.current + step)));
  }

  private moveTo(index: number): void {
    this.current = index;
    this.draw();
    this.say();
  }

  private say(): void {
    const here = this.points[this.current];
    this.words.replaceChildren(here ? factsOf(here, this.chosen) : "Point at a mask to read its numbers.");
  }
}

export function showTradeOff(results: Results): void {
  const section = document.getElementById("candidates")?.parentElement;
  const ids = new Set(results.candidates.flatMap((c) => [...Object.keys(c.rates), ...Object.keys(c.estimates)]));
  const target = results.scenario.target_metric;
  const metrics = [...ids].sort((a, b) => Number(b === target) - Number(a === target));
  const usable = measures.filter((measure) => results.candidates.filter((c) => measure.of(c) !== null).length > 1);
  if (!section || metrics.length === 0 || usable.length === 0) return;
  const plot = new TradePlot(results, usable, metrics);
  const fixed = section.querySelector("svg");
  if (fixed) fixed.replaceWith(plot.element);
  else section.querySelector("h2")?.after(plot.element);
}
