// A strength for each mask, and what both models are asked with.
import type { Facts, MaskFacts } from "./console_connection";
import { el, safeText } from "./dom";

/// The file's name, with its folder where it has the name that every run gives.
function nameOf(mask: MaskFacts): string {
  const parts = mask.name.split("/").filter(Boolean);
  return parts.slice(parts.at(-1) === "mask.gguf" ? -2 : -1).join("/");
}

function numberOf(input: HTMLInputElement, otherwise: number): number {
  const value = Number(input.value);
  return input.value.trim() !== "" && Number.isFinite(value) ? value : otherwise;
}

/// A slider and a field with the same value; the field takes what the slider does not reach.
class Strength {
  readonly element: HTMLElement;
  private readonly field: HTMLInputElement;

  constructor(mask: MaskFacts, i: number, largest: number) {
    const reach = Math.max(2, Math.ceil(2 * Math.abs(mask.strength)));
    const slider = el("input", { type: "range", id: `mask-${i}`, min: 0, max: reach, step: reach / 100, value: mask.strength });
    this.field = el("input", { type: "number", min: -largest, max: largest, step: "any", value: Number(mask.strength.toFixed(4)), "aria-label": `Strength of ${nameOf(mask)} as a number` });
    slider.addEventListener("input", () => (this.field.value = String(Number(Number(slider.value).toFixed(4)))));
    this.field.addEventListener("input", () => (slider.value = this.field.value));
    this.field.addEventListener("change", () => {
      this.field.value = String(Math.max(-largest, Math.min(largest, this.value)));
    });
    const facts = [mask.scenario, mask.direction, `${mask.active} entries`].filter(Boolean).join(", ");
    this.element = el(
      "div",
      { class: "mask" },
      el("label", { for: `mask-${i}`, title: mask.name }, safeText(nameOf(mask))),
      slider,
      this.field,
      el("p", { class: "quiet" }, safeText(facts)),
    );
  }

  get value(): number {
    return numberOf(this.field, 0);
  }
}

interface Values {
  system: string;
  strengths: number[];
  temperature: number;
  seed: number;
  max_tokens: number;
}

export class Controls {
  readonly element: HTMLElement;
  private readonly strengths: Strength[];
  private readonly system: HTMLTextAreaElement;
  private readonly temperature: HTMLInputElement;
  private readonly seed: HTMLInputElement;
  private readonly maxTokens: HTMLInputElement;

  constructor(private readonly facts: Facts) {
    this.strengths = facts.masks.map((mask, i) => new Strength(mask, i, facts.limits.strength));
    this.system = el("textarea", { rows: 2 });
    this.system.value = facts.system;
    this.temperature = el("input", { type: "number", min: 0, max: 10, step: "any", value: facts.temperature });
    this.seed = el("input", { type: "number", min: 0, step: 1, value: facts.seed });
    this.maxTokens = el("input", { type: "number", min: 1, max: facts.max_tokens, step: 1, value: facts.max_tokens });
    this.element = el(
      "section",
      { class: "controls card", "aria-label": "Settings" },
      el("h2", {}, facts.masks.length > 1 ? "Strengths of the masks" : "Strength of the mask"),
      ...this.strengths.map((strength) => strength.element),
      el(
        "details",
        {},
        el("summary", {}, "System message and sampling"),
        el("label", { class: "field" }, "System message", this.system),
        el("label", { class: "field" }, "Temperature, 0 = greedy", this.temperature),
        el("label", { class: "field" }, "Seed", this.seed),
        el("label", { class: "field" }, "Tokens per answer, at most", this.maxTokens),
      ),
      el("p", { class: "quiet" }, "Settings hold from the next question on. Each side continues from its own answers."),
    );
  }

  values(): Values {
    const { facts } = this;
    return {
      system: this.system.value,
      strengths: this.strengths.map((strength) => strength.value),
      temperature: numberOf(this.temperature, facts.temperature),
      seed: Math.floor(numberOf(this.seed, facts.seed)),
      max_tokens: Math.floor(numberOf(this.maxTokens, facts.max_tokens)),
    };
  }

  /// What the steered side is called.
  title(): string {
    return `steered, strength ${this.strengths.map((strength) => String(Number(strength.value.toFixed(4)))).join(" + ")}`;
  }
}
