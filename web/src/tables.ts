// Any table of the page can be sorted by a column: numbers by value, the rest by text.
import { el } from "./dom";

const fewRows = 3; // not worth sorting

/// "~87.4 % [80.1, 92.0]", "<0.0001", "12 345", "+2.9 %" -> a number; null for anything else.
export function numberIn(text: string): number | null {
  const match = /^[~<\s]*([+\u2212-]?\d[\d \u202f]*(?:\.\d+)?(?:e[+-]?\d+)?)/.exec(text.replace(/[\u25b2\u25bc]/g, "").trim());
  if (!match?.[1]) return null;
  const value = Number(match[1].replace("\u2212", "-").replaceAll(/[ \u202f]/g, ""));
  return Number.isFinite(value) ? value : null;
}

/// `sign` is 1 for rising order, -1 for falling. What is no number comes last in both.
function compareCells(a: string, b: string, sign: number): number {
  const x = numberIn(a);
  const y = numberIn(b);
  if (x !== null && y !== null) return sign * (x - y);
  if ((x === null) !== (y === null)) return x === null ? 1 : -1;
  return sign * a.localeCompare(b);
}

function sortRows(table: HTMLTableElement, column: number, sign: number): void {
  const body = table.tBodies[0];
  if (!body) return;
  const cell = (row: HTMLTableRowElement): string =>
    row.cells[column]?.querySelector("data")?.value ?? row.cells[column]?.textContent ?? "";
  // What the others are read beside stays first.
  const isFixed = (row: HTMLTableRowElement): number => Number(row.classList.contains("fixed"));
  const rows = [...body.rows].sort((a, b) => isFixed(b) - isFixed(a) || compareCells(cell(a), cell(b), sign));
  body.append(...rows);
}

export function makeSortable(table: HTMLTableElement): void {
  if ((table.tBodies[0]?.rows.length ?? 0) < fewRows) return;
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  heads.forEach((head, column) => {
    const button = el("button", { type: "button", class: "sort" }, ...head.childNodes);
    button.addEventListener("click", () => {
      const isRising = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", isRising ? "descending" : "ascending");
      sortRows(table, column, isRising ? -1 : 1);
    });
    head.replaceChildren(button);
  });
}

export function makeTablesSortable(): void {
  document.querySelectorAll<HTMLTableElement>("main table").forEach(makeSortable);
}
