// Elements without HTML strings: whatever a model wrote only ever becomes text.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined>;

function fill(node: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child) node.append(child);
  }
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  fill(node, attributes, children);
  return node;
}

export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(node, attributes, children);
  return node;
}

// Control characters other than tab and line break, and all that changes the direction of text or does not show
// (src/base/text.cpp has the same).
const hidden = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/// Emoji and some scripts need joiners and U+FE0F behind a character of theirs.
function isNeeded(text: string, at: number): boolean {
  const [before = "", here] = [text[at - 1], text[at]];
  if (here === "\ufe0f") return text[at + 1] === "\u20e3" || (before >= "\u00a9" && !/[\u200b-\u200f\ufe0f]/.test(before));
  return (here === "\u200c" || here === "\u200d") && before >= "\u00a9" && !/[\u200b-\u200f]/.test(before);
}

/// Text with what one cannot see made visible: a right-to-left override must not reorder a verdict.
export function safeText(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(hidden)) {
    const at = match.index ?? 0;
    if (isNeeded(text, at)) continue;
    fragment.append(text.slice(end, at));
    const code = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    fragment.append(el("span", { class: "hidden-character" }, `U+${code}`));
    end = at + match[0].length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

/// The same on one line, at most `limit` characters.
export function excerpt(text: string, limit: number): string {
  const start = text.slice(0, 4 * limit);
  const line = start.replace(hidden, (mark, at: number) => (isNeeded(start, at) ? mark : "")).replace(/\s+/g, " ").trim();
  return line.length > limit ? line.slice(0, limit - 1) + "\u2026" : line;
}

/// About three significant digits, never an exponent.
export function shortNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  const size = Math.abs(value);
  const decimals = size === 0 || size >= 100 ? 0 : Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(size))));
  const text = value.toFixed(decimals);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/// In percent with one decimal. A half goes to the even digit, as on the page without a script (format_number in
/// src/base/text.cpp); toFixed rounds every half up. With one decimal only a quarter can be a half.
function inPercent(share: number): string {
  const value = 100 * share;
  const text = (Math.abs(value % 1) === 0.25 ? value - 0.01 * Math.sign(value) : value).toFixed(1);
  return text === "-0.0" ? "0.0" : text;
}

/// "54.0 %": a rate, as the page shows it everywhere.
export function percent(rate: number | null | undefined): string {
  return rate === null || rate === undefined || !Number.isFinite(rate) ? "\u2013" : `${inPercent(rate)} %`;
}

/// "4.7 points": a difference of rates.
export function points(difference: number | null | undefined): string {
  return difference === null || difference === undefined || !Number.isFinite(difference) ? "\u2013" : `${inPercent(difference)} points`;
}

/// "54.0 % [48.3, 59.6], n = 300"; without n where results of earlier versions do not have it.
export function rateWords({ rate, low, high, n = 0 }: { rate: number; low: number; high: number; n?: number }): string {
  return `${percent(rate)} [${inPercent(low)}, ${inPercent(high)}]${n > 0 ? `, n = ${n}` : ""}`;
}

/// "25 %", beside an axis.
export function percentTick(share: number): string {
  return `${Math.round(100 * share)} %`;
}
