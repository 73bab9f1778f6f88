// How likely the wanted kind of reply is at the end of each user message, without and with the mask: where a
// conversation turns the model. A chart for the eye, a table with the numbers.
import { axisX, axisY, dot, gridY, lineY, ruleY } from "@observablehq/plot";
import { chartOf } from "./charts";
import type { Message, Transcript, TurnMargin } from "./data";
import { el, excerpt, shortNumber } from "./dom";

type Side = "base" | "steered";
const sides: Side[] = ["base", "steered"];

interface Point extends TurnMargin {
  turn: number; // of the user's, from 1
}

function pointsOf(margins: TurnMargin[], messages: Message[]): Point[] {
  const turnOf = (message: number): number => messages.slice(0, message + 1).filter(({ role }) => role === "user").length;
  return margins.map((margin) => ({ ...margin, turn: turnOf(margin.message) }));
}

const looks = { base: ["var(--neutral)", "6 4"], steered: ["var(--accent)", "none"] } as const;

function chart(points: Point[], words: string): HTMLElement {
  const turns = points.map(({ turn }) => turn);
  return chartOf("margin-chart", words, () => ({
    height: 210,
    marginLeft: 48,
    marginRight: 16,
    marginBottom: 44,
    x: { label: "message", labelArrow: "none" },
    y: { label: null, nice: true },
    marks: [
      gridY({ ticks: 5, stroke: "var(--rule)", strokeOpacity: 1 }),
      axisY({ ticks: 5, tickFormat: (value: number) => String(Number(value.toFixed(6))), tickSize: 0 }),
      axisX(turns, { tickSize: 0, tickFormat: String, label: "message", labelAnchor: "center", labelArrow: "none", labelOffset: 36 }),
      ruleY([0], { stroke: "var(--quiet)", strokeWidth: 1.5 }),
      ...sides.flatMap((side) => {
        const [colour, dash] = looks[side];
        return [
          lineY(points, { x: "turn", y: side, stroke: colour, strokeWidth: 2, strokeDasharray: dash }),
          dot(points, { x: "turn", y: side, r: 4, fill: side === "base" ? "var(--card)" : colour, stroke: colour, strokeWidth: 2 }),
        ];
      }),
    ],
  })).element;
}

/// At which messages only one side makes the wanted reply the likelier one.
function decisionOf(points: Point[], expected: string): string {
  const turns = (wanted: Side, other: Side): number[] =>
    points.filter((point) => point[wanted] > 0 && point[other] <= 0).map(({ turn }) => turn);
  const say = (list: number[], where: string): string =>
    list.length > 0 ? `At message${list.length > 1 ? "s" : ""} ${list.join(", ").replace(/, (\d+)$/, " and $1")} the likelier reply is “${expected}” only ${where} the mask.` : "";
  const both = [say(turns("steered", "base"), "with"), say(turns("base", "steered"), "without")].filter((words) => words !== "");
  return both.join(" ") || "At no message does the mask change which kind of reply is the likelier one.";
}

function table(points: Point[], messages: Message[]): HTMLElement {
  const head = (words: string): HTMLElement => el("th", { scope: "col", class: "number" }, words);
  return el(
    "table",
    { class: "margin-table" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "message"), head("without"), head("with the mask"))),
    el(
      "tbody",
      {},
      ...points.map((point) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, `${point.turn} · ${excerpt(messages[point.message]?.content ?? "", 40)}`),
          ...sides.map((side) => el("td", { class: "number" }, shortNumber(point[side]))),
        ),
      ),
    ),
  );
}

/// Nothing for a conversation without margins.
export function marginView(row: Transcript): HTMLElement | null {
  const margins = row.routing?.margins ?? [];
  if (margins.length === 0) return null;
  const messages = row.steered?.messages ?? row.messages;
  const points = pointsOf(margins, messages);
  const words = decisionOf(points, row.expected);
  return el(
    "section",
    { class: "margins", "aria-label": "Margin along the conversation" },
    el("h4", {}, "Margin along the conversation"),
    el(
      "p",
      { class: "map-axis" },
      `Nats by which openings of “${row.expected}” replies lead at the end of a message, above or below the zero of the margin; after an earlier message the reply may be of neither kind. ${words}`,
    ),
    points.length > 1 && chart(points, `Margin at the end of each message, without and with the mask. ${words}`),
    points.length > 1 &&
      el("p", { class: "margin-key" }, el("span", { class: "key base" }, "without the mask"), " ", el("span", { class: "key steered" }, "with the mask")),
    table(points, messages),
  );
}
