// The steering matrix, the selection rates and the measured effects as one map of layers x experts, with the numbers of
// the entry under the pointer or the cursor keys, and the tokens of the expert that is chosen.
import type { Results } from "./data";
import { el, shortNumber } from "./dom";
import { ExpertTokens } from "./expert_tokens";
import { type Cell, HeatMap, type Quantity } from "./heat_map";
import { makeSortable } from "./tables";

const longestTable = 200;

/// Selection rates with the mask less those without.
function differencesOf(results: Results): number[][] {
  const { base, steered } = results.routing ?? { base: [], steered: [] };
  return steered.map((row, layer) => row.map((rate, expert) => rate - (base[layer]?.[expert] ?? NaN)));
}

/// Of the loop that found the mask; empty where it was not measured.
function attributionOf(results: Results): { part: number[][]; standard_error: number[][] } {
  const isAdapter = results.adapter_loop && results.mask.method.startsWith("router_adapter");
  const loop = isAdapter ? results.adapter_loop : results.loop;
  return loop?.attribution ?? { part: [], standard_error: [] };
}

function quantitiesOf(results: Results): Quantity[] {
  const { mask, effects, routing } = results;
  const { part, standard_error } = attributionOf(results);
  const isSignificant = ({ layer, expert }: Cell): boolean => (effects.q_value[layer]?.[expert] ?? 1) <= 0.05;
  const isClear = ({ layer, expert }: Cell): boolean =>
    Math.abs(part[layer]?.[expert] ?? 0) > 2 * (standard_error[layer]?.[expert] ?? Infinity);
  // An adapter pushes each token differently: mask.steer has how far, without a sign.
  const about = mask.method.includes("router_adapter")
    ? "how far the router adapter pushes the expert, a root mean square in units of sigma"
    : "entry of the steering matrix, in units of sigma";
  const all: Quantity[] = [
    { name: "S, the mask", about, values: mask.steer },
    { name: "selected without the mask", about: "share of tokens that chose the expert", values: routing?.base ?? [] },
    { name: "selected with the mask", about: "share of tokens that chose the expert", values: routing?.steered ?? [] },
    { name: "difference by the mask", about: "share of tokens with the mask less without", values: differencesOf(results) },
    { name: "effect", about: "nats of margin per unit of the entry; ringed: false discovery rate up to 0.05", values: effects.effect, isRinged: isSignificant },
    { name: "carried", about: "the layer's effect times the expert's part in the difference", values: effects.carried ?? [] },
    { name: "part of the change", about: "nats of margin that the entry brings about, of all between no mask and the loop's; ringed: more than two standard errors from 0", values: part, isRinged: isClear },
  ];
  return all.filter((quantity) => quantity.values.length > 0);
}

/// What is known of one entry.
function wordsOf(results: Results, { layer, expert }: Cell): string {
  const { mask, effects, routing } = results;
  const at = (values: number[][] | undefined): number | undefined => values?.[layer]?.[expert];
  const parts = [`layer ${layer}, expert ${expert}`];
  const entry = at(mask.steer);
  if (entry !== undefined) parts.push(`S ${shortNumber(entry)}`);
  const [base, steered] = [at(routing?.base), at(routing?.steered)];
  if (base !== undefined && steered !== undefined) {
    parts.push(`selected ${shortNumber(base)} without the mask, ${shortNumber(steered)} with it, difference ${shortNumber(steered - base)}`);
  }
  const effect = at(effects.effect);
  if (effect !== undefined) {
    parts.push(`effect ${shortNumber(effect)} \u00b1 ${shortNumber(at(effects.standard_error))} nats per unit`);
    parts.push(`false discovery rate ${shortNumber(at(effects.q_value))}`);
  }
  const carried = at(effects.carried);
  if (carried !== undefined) parts.push(`carried ${shortNumber(carried)}`);
  const { part, standard_error } = attributionOf(results);
  const change = at(part);
  if (change !== undefined) parts.push(`part of the change ${shortNumber(change)} \u00b1 ${shortNumber(at(standard_error))} nats`);
  return parts.join(" \u00b7 ");
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
  if (!section || quantities.length === 0) return;
  const tokens = results.routing?.experts.length ? new ExpertTokens(results.routing) : undefined;
  const map = new HeatMap(
    { nLayer: results.model.n_layer_moe, nExpert: results.model.n_expert },
    quantities,
    (cell) => wordsOf(results, cell),
    tokens && ((cell) => tokens.show(cell)),
  );
  if (tokens) map.element.append(tokens.element);
  const fixed = section.querySelector("svg");
  if (fixed) fixed.replaceWith(map.element);
  else section.querySelector("p")?.after(map.element);
  section.querySelector("details")?.replaceWith(entryTable(results));
}
