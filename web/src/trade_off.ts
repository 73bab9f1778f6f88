// Candidates as points: any rate against any measure of damage, one definition each. Replaces the page's fixed plot.
import { axisX, axisY, dot, gridY, line, type RenderFunction, ruleY, text } from "@observablehq/plot";
import { type Chart, chartOf, replacePicture } from "./charts";
import { displayName, type Candidate, type Results } from "./data";
import { el, excerpt, percent, percentTick, rateWords, shortNumber, svg } from "./dom";

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
  { name: "KL of whole benign replies, nats per token", of: wholeReplies },
  { name: "perplexity of general text", of: (c) => positive(c.perplexity) },
];

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

/// Until whole replies are compared, a candidate has the divergence of the first tokens as both.
function wholeReplies({ kl_first, kl_benign }: Candidate): number | null {
  return positive(kl_first) === null || kl_benign !== kl_first ? positive(kl_benign) : null;
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

/// How points look: grey where a limit is broken, hollow where nothing was generated, square where it is a baseline.
const looks = [true, false].flatMap((breaks) =>
  [true, false].flatMap((isHollow) =>
    [true, false].map((isBaseline) => ({ breaks, isHollow, isBaseline })),
  ),
);

/// Which of the points a mark stands for: the mark's own order is that of its data.
const numbered: RenderFunction = (index, scales, values, dimensions, context, next) => {
  const group = next?.(index, scales, values, dimensions, context) ?? null;
  [...(group?.children ?? [])].forEach((mark, i) => mark.setAttribute("data-point", String(index[i])));
  return group;
};

/// Equally far apart on a square-root scale, like the points.
function ticksOf(high: number, n: number): number[] {
  return Array.from({ length: n + 1 }, (_, i) => high * (i / n) ** 2);
}

/// Trials with the same words are strengths of one mask.
function maskOf({ method, lambda, epochs, preserve, guard, seed, n_active }: Candidate): string {
  return [method, lambda, epochs, preserve, guard, seed, n_active].join("/");
}

/// Results of earlier versions do not say which trial was chosen: the first like the mask, within all limits if one is.
function chosenIndex(results: Results): number {
  const { mask, candidates } = results;
  const same = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1e-9, Math.abs(a), Math.abs(b));
  const isLike = (candidate: Candidate): boolean =>
    candidate.role !== "baseline" &&
    candidate.method === mask.method &&
    candidate.n_active === mask.n_active &&
    same(candidate.alpha, mask.alpha) &&
    same(candidate.lambda, mask.lambda);
  const chosen = candidates.findIndex((candidate) => candidate.chosen);
  const feasible = candidates.findIndex((candidate) => candidate.feasible && isLike(candidate));
  return chosen >= 0 ? chosen : feasible >= 0 ? feasible : candidates.findIndex(isLike);
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
    ["KL, whole replies", shortNumber(wholeReplies(candidate))],
    ["perplexity", shortNumber(positive(candidate.perplexity))],
  ];
  for (const id of new Set([...Object.keys(candidate.rates), ...Object.keys(candidate.estimates)])) {
    const rate = candidate.rates[id];
    facts.push([displayName(id), rate === undefined ? `~${percent(candidate.estimates[id])}` : rateWords(rate)]);
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
  private readonly chart: Chart;
  private readonly words = el("div", { class: "plot-words", role: "status" });
  private readonly note = el("p", { class: "map-axis" });
  private readonly chosen: number;
  private points: Point[] = [];
  private current = -1;
  private moveRing: () => void = () => {};
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
    this.gather();
    const words = "Rate against damage, one point per mask and strength. The cursor keys go from point to point.";
    this.chart = chartOf("trade-app", words, (width) => this.options(width), (picture, scaleOf) => {
      this.addRing(picture, scaleOf);
    });
    const x = el("select", {}, ...usable.map((measure, i) => el("option", { value: i }, measure.name)));
    const y = el("select", {}, ...metrics.map((id) => el("option", { value: id }, excerpt(displayName(id), 60))));
    x.addEventListener("change", () => this.show(usable[Number(x.value)] ?? this.measure, this.metric));
    y.addEventListener("change", () => this.show(this.measure, y.value));
    const place = this.chart.element;
    for (const [name, value] of Object.entries({ tabindex: "0", role: "application", "aria-label": words })) place.setAttribute(name, value);
    place.addEventListener("pointermove", (event) => this.point(event));
    place.addEventListener("pointerdown", (event) => this.point(event));
    place.addEventListener("keydown", (event) => this.onKey(event));
    this.element = el(
      "div",
      { class: "trade" },
      el("div", { class: "filters" }, el("label", {}, "Rate ", y), el("label", {}, "Damage ", x)),
      place,
      this.note,
      this.words,
    );
    this.say();
  }

  private show(measure: Measure, metric: string): void {
    this.measure = measure;
    this.metric = metric;
    this.gather();
    this.chart.redraw();
    this.say();
  }

  private gather(): void {
    this.points = pointsOf(this.results, this.measure, this.metric).sort((a, b) => a.x - b.x);
    this.current = this.points.findIndex((point) => point.index === this.chosen);
    const n_missing = this.results.candidates.length - this.points.length;
    this.note.textContent =
      "Selection split. Dashed lines join the strengths of a mask" + (this.front().length > 0 ? "; the staircase is the Pareto set" : "") + ". Filled: replies were generated; hollow: estimated; grey: breaks a limit, or would by an estimate; square: baseline." +
      (n_missing > 0 ? ` Not shown: ${n_missing} of ${this.results.candidates.length}, whose rate or damage was not measured.` : "");
  }

  /// A divergence is drawn from zero on a square-root scale, which spreads the weak masks; a perplexity as it is.
  private options(width: number): ReturnType<Parameters<typeof chartOf>[2]> {
    const isPerplexity = this.measure === measures[2];
    const xs = this.points.map((point) => point.x);
    const high = Math.max(...xs, 1e-9);
    const low = isPerplexity ? Math.min(...xs, high) : 0;
    const base = this.metric === this.results.scenario.target_metric ? this.baseRate() : 0;
    const isShort = width < 600;
    return {
      height: 360,
      marginLeft: 48,
      marginRight: 32,
      marginBottom: 48,
      x: { type: isPerplexity ? "linear" : "sqrt", domain: [low, high === low ? low + 1 : high], label: null },
      y: { domain: [0, 1], label: null },
      marks: [
        gridY({ ticks: 4, stroke: "var(--rule)", strokeOpacity: 1 }),
        axisY({ ticks: 4, tickFormat: percentTick, tickSize: 0 }),
        axisX({
          ticks: isPerplexity ? Math.round(width / 120) : ticksOf(high, Math.round(width / 120)),
          tickFormat: (value: number) => (value === 0 ? "0" : shortNumber(value)),
          tickSize: 0,
          label: (isShort ? this.measure.name.split(",")[0] : this.measure.name) + (isPerplexity || isShort ? "" : " (square-root scale)"),
          labelArrow: "none",
        }),
        base > 0 ? ruleY([base], { stroke: "var(--quiet)", strokeWidth: 1.5 }) : null,
        base > 0 ? text([base], { y: (rate: number) => rate, frameAnchor: "right", textAnchor: "end", dy: -8, text: () => "without a mask" }) : null,
        line(this.strengths(), { x: "x", y: "y", z: (point: Point) => maskOf(point.candidate), stroke: "var(--neutral)", strokeWidth: 1.5, strokeDasharray: "9 3 2 3" }),
        line(this.staircase(high), { x: "x", y: "y", curve: "step-after", stroke: "var(--accent)", strokeWidth: 2 }),
        ...looks.map((look) => this.marks(look)),
        text(this.points.filter(({ index }) => index === this.chosen), { x: "x", y: "y", dy: -18, text: () => "chosen" }),
      ],
    };
  }

  /// Of the target on the selection split, without a mask.
  private baseRate(): number {
    const { base, base_rate } = this.results.search ?? {};
    return base?.[this.results.scenario.target_metric]?.rate ?? base_rate ?? 0;
  }

  /// Masks at rising strengths.
  private strengths(): Point[] {
    return this.points
      .filter(({ candidate }) => candidate.role !== "baseline")
      .sort((a, b) => a.candidate.alpha - b.candidate.alpha);
  }

  /// What no other trial beats in both, from the weakest on. Only the target has a rate to start from.
  private front(): Point[] {
    if (this.metric !== this.results.scenario.target_metric || this.measure === measures[2]) return [];
    let best = this.baseRate();
    const allowed = this.points.filter(({ candidate }) => candidate.role !== "baseline" && !candidate.breaks_limit);
    return allowed
      .sort((a, b) => a.x - b.x || b.y - a.y)
      .filter(({ y }) => {
        const isBetter = y > best;
        best = Math.max(best, y);
        return isBetter;
      });
  }

  private staircase(high: number): { x: number; y: number }[] {
    const front = this.front();
    const [first, last] = [front[0], front.at(-1)];
    return first && last ? [{ x: first.x, y: this.baseRate() }, ...front, { x: high, y: last.y }] : [];
  }

  private marks({ breaks, isHollow, isBaseline }: (typeof looks)[number]): ReturnType<typeof dot> {
    const colour = isBaseline ? "var(--above)" : breaks ? "var(--neutral)" : "var(--accent)";
    return dot(this.points, {
      x: "x",
      y: "y",
      r: (point: Point) => (point.index === this.chosen ? 7 : 5),
      symbol: isBaseline ? "square" : "circle",
      fill: isHollow ? "var(--card)" : colour,
      fillOpacity: breaks && !isHollow ? 0.5 : 1,
      stroke: colour,
      strokeWidth: 2,
      sort: null,
      filter: ({ candidate, isEstimate }: Point) =>
        candidate.breaks_limit === breaks && isEstimate === isHollow && (candidate.role === "baseline") === isBaseline,
      render: numbered,
    });
  }

  private addRing(picture: SVGSVGElement, scaleOf: (name: "x" | "y", value: number) => number): void {
    const ring = svg("circle", { r: 10, class: "ring", "stroke-width": 2 });
    picture.append(ring);
    this.moveRing = () => {
      const here = this.points[this.current];
      ring.setAttribute("display", here ? "inline" : "none");
      if (!here) return;
      ring.setAttribute("cx", String(scaleOf("x", here.x)));
      ring.setAttribute("cy", String(scaleOf("y", here.y)));
    };
    this.moveRing();
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
    this.moveRing();
    this.say();
  }

  private say(): void {
    const here = this.points[this.current];
    this.words.classList.toggle("is-hint", !here);
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
  if (!replacePicture(section, plot.element)) section.querySelector("h2")?.after(plot.element);
}
