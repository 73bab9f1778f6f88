// A list box of which only the rows in view exist. All rows have one height.
import { el } from "./dom";

const margin = 8; // rows drawn above and below the view

export interface ListOptions<T> {
  label: string;
  rowHeight: number;
  draw: (item: T) => Node[];
  choose: (item: T) => void;
}

export class VirtualList<T> {
  readonly element: HTMLElement;
  private readonly space: HTMLElement;
  private items: T[] = [];
  private current = -1;
  private isWaiting = false;

  constructor(private readonly options: ListOptions<T>) {
    this.space = el("div", { class: "list-space", role: "presentation" });
    this.element = el(
      "div",
      { class: "list", role: "listbox", tabindex: 0, "aria-label": options.label },
      this.space,
    );
    this.element.addEventListener("scroll", () => this.drawSoon());
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.element.addEventListener("click", (event) => this.onClick(event));
    new ResizeObserver(() => this.drawSoon()).observe(this.element);
  }

  show(items: T[]): void {
    this.items = items;
    this.current = -1;
    this.element.scrollTop = 0;
    this.space.style.height = `${items.length * this.options.rowHeight}px`;
    this.drawRows();
  }

  /// Marks an item as chosen and scrolls it into view, without calling `choose`.
  mark(item: T): void {
    this.current = this.items.indexOf(item);
    if (this.current >= 0) this.scrollToCurrent();
    this.drawRows();
  }

  private chooseAt(index: number): void {
    const bounded = Math.max(0, Math.min(this.items.length - 1, index));
    const item = this.items[bounded];
    if (item === undefined) return;
    this.current = bounded;
    this.scrollToCurrent();
    this.drawRows();
    this.options.choose(item);
  }

  private scrollToCurrent(): void {
    const top = this.current * this.options.rowHeight;
    const view = this.element;
    if (top < view.scrollTop) view.scrollTop = top;
    const bottom = top + this.options.rowHeight - view.clientHeight;
    if (bottom > view.scrollTop) view.scrollTop = bottom;
  }

  private onKey(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.rowHeight) - 1);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const step = steps[event.key];
    if (step !== undefined) {
      this.chooseAt(this.current + step);
    } else if (event.key === "Home") {
      this.chooseAt(0);
    } else if (event.key === "End") {
      this.chooseAt(this.items.length - 1);
    } else {
      return;
    }
    event.preventDefault();
  }

  private onClick(event: MouseEvent): void {
    const row = (event.target as Element).closest("[data-index]");
    if (row) this.chooseAt(Number(row.getAttribute("data-index")));
  }

  private drawSoon(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.drawRows();
    });
  }

  private drawRows(): void {
    const { rowHeight, draw } = this.options;
    const first = Math.max(0, Math.floor(this.element.scrollTop / rowHeight) - margin);
    const last = Math.min(
      this.items.length,
      Math.ceil((this.element.scrollTop + this.element.clientHeight) / rowHeight) + margin,
    );
    const rows: Node[] = [];
    for (let i = first; i < last; ++i) {
      const item = this.items[i];
      if (item === undefined) continue;
      const row = el("div", {
        class: "row",
        role: "option",
        id: `row-${i}`,
        "data-index": i,
        "aria-selected": i === this.current ? "true" : "false",
        "aria-setsize": this.items.length,
        "aria-posinset": i + 1,
      });
      row.style.top = `${i * rowHeight}px`;
      row.style.height = `${rowHeight}px`;
      row.append(...draw(item));
      rows.push(row);
    }
    this.space.replaceChildren(...rows);
    const isDrawn = this.current >= first && this.current < last;
    if (isDrawn) {
      this.element.setAttribute("aria-activedescendant", `row-${this.current}`);
    } else {
      this.element.removeAttribute("aria-activedescendant");
    }
  }
}
