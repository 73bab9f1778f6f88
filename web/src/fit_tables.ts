// Nothing is cut off: a table wider than the page is shown as one block a row.

import { excerpt } from "./dom";

const mostPrintedColumns = 10; // of the page's small type on a sheet of A4

function fit(table: HTMLTableElement): void {
  const region = table.parentElement;
  if (!region || region.clientWidth === 0 || matchMedia("print").matches) return;
  table.classList.remove("stacked");
  if (table.offsetWidth > region.clientWidth + 1) table.classList.add("stacked");
  // Only what scrolls needs to be within reach of the keyboard.
  const name = region.scrollWidth > region.clientWidth + 1 ? (table.caption?.textContent ?? "table") : null;
  for (const [key, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": name ?? "" })) {
    if (name === null) region.removeAttribute(key);
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
    tables.forEach(fit);
  });
  observer.observe(document.documentElement);
  // A sheet cannot be measured beforehand.
  addEventListener("beforeprint", () => {
    for (const table of tables) {
      const n = table.tHead?.rows[0]?.cells.length ?? 0;
      table.classList.toggle("stacked", n > mostPrintedColumns);
    }
  });
  addEventListener("afterprint", () => tables.forEach(fit));
  // A table in a folded part has no width before it is unfolded.
  for (const details of document.querySelectorAll("main details")) {
    details.addEventListener("toggle", () => details.querySelectorAll<HTMLTableElement>(".scroll > table").forEach(fit));
  }
}
