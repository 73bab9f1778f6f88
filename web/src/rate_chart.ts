// Rates with and without the mask, with their intervals, one row per metric.
import { axisX, axisY, dot, gridX, link } from "@observablehq/plot";
import { chartOf, replacePicture } from "./charts";
import { displayName, type Rate, type Results } from "./data";
import { el, excerpt, percentTick, rateWords } from "./dom";

interface Row extends Rate {
  name: string;
}

const looks = [
  { side: "base", words: "without the mask", colour: "var(--neutral)", fill: "var(--card)", dy: -8 },
  { side: "steered", words: "with the mask", colour: "var(--accent)", fill: "var(--accent)", dy: 8 },
] as const;

const letterWidth = 7.2;
const mostOfWidth = 0.4; // for names

/// Without what does not show, as it goes into a picture.
const nameOf = (id: string): string => excerpt(displayName(id), 40);

/// In lines of at most `most` letters, divided between words where there are any.
function linesOf(name: string, most: number): string {
  const lines: string[] = [];
  for (const word of name.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else for (let at = 0; at < word.length; at += most) lines.push(word.slice(at, at + most));
  }
  return lines.join("\n");
}

function rowsOf(results: Results, names: string[], side: "base" | "steered"): Row[] {
  return names.flatMap((id) => {
    const rate = results.metrics[id]?.[side];
    return rate ? [{ name: nameOf(id), ...rate }] : [];
  });
}

export function showRateChart(results: Results): void {
  const section = document.querySelector("section[aria-labelledby=metrics]");
  // In the order of the table.
  const heads = [...(section?.querySelectorAll("tbody th") ?? [])].map((head) => head.textContent ?? "");
  const target = results.scenario.target_metric;
  const placeOf = (id: string): number =>
    id === target ? -1 : heads.findIndex((head) => head === displayName(id) || head.startsWith(`${displayName(id)} (`));
  const ids = Object.keys(results.metrics).sort((a, b) => placeOf(a) - placeOf(b));
  if (ids.length === 0) return;
  const names = ids.map(nameOf);
  const hasMask = Object.values(results.metrics).some((metric) => metric.steered);
  const shown = hasMask ? looks : looks.slice(0, 1);
  const longest = Math.max(...names.map((name) => name.length));
  const words = `Rates with 95 % intervals, without ${hasMask ? "and with the" : "a"} mask. The values are in the table below.`;
  const chart = chartOf("rate-chart", words, (width) => {
    const most = Math.max(6, Math.min(longest, Math.floor((mostOfWidth * width - 20) / letterWidth)));
    return {
      height: 44 * names.length + 40,
      marginLeft: 20 + letterWidth * most,
      marginRight: 24,
      x: { domain: [0, 1], label: null },
      y: { domain: names, label: null, type: "band" },
      marks: [
        gridX({ ticks: 5, stroke: "var(--rule)", strokeOpacity: 1 }),
        axisX({ ticks: 5, tickFormat: percentTick, tickSize: 0 }),
        axisY({ tickSize: 0, label: null, tickFormat: (name: string) => linesOf(name, most) }),
        ...shown.flatMap(({ side, colour, fill, dy: beside }) => {
          const dy = hasMask ? beside : 0;
          const rows = rowsOf(results, ids, side);
          const title = (row: Row): string => `${row.name}: ${rateWords(row)}`;
          return [
            link(rows, { x1: "low", x2: "high", y: "name", dy, stroke: colour, strokeWidth: 4, strokeOpacity: 0.55, title }),
            dot(rows, { x: "rate", y: "name", dy, r: 5.5, fill, stroke: colour, strokeWidth: 2.5, title, className: `${side}-rates` }),
          ];
        }),
      ],
    };
  });
  const keys = shown.map((look) => el("span", { class: `key ${look.side}` }, hasMask ? look.words : "without a mask"));
  const key = el("p", { class: "chart-key" }, ...keys, "lines are 95 % intervals");
  if (replacePicture(section, chart.element)) chart.element.before(key);
}
