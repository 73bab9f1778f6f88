// A map of MoE layers x experts on a canvas, with the numbers of the entry under the pointer or the cursor keys.
import { el } from "./dom";

export interface Quantity {
  name: string;
  about: string;
  values: number[][]; // [layer][expert]
}

export interface Cell {
  layer: number;
  expert: number;
}

export interface Shape {
  nLayer: number;
  nExpert: number;
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
      quantities.length > 1 && el("label", {}, "Show ", this.choice),
      this.canvas,
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

  private point(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    const expert = Math.floor(((event.clientX - box.left) / box.width) * this.shape.nExpert);
    const layer = Math.floor(((event.clientY - box.top) / box.height) * this.shape.nLayer);
    this.moveTo({ layer, expert });
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
    const width = this.canvas.clientWidth;
    if (width === 0 || !this.quantity) return;
    const { nLayer, nExpert } = this.shape;
    const cell = Math.max(3, Math.min(26, width / nExpert));
    const height = Math.ceil(cell * nLayer);
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
    const w = width / nExpert;
    const h = height / nLayer;
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
