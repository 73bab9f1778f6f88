// How likely the wanted kind of reply is at the end of each user message, without and with the mask: where a
// conversation turns the model. A chart for the eye, a table with the numbers.
import { niceTicks } from "./trade_off";
import type { Message, Transcript, TurnMargin } from "./data";
import { el, excerpt, shortNumber, svg } from "./dom";

const width = 560;
const height = 200;
const frame = { left: 48, right: 545, top: 12, bottom: 168 };

type Side = "base" | "steered";
const sides: Side[] = ["base", "steered"];

interface Point extends TurnMargin {
  turn: number; // of the user's, from 1
}

function pointsOf(margins: TurnMargin[], messages: Message[]): Point[] {
  const turnOf = (message: number): number => messages.slice(0, message + 1).filter(({ role }) => role === "user").length;
  return margins.map((margin) => ({ ...margin, turn: turnOf(margin.message) }));
}

function chart(points: Point[], words: string): SVGElement {
  const values = points.flatMap(({ base, steered }) => [base, steered]);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const last = points[points.length - 1]?.turn ?? 1;
  const xOf = (turn: number): number => frame.left + ((frame.right - frame.left) * (turn - 1)) / Math.max(1, last - 1);
  const yOf = (value: number): number => frame.bottom - ((frame.bottom - frame.top) * (value - low)) / (high - low || 1);
  const text = (x: number, y: number, anchor: string, label: string): SVGElement =>
    svg("text", { x, y, class: "tick", "text-anchor": anchor }, label);
  const parts: SVGElement[] = [];
  for (const tick of niceTicks(low, high)) {
    parts.push(svg("line", { x1: frame.left, x2: frame.right, y1: yOf(tick), y2: yOf(tick), class: Math.abs(tick) < 1e-9 ? "limit" : "grid" }));
    parts.push(text(frame.left - 8, yOf(tick) + 4, "end", String(Number(tick.toFixed(6)))));
  }
  points.forEach(({ turn }, i) => {
    const anchor = i === 0 ? "start" : turn === last ? "end" : "middle";
    parts.push(text(xOf(turn), frame.bottom + 22, anchor, i === 0 ? `message ${turn}` : String(turn)));
  });
  for (const side of sides) {
    const line = points.map((point) => `${xOf(point.turn).toFixed(1)},${yOf(point[side]).toFixed(1)}`).join(" ");
    const dots = points.map((point) => svg("circle", { cx: xOf(point.turn), cy: yOf(point[side]), r: 4 }));
    parts.push(svg("g", { class: side }, svg("polyline", { points: line, class: "margin-line" }), ...dots));
  }
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "margin-chart", role: "img", "aria-label": words }, ...parts);
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
