// A map of MoE layers x experts on a canvas, with the numbers of the entry under the pointer or the cursor keys.
import { el, shortNumber } from "./dom";

export interface Quantity {
  name: string;
  about: string;
  values: number[][]; // [layer][expert]
  isRinged?: (cell: Cell) => boolean;
}

export interface Cell {
  layer: number;
  expert: number;
}

export interface Shape {
  nLayer: number;
  nExpert: number;
}

const left = 34; // of the first expert; layers are numbered before it
const top = 20;
const fontSize = 11;

/// Where the squares are, in pixels of the page.
interface Grid {
  width: number;
  height: number;
  w: number; // of a square
  h: number;
}

/// The n for which every n-th label has `needed` pixels; a power of two.
function labelStep(cell: number, needed: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(needed / cell)));
}

function largestOf(values: number[][]): number {
  let largest = 0;
  for (const row of values) for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest;
}

export class HeatMap {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly words = el("p", { class: "map-words", role: "status" });
  private readonly scale = el("p", { class: "map-scale" });
  private readonly choice: HTMLSelectElement;
  private quantities: Quantity[];
  private cursor: Cell = { layer: 0, expert: 0 };

  /// `describe`: the numbers of one entry, in words. `choose`: what a click or the enter key does.
  constructor(
    private readonly shape: Shape,
    quantities: Quantity[],
    private readonly describe: (cell: Cell) => string,
    private readonly choose?: (cell: Cell) => void,
  ) {
    this.quantities = quantities;
    this.canvas = el("canvas", {
      class: "map",
      tabindex: 0,
      role: "application",
      "aria-label": `Map of layers and experts. The cursor keys go from entry to entry${choose ? ", enter chooses one" : ""}.`,
    });
    this.choice = el("select", {}, ...quantities.map((quantity, i) => el("option", { value: i }, quantity.name)));
    this.choice.addEventListener("change", () => {
      this.draw();
      this.say();
    });
    this.element = el(
      "div",
      { class: "routing" },
      quantities.length > 1 && el("label", { class: "map-choice" }, "Show ", this.choice),
      this.canvas,
      this.scale,
      el("p", { class: "map-axis" }, "experts from left to right, MoE layers from top to bottom; blue below zero, orange above"),
      this.words,
    );
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.point(event);
      this.choose?.(this.cursor);
    });
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.say();
  }

  /// The same quantities with other values.
  update(quantities: Quantity[]): void {
    this.quantities = quantities;
    this.draw();
    this.say();
  }

  private get quantity(): Quantity | undefined {
    return this.quantities[Number(this.choice.value) || 0];
  }

  private get grid(): Grid {
    const { nLayer, nExpert } = this.shape;
    const w = (this.canvas.clientWidth - left) / nExpert;
    const h = Math.ceil(Math.max(3, Math.min(26, w)) * nLayer) / nLayer;
    return { width: w * nExpert, height: h * nLayer, w, h };
  }

  private point(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    const { w, h } = this.grid;
    this.moveTo({ layer: Math.floor((event.clientY - box.top - top) / h), expert: Math.floor((event.clientX - box.left - left) / w) });
  }

  private onKey(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
    };
    if (event.key === "Enter" && this.choose) {
      event.preventDefault();
      this.choose(this.cursor);
      return;
    }
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    this.moveTo({ layer: this.cursor.layer + step[0], expert: this.cursor.expert + step[1] });
  }

  private moveTo(cell: Cell): void {
    this.cursor = {
      layer: Math.max(0, Math.min(this.shape.nLayer - 1, cell.layer)),
      expert: Math.max(0, Math.min(this.shape.nExpert - 1, cell.expert)),
    };
    this.draw();
    this.say();
  }

  private say(): void {
    if (!this.quantity) return;
    this.words.textContent = `${this.describe(this.cursor)} (${this.quantity.name}: ${this.quantity.about})`;
  }

  private draw(): void {
    if (this.canvas.clientWidth === 0 || !this.quantity) return;
    const { grid } = this;
    const scale = window.devicePixelRatio || 1;
    this.canvas.style.height = `${grid.height + top}px`;
    this.canvas.width = Math.round((grid.width + left) * scale);
    this.canvas.height = Math.round((grid.height + top) * scale);
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    pen.scale(scale, scale);
    this.drawNumbers(pen, grid);
    pen.translate(left, top);
    this.drawSquares(pen, grid, this.quantity);
    const { layer, expert } = this.cursor;
    pen.lineWidth = 2;
    pen.strokeRect(expert * grid.w, layer * grid.h, grid.w, grid.h);
    this.drawScale(this.quantity);
  }

  private drawNumbers(pen: CanvasRenderingContext2D, { w, h }: Grid): void {
    const { nLayer, nExpert } = this.shape;
    const style = getComputedStyle(this.canvas);
    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.font = `${fontSize}px ${style.fontFamily}`;
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    const expertStep = labelStep(w, fontSize * (String(nExpert - 1).length * 0.6 + 1));
    for (let i = 0; i < nExpert; i += expertStep) pen.fillText(String(i), left + (i + 0.5) * w, top / 2);
    pen.textAlign = "right";
    const layerStep = labelStep(h, fontSize + 2);
    for (let i = 0; i < nLayer; i += layerStep) pen.fillText(String(i), left - 6, top + (i + 0.5) * h);
  }

  private drawSquares(pen: CanvasRenderingContext2D, { width, height, w, h }: Grid, quantity: Quantity): void {
    const style = getComputedStyle(this.canvas);
    const colours = [style.getPropertyValue("--below"), style.getPropertyValue("--above")] as const;
    pen.fillStyle = style.getPropertyValue("--faint");
    pen.fillRect(0, 0, width, height);
    pen.strokeStyle = style.color;
    pen.lineWidth = Math.min(2, w / 5);
    const inset = 0.5 + pen.lineWidth / 2;
    const largest = largestOf(quantity.values) || 1;
    quantity.values.forEach((row, layer) =>
      row.forEach((value, expert) => {
        if (!value) return;
        pen.fillStyle = colours[value < 0 ? 0 : 1];
        pen.globalAlpha = 0.15 + (0.85 * Math.abs(value)) / largest;
        pen.fillRect(expert * w, layer * h, Math.max(1, w - 0.5), Math.max(1, h - 0.5));
        pen.globalAlpha = 1;
        if (!quantity.isRinged?.({ layer, expert })) return;
        pen.strokeRect(expert * w + inset, layer * h + inset, Math.max(0.5, w - 2 * inset), Math.max(0.5, h - 2 * inset));
      }),
    );
  }

  /// What the colours stand for.
  private drawScale({ values }: Quantity): void {
    const largest = largestOf(values);
    const isPositive = !values.some((row) => row.some((value) => value < 0));
    this.scale.replaceChildren(
      el("span", {}, isPositive ? "0" : shortNumber(-largest)),
      el("span", { class: isPositive ? "bar is-positive" : "bar" }),
      el("span", {}, shortNumber(largest)),
    );
  }
}
