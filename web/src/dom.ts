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

// Control characters other than tab and line break, and all that changes the direction of text or does not show.
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/// Text with what one cannot see made visible: a right-to-left override must not reorder a verdict.
export function safeText(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(hidden)) {
    fragment.append(text.slice(end, match.index));
    const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    fragment.append(el("span", { class: "hidden-character" }, `U+${code}`));
    end = (match.index ?? 0) + match[0].length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

/// The same on one line, at most `limit` characters.
export function excerpt(text: string, limit: number): string {
  const line = text.slice(0, 4 * limit).replace(hidden, "").replace(/\s+/g, " ").trim();
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
