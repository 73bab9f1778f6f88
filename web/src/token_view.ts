// The final user message and the steered reply, each token shaded by how much the mask changed its routing, or by how
// much likelier the mask made it. The cursor keys go from token to token.
import type { TokenRouting } from "./data";
import { el, safeText, shortNumber } from "./dom";

type Measure = "change" | "gain";

const measureNames: Record<Measure, string> = { change: "choices of experts that changed", gain: "likelier with the mask" };

class TokenView {
  readonly element: HTMLElement;
  private readonly words = el("p", { class: "token-words", role: "status" });
  private readonly legend = el("p", { class: "map-axis" });
  private readonly choice: HTMLSelectElement;
  private readonly tokens: HTMLElement[];
  private readonly text: HTMLElement;
  private cursor = 0;

  constructor(private readonly routing: TokenRouting) {
    const measures: Measure[] = routing.gain.length > 0 ? ["change", "gain"] : ["change"];
    this.choice = el("select", {}, ...measures.map((name) => el("option", { value: name }, measureNames[name])));
    this.choice.addEventListener("change", () => this.shade());
    this.tokens = routing.tokens.map((token, i) => el("span", { class: "token", "data-token": i }, safeText(token)));
    this.text = el(
      "div",
      { class: "text tokens", tabindex: 0, role: "group", "aria-label": "Tokens of the final message and the reply with the mask. The cursor keys go from token to token." },
      ...this.tokens,
    );
    this.text.addEventListener("pointerover", (event) => this.point(event.target));
    this.text.addEventListener("click", (event) => this.point(event.target));
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.element = el(
      "div",
      { class: "token-view" },
      el("label", {}, "Shade by ", this.choice),
      this.legend,
      this.text,
      this.words,
      routing.left_out > 0 && el("p", { class: "size-note" }, `${routing.left_out} tokens of a long message or reply are not shown.`),
    );
    this.shade();
    this.moveTo(0);
  }

  moveTo(i: number): void {
    this.tokens[this.cursor]?.removeAttribute("data-at");
    this.cursor = Math.max(0, Math.min(this.tokens.length - 1, i));
    this.tokens[this.cursor]?.setAttribute("data-at", "");
    this.say();
  }

  private get measure(): Measure {
    return this.choice.value === "gain" ? "gain" : "change";
  }

  private gainOf(i: number): number | undefined {
    return this.routing.gain[i - (this.tokens.length - this.routing.gain.length)];
  }

  private valueOf(i: number): number {
    return (this.measure === "gain" ? this.gainOf(i) : this.routing.change[i]) ?? 0;
  }

  private shade(): void {
    const values = this.tokens.map((_, i) => this.valueOf(i));
    const largest = Math.max(...values.map(Math.abs)) || 1;
    this.tokens.forEach((token, i) => {
      const value = values[i] ?? 0;
      token.style.setProperty("--part", `${Math.round((40 * Math.abs(value)) / largest)}%`);
      token.classList.toggle("is-below", value < 0);
    });
    this.legend.textContent = this.legendFor(largest);
    this.say();
  }

  private legendFor(largest: number): string {
    const { change, gain } = this.routing;
    if (this.measure === "gain") {
      const sum = gain.reduce((all, value) => all + value, 0);
      return `orange: likelier with the mask, blue: less likely; strongest shade ${shortNumber(largest)} nats; the reply ${shortNumber(sum)} nats in all`;
    }
    const mean = change.reduce((all, value) => all + value, 0) / Math.max(1, change.length);
    return `strongest shade: ${shortNumber(100 * largest)} % of a token's choices; ${shortNumber(100 * mean)} % on average`;
  }

  private say(): void {
    const i = this.cursor;
    const gain = this.gainOf(i);
    const parts = [
      `token ${i}`,
      `${shortNumber(100 * (this.routing.change[i] ?? 0))} % of its choices of experts changed`,
      gain === undefined ? "of the message or the template" : `${gain > 0 ? "+" : ""}${shortNumber(gain)} nats with the mask`,
    ];
    this.words.textContent = parts.join(" \u00b7 ");
  }

  private point(target: EventTarget | null): void {
    const token = target instanceof Element ? target.closest("[data-token]") : null;
    if (token) this.moveTo(Number(token.getAttribute("data-token")));
  }

  private onKey(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.moveTo(this.cursor + step);
  }
}

/// Folded, unless it is to show a token.
export function tokenView(routing: TokenRouting, token?: number): HTMLElement {
  const fold = el("details", { class: "token-fold", open: token !== undefined }, el("summary", {}, "How the mask changed its routing, token by token"));
  let view: TokenView | undefined;
  const open = (): void => {
    if (view || !fold.open) return;
    view = new TokenView(routing);
    fold.append(view.element);
  };
  fold.addEventListener("toggle", open);
  open();
  if (token !== undefined) view?.moveTo(token);
  return fold;
}
