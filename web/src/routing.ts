// The steering matrix and the measured effects as one map of layers x experts, with the numbers of the entry under the
// pointer or the cursor keys.
import type { Results } from "./data";
import { el, shortNumber } from "./dom";
import { makeSortable } from "./tables";

interface Quantity {
  name: string;
  about: string;
  values: number[][];
}

interface Cell {
  layer: number;
  expert: number;
}

const longestTable = 200;

function quantitiesOf(results: Results): Quantity[] {
  const { mask, effects } = results;
  const all: Quantity[] = [
    { name: "S, the mask", about: "entry of the steering matrix, in units of sigma", values: mask.steer },
    { name: "effect", about: "nats of margin per unit of the entry", values: effects.effect },
    { name: "carried", about: "the layer's effect times the expert's part in the difference", values: effects.carried ?? [] },
    { name: "part of the change", about: "nats of margin that the entry brings about, of all between no mask and the loop's", values: results.loop?.attribution?.part ?? [] },
  ];
  return all.filter((quantity) => quantity.values.length > 0);
}

function largestOf(values: number[][]): number {
  let largest = 0;
  for (const row of values) for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest;
}

class RoutingMap {
  private readonly canvas: HTMLCanvasElement;
  private readonly words = el("p", { class: "map-words", role: "status" });
  private quantity: Quantity;
  private cursor: Cell = { layer: 0, expert: 0 };

  constructor(
    private readonly results: Results,
    quantities: Quantity[],
    first: Quantity,
  ) {
    this.quantity = first;
    this.canvas = el("canvas", {
      class: "map",
      tabindex: 0,
      role: "application",
      "aria-label": "Map of layers and experts. The cursor keys go from entry to entry.",
    });
    const choice = el("select", {}, ...quantities.map((quantity, i) => el("option", { value: i }, quantity.name)));
    choice.addEventListener("change", () => {
      this.quantity = quantities[Number(choice.value)] ?? first;
      this.draw();
      this.say();
    });
    this.element = el(
      "div",
      { class: "routing" },
      quantities.length > 1 && el("label", {}, "Show ", choice),
      this.canvas,
      el("p", { class: "map-axis" }, "experts from left to right, MoE layers from top to bottom; blue below zero, orange above"),
      this.words,
    );
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.say();
  }

  readonly element: HTMLElement;

  private get nLayer(): number {
    return this.results.model.n_layer_moe;
  }
  private get nExpert(): number {
    return this.results.model.n_expert;
  }

  private point(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    const expert = Math.floor(((event.clientX - box.left) / box.width) * this.nExpert);
    const layer = Math.floor(((event.clientY - box.top) / box.height) * this.nLayer);
    this.moveTo({ layer, expert });
  }

  private onKey(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    this.moveTo({ layer: this.cursor.layer + step[0], expert: this.cursor.expert + step[1] });
  }

  private moveTo(cell: Cell): void {
    this.cursor = {
      layer: Math.max(0, Math.min(this.nLayer - 1, cell.layer)),
      expert: Math.max(0, Math.min(this.nExpert - 1, cell.expert)),
    };
    this.draw();
    this.say();
  }

  private say(): void {
    const { layer, expert } = this.cursor;
    const { mask, effects } = this.results;
    const at = (values: number[][] | undefined): number | undefined => values?.[layer]?.[expert];
    const parts = [`layer ${layer}, expert ${expert}`];
    const entry = at(mask.steer);
    if (entry !== undefined) parts.push(`S ${shortNumber(entry)}`);
    const effect = at(effects.effect);
    if (effect !== undefined) {
      parts.push(`effect ${shortNumber(effect)} \u00b1 ${shortNumber(at(effects.standard_error))} nats per unit`);
      parts.push(`false discovery rate ${shortNumber(at(effects.q_value))}`);
    }
    const carried = at(effects.carried);
    if (carried !== undefined) parts.push(`carried ${shortNumber(carried)}`);
    this.words.textContent = `${parts.join(" \u00b7 ")} (${this.quantity.name}: ${this.quantity.about})`;
  }

  private draw(): void {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    const cell = Math.max(3, Math.min(26, width / this.nExpert));
    const height = Math.ceil(cell * this.nLayer);
    const scale = window.devicePixelRatio || 1;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    pen.scale(scale, scale);
    const style = getComputedStyle(this.canvas);
    const colours = [style.getPropertyValue("--below"), style.getPropertyValue("--above")] as const;
    pen.fillStyle = style.getPropertyValue("--faint");
    pen.fillRect(0, 0, width, height);
    const w = width / this.nExpert;
    const h = height / this.nLayer;
    const largest = largestOf(this.quantity.values) || 1;
    this.quantity.values.forEach((row, layer) =>
      row.forEach((value, expert) => {
        if (!value) return;
        pen.fillStyle = colours[value < 0 ? 0 : 1];
        pen.globalAlpha = 0.15 + (0.85 * Math.abs(value)) / largest;
        pen.fillRect(expert * w, layer * h, Math.max(1, w - 0.5), Math.max(1, h - 0.5));
      }),
    );
    pen.globalAlpha = 1;
    pen.strokeStyle = style.color;
    pen.lineWidth = 2;
    pen.strokeRect(this.cursor.expert * w, this.cursor.layer * h, w, h);
  }
}

function entryTable(results: Results): HTMLElement {
  const { mask, effects } = results;
  const cells: { layer: number; expert: number; value: number }[] = [];
  mask.steer.forEach((row, layer) =>
    row.forEach((value, expert) => value !== 0 && cells.push({ layer, expert, value })),
  );
  cells.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const hasEffect = effects.effect.length > 0;
  const heads = ["layer", "expert", "S", ...(hasEffect ? ["effect", "standard error", "q-value"] : [])];
  const table = el(
    "table",
    {},
    el("caption", {}, `Entries of the mask, ${Math.min(cells.length, longestTable)} of ${cells.length}, strongest first`),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col", class: "number" }, head)))),
    el(
      "tbody",
      {},
      ...cells.slice(0, longestTable).map(({ layer, expert, value }) => {
        const numbers = [layer, expert, value];
        if (hasEffect) {
          for (const values of [effects.effect, effects.standard_error, effects.q_value]) {
            numbers.push(values[layer]?.[expert] ?? NaN);
          }
        }
        return el("tr", {}, ...numbers.map((number) => el("td", { class: "number" }, shortNumber(number))));
      }),
    ),
  );
  makeSortable(table);
  const region = el("div", { class: "scroll" }, table);
  return el("details", { class: "long" }, el("summary", {}, "Entries of the mask as a table"), region);
}

export function showRouting(results: Results): void {
  const section = document.getElementById("mask")?.parentElement;
  const quantities = quantitiesOf(results);
  const first = quantities[0];
  if (!section || !first) return;
  const map = new RoutingMap(results, quantities, first);
  const fixed = section.querySelector("svg");
  if (fixed) fixed.replaceWith(map.element);
  else section.querySelector("p")?.after(map.element);
  section.querySelector("details")?.replaceWith(entryTable(results));
}
