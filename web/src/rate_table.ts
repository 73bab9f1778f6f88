// Selection rates of the experts without and with the mask as a table, largest differences first.
import type { Results } from "./data";
import { el, shortNumber } from "./dom";

const longestTable = 200;

interface Row {
  layer: number;
  expert: number;
  base: number;
  steered: number;
}

/// Each expert's rates; none if the two sides do not match.
function rowsOf(results: Results): Row[] {
  const rows: Row[] = [];
  results.routing?.base.forEach((rates, layer) =>
    rates.forEach((base, expert) => {
      const steered = results.routing?.steered[layer]?.[expert];
      if (steered !== undefined) rows.push({ layer, expert, base, steered });
    }),
  );
  return rows.sort((a, b) => Math.abs(b.steered - b.base) - Math.abs(a.steered - a.base));
}

/// In place of the plain page's shorter one.
export function showRateTable(results: Results): void {
  const home = document.querySelector("#selection-rates table");
  const rows = rowsOf(results);
  if (!home || rows.length === 0) return;
  const heads = ["layer", "expert", "S", "without the mask", "with the mask", "difference"];
  const shown = rows.slice(0, longestTable);
  home.closest("details")?.classList.add("long"); // stays folded on paper
  home.replaceWith(
    el(
      "table",
      {},
      el("caption", {}, `Selection rates, ${shown.length} of ${rows.length} experts, largest differences first`),
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col", class: "number" }, head)))),
      el(
        "tbody",
        {},
        ...shown.map(({ layer, expert, base, steered }) => {
          const numbers = [layer, expert, results.mask.steer[layer]?.[expert], base, steered, steered - base];
          return el("tr", {}, ...numbers.map((number) => el("td", { class: "number" }, shortNumber(number))));
        }),
      ),
    ),
  );
}
