// One question and its two answers, which grow while they are written; then the words marked that only one of them has.
import type { Finished, Line, SideName, Turn } from "./console_connection";
import { el, safeText } from "./dom";
import { compareWords } from "./word_diff";

type TextLine = Extract<Line, { type: "text" }>;
type DoneLine = Extract<Line, { type: "done" }>;

class SideView {
  readonly element: HTMLElement;
  visible = "";
  reasoning = "";
  private readonly thought = el("div", { class: "text" });
  private readonly fold = el("details", { hidden: true }, el("summary", {}, "Reasoning"), this.thought);
  private readonly text = el("div", { class: "text is-writing" });
  private readonly facts = el("p", { class: "facts" });

  constructor(title: string) {
    this.element = el("article", { class: "side card" }, el("h3", {}, safeText(title)), this.fold, this.text, this.facts);
  }

  add({ part, text, whole }: TextLine): void {
    this[part] = whole ? text : this[part] + text;
    const node = part === "visible" ? this.text : this.thought;
    if (whole) node.replaceChildren();
    node.append(safeText(text));
    if (part === "reasoning") {
      this.fold.hidden = this.reasoning === "";
      this.facts.textContent = "reasoning \u2026";
    }
    if (part === "visible" && this.visible) this.facts.textContent = "";
  }

  finish(finished: Finished, shown: DocumentFragment): void {
    this.visible = finished.visible;
    this.reasoning = finished.reasoning;
    this.thought.replaceChildren(safeText(finished.reasoning));
    this.fold.hidden = finished.reasoning === "";
    this.text.replaceChildren(shown);
    const notes = [`${finished.tokens} tokens`];
    if (finished.unfinished) notes.push("ended within its reasoning");
    else if (finished.hit_limit) notes.push("cut off at the limit");
    this.facts.textContent = notes.join(", ");
  }

  end(): void {
    this.text.classList.remove("is-writing");
    if (this.facts.textContent?.startsWith("reasoning")) this.facts.textContent = "stopped within its reasoning";
  }
}

export class TurnView {
  readonly element: HTMLElement;
  private readonly sides: Record<SideName, SideView>;

  constructor(
    readonly user: string,
    steeredTitle: string,
  ) {
    this.sides = { base: new SideView("base"), steered: new SideView(steeredTitle) };
    this.element = el(
      "li",
      {},
      el("div", { class: "user" }, el("p", { class: "role" }, "you"), el("p", { class: "text" }, safeText(user))),
      el("div", { class: "sides" }, this.sides.base.element, this.sides.steered.element),
    );
  }

  get isEmpty(): boolean {
    return Object.values(this.sides).every((side) => side.visible === "" && side.reasoning === "");
  }

  add(line: TextLine): void {
    this.sides[line.side].add(line);
  }

  finish(line: DoneLine): void {
    const compared = compareWords(line.base.visible, line.steered.visible);
    this.sides.base.finish(line.base, compared.base);
    this.sides.steered.finish(line.steered, compared.steered);
  }

  end(): void {
    for (const side of Object.values(this.sides)) side.end();
  }

  /// As the next question tells it; a reply that was stopped goes on as far as it came.
  asTurn(): Turn {
    return { user: this.user, base: this.sides.base.visible, steered: this.sides.steered.visible };
  }
}
