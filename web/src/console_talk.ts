// The conversation: controls at the side, turns below each other, the last answer's routing at the end.
import {
  type Connection,
  curlOfConsole,
  curlOfServer,
  type Facts,
  Failure,
  type Line,
  type Question,
} from "./console_connection";
import { Controls } from "./console_controls";
import { TurnView } from "./console_turn";
import { el, safeText, shortNumber } from "./dom";
import { type Cell, HeatMap, type Quantity } from "./heat_map";

const heartbeat = 3000; // milliseconds between two looks whether the program still runs

type RoutingLine = Extract<Line, { type: "routing" }>;

function differences(line: RoutingLine): number[][] {
  return line.steered.rates.map((row, i) => row.map((rate, j) => rate - (line.base.rates[i]?.[j] ?? 0)));
}

function quantitiesOf(line: RoutingLine): Quantity[] {
  const by = line.by_logits ? ` by router logits alone (${line.by_logits})` : "";
  return [
    { name: "difference", about: `steered rate minus base rate${by}`, values: differences(line) },
    { name: "base", about: `share of the tokens of the base answer that chose the expert${by}`, values: line.base.rates },
    { name: "steered", about: `share of the tokens of the steered answer that chose the expert${by}`, values: line.steered.rates },
  ];
}

export class Talk {
  readonly header: HTMLElement;
  readonly main: HTMLElement;
  private readonly controls: Controls;
  private readonly turns: TurnView[] = [];
  private readonly list = el("ol", { class: "turns", "aria-label": "Conversation" });
  private readonly notice = el("div", { class: "notice", role: "alert", hidden: true });
  private readonly status = el("p", { class: "quiet", role: "status" });
  private readonly input = el("textarea", { id: "message", rows: 3, placeholder: "Ask both models" });
  private readonly send = el("button", { type: "submit", class: "first" }, "Send");
  private readonly stop = el("button", { type: "button", disabled: true }, "Stop");
  private readonly again = el("button", { type: "button", disabled: true }, "Ask again");
  private readonly reset = el("button", { type: "button", disabled: true }, "New conversation");
  private readonly copies = [
    el("button", { type: "button", disabled: true }, "Copy as curl"),
    el("button", { type: "button", disabled: true }, "Copy for mascing serve"),
  ];
  private readonly routing = el("section", { class: "card", "aria-labelledby": "routing-title", hidden: true });
  private map: HeatMap | undefined;
  private shown: RoutingLine | undefined;
  private abort: AbortController | undefined;
  private last: Question | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly facts: Facts,
  ) {
    const { model } = facts;
    this.controls = new Controls(facts);
    this.header = el(
      "header",
      {},
      el("p", { class: "kicker" }, "mascing console"),
      el("h1", {}, safeText(model.name || "model without a name")),
      el("p", { class: "quiet" }, safeText(`${model.architecture}, ${model.layers} MoE layers of ${model.experts} experts, ${model.experts_used} chosen per token`)),
    );
    const form = el(
      "form",
      { class: "card" },
      el("label", { for: "message" }, "Message"),
      this.input,
      el("div", { class: "buttons" }, this.send, this.stop, this.again, this.reset, ...this.copies),
      this.status,
    );
    this.main = el(
      "main",
      {},
      this.controls.element,
      el("section", { class: "talk", "aria-label": "Talk" }, this.list, this.notice, form),
      el("div", { class: "talk" }, this.routing),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.ask();
    });
    this.stop.addEventListener("click", () => this.abort?.abort());
    this.again.addEventListener("click", () => this.askAgain());
    this.reset.addEventListener("click", () => this.clear());
    [curlOfConsole, curlOfServer].forEach((form, i) =>
      this.copies[i]?.addEventListener("click", () => this.last && this.copy(form(this.last))),
    );
  }

  /// Says so when the program ends while the page is open.
  watchServer(): void {
    const look = async (): Promise<void> => {
      if (!this.abort) {
        try {
          await this.connection.facts();
          if (this.notice.dataset.gone) this.hush();
        } catch {
          this.complain(new Failure("The console has ended or cannot be reached.", "Start mascing console again and open the new address. This conversation stays on this page until it is closed.", true));
          return;
        }
      }
      setTimeout(() => void look(), heartbeat);
    };
    setTimeout(() => void look(), heartbeat);
  }

  private hush(): void {
    this.notice.hidden = true;
    delete this.notice.dataset.gone;
  }

  private complain(failure: Failure): void {
    if (failure.isGone) this.notice.dataset.gone = "yes";
    this.notice.replaceChildren(
      el("p", {}, safeText(failure.message)),
      el("p", {}, safeText(failure.hint)),
    );
    this.notice.hidden = false;
  }

  private copy(text: string): void {
    void navigator.clipboard.writeText(text).then(
      () => (this.status.textContent = "Copied."),
      () => (this.status.textContent = "The browser does not let this page copy."),
    );
  }

  private setBusy(isBusy: boolean): void {
    this.send.disabled = isBusy;
    this.stop.disabled = !isBusy;
    const hasTurn = this.turns.length > 0;
    for (const button of [this.again, this.reset, ...this.copies]) button.disabled = isBusy || !hasTurn;
  }

  private clear(): void {
    for (const turn of this.turns.splice(0)) turn.element.remove();
    this.routing.hidden = true;
    this.status.textContent = "";
    this.hush();
    this.setBusy(false);
    this.input.focus();
  }

  private ask(): void {
    const text = this.input.value.trim();
    if (!text || this.abort) return;
    this.input.value = "";
    void this.run(text);
  }

  private askAgain(): void {
    const turn = this.turns.pop();
    if (!turn) return;
    turn.element.remove();
    void this.run(turn.user);
  }

  private async run(text: string): Promise<void> {
    this.hush();
    const question: Question = { text, turns: this.turns.map((turn) => turn.asTurn()), ...this.controls.values() };
    const view = new TurnView(text, this.controls.title());
    this.last = question;
    this.turns.push(view);
    this.list.append(view.element);
    this.abort = new AbortController();
    this.setBusy(true);
    this.status.textContent = "Both models are answering.";
    try {
      await this.connection.ask(question, this.abort.signal, (line) => this.take(view, line));
      if (this.abort.signal.aborted) this.status.textContent = "Stopped.";
    } catch (error) {
      this.status.textContent = "";
      this.complain(error as Failure);
      if (view.isEmpty) {
        this.turns.pop();
        view.element.remove();
        this.input.value ||= text;
      }
    }
    view.end();
    this.abort = undefined;
    this.setBusy(false);
  }

  private take(view: TurnView, line: Line): void {
    if (line.type === "text") {
      view.add(line);
    } else if (line.type === "done") {
      view.finish(line);
      this.status.textContent = `First token after ${Math.round(line.first_token_ms)} ms, done after ${shortNumber(line.seconds)} s.`;
    } else if (line.type === "routing") {
      this.showRouting(line);
    }
  }

  private showRouting(line: RoutingLine): void {
    this.shown = line;
    const { layers, experts } = this.facts.model;
    const about = `Share of tokens that chose each expert: ${line.base.tokens} tokens of the base answer, ${line.steered.tokens} of the steered one.`;
    if (!this.map) {
      this.map = new HeatMap({ nLayer: layers, nExpert: experts }, quantitiesOf(line), (cell) => this.wordsOf(cell));
      this.routing.append(el("h2", { id: "routing-title" }, "Routing of the last answer"), el("p", { class: "quiet" }), this.map.element);
    }
    this.routing.querySelector("p")?.replaceChildren(about);
    this.routing.hidden = false;
    this.map.update(quantitiesOf(line));
  }

  private wordsOf({ layer, expert }: Cell): string {
    const at = (values: number[][] | undefined): number => values?.[layer]?.[expert] ?? NaN;
    const base = at(this.shown?.base.rates);
    const steered = at(this.shown?.steered.rates);
    const block = this.facts.model.blocks[layer];
    return `layer ${layer} (block ${block}), expert ${expert} \u00b7 base ${base.toFixed(3)} \u00b7 steered ${steered.toFixed(3)} \u00b7 difference ${(steered - base).toFixed(3)}`;
  }
}
