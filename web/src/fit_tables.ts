// Nothing is cut off: a table wider than the page is shown as one block a row.

import { excerpt } from "./dom";

const mostPrintedColumns = 10; // of the page's small type on a sheet of A4

/// All are measured before any is changed: the page is laid out anew only once for each change.
function fit(tables: HTMLTableElement[]): void {
  if (matchMedia("print").matches) return;
  const shown = tables.flatMap((table) => {
    const region = table.parentElement;
    return region && region.clientWidth > 0 ? [{ table, region }] : [];
  });
  for (const { table } of shown) table.classList.remove("stacked");
  const wide = shown.filter(({ table, region }) => table.offsetWidth > region.clientWidth + 1);
  for (const { table } of wide) table.classList.add("stacked");
  const scrolling = shown.map(({ region }) => region.scrollWidth > region.clientWidth + 1);
  shown.forEach(({ table, region }, i) => name(region, scrolling[i] ? (table.caption?.textContent ?? "table") : null));
}

/// Only what scrolls needs to be within reach of the keyboard.
function name(region: HTMLElement, text: string | null): void {
  for (const [key, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": text ?? "" })) {
    if (text === null) region.removeAttribute(key);
    else region.setAttribute(key, value);
  }
}

/// Each cell knows its column's heading, which a block of a row shows beside it.
function label(table: HTMLTableElement): void {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].map((head) => excerpt(head.textContent ?? "", 60));
  for (const row of table.tBodies[0]?.rows ?? []) {
    [...row.cells].forEach((cell, i) => cell.setAttribute("data-label", heads[i] ?? ""));
  }
}

export function fitTables(): void {
  const tables = [...document.querySelectorAll<HTMLTableElement>("main .scroll > table")];
  tables.forEach(label);
  let width = 0;
  const observer = new ResizeObserver(() => {
    const now = document.documentElement.clientWidth;
    if (now === width) return; // a table that changed its own height
    width = now;
    fit(tables);
  });
  observer.observe(document.documentElement);
  // A sheet cannot be measured beforehand.
  addEventListener("beforeprint", () => {
    for (const table of tables) {
      const n = table.tHead?.rows[0]?.cells.length ?? 0;
      table.classList.toggle("stacked", n > mostPrintedColumns);
    }
  });
  addEventListener("afterprint", () => fit(tables));
  // A table in a folded part has no width before it is unfolded.
  for (const details of document.querySelectorAll("main details")) {
    details.addEventListener("toggle", () => fit([...details.querySelectorAll<HTMLTableElement>(".scroll > table")]));
  }
}
