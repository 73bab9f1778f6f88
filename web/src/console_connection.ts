// What the page and the program tell each other (docs/console.md). Addresses are relative: the token is in the page's own.

export interface MaskFacts {
  name: string;
  strength: number;
  direction: string;
  scenario: string;
  active: number;
}

export interface Facts {
  model: { name: string; architecture: string; layers: number; blocks: number[]; experts: number; experts_used: number };
  masks: MaskFacts[];
  system: string;
  reasons: boolean;
  temperature: number;
  seed: number;
  max_tokens: number;
  limits: { text_bytes: number; body_bytes: number; turns: number; strength: number };
}

export type SideName = "base" | "steered";

export interface Turn {
  user: string;
  base: string;
  steered: string;
}

export interface Question {
  text: string;
  turns: Turn[];
  system: string;
  strengths: number[];
  temperature: number;
  seed: number;
  max_tokens: number;
}

export interface Finished {
  reasoning: string;
  visible: string;
  tokens: number;
  hit_limit: boolean;
  unfinished: boolean;
}

export interface Routing {
  tokens: number;
  rates: number[][];
}

export type Line =
  | { type: "text"; side: SideName; part: "reasoning" | "visible"; text: string; whole?: boolean }
  | { type: "done"; base: Finished; steered: Finished; first_token_ms: number; seconds: number }
  | { type: "routing"; base: Routing; steered: Routing; by_logits?: string }
  | { type: "error"; message: string; hint: string };

const gone = "The console has ended or cannot be reached.";
const restart = "Start mascing console again. This conversation stays on this page until it is closed.";

/// What went wrong, in words for the page.
export class Failure extends Error {
  constructor(
    message: string,
    readonly hint: string,
    readonly isGone = false,
  ) {
    super(message);
  }
}

export class Connection {
  async facts(): Promise<Facts> {
    const response = await fetch("facts", { cache: "no-store" });
    if (!response.ok) throw new Failure(gone, restart, true);
    return (await response.json()) as Facts;
  }

  /// Passes the lines of an answer on as they come. Throws Failure; an abort ends it without one.
  async ask(question: Question, signal: AbortSignal, onLine: (line: Line) => void): Promise<void> {
    try {
      const response = await fetch("ask", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(question),
        signal,
      });
      if (!response.ok || !response.body) {
        const refusal = (await response.json().catch(() => ({}))) as { message?: string; hint?: string };
        throw new Failure(refusal.message ?? `The console answered with status ${response.status}.`, refusal.hint ?? "");
      }
      if (!(await this.read(response.body, onLine))) throw new Failure(gone, restart, true);
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof Failure ? error : new Failure(gone, restart, true);
    }
  }

  /// False if the stream broke off before its end.
  private async read(body: ReadableStream<Uint8Array>, onLine: (line: Line) => void): Promise<boolean> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let isWhole = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return isWhole;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) {
        const line = JSON.parse(text) as Line;
        if (line.type === "error") throw new Failure(line.message, line.hint);
        isWhole = isWhole || line.type === "done";
        onLine(line);
      }
    }
  }
}

/// Quoted for a POSIX shell.
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/// The same question to this console.
export function curlOfConsole(question: Question): string {
  const address = new URL("ask", location.href).href;
  return `curl -N ${quoted(address)} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(question))}`;
}

/// The steered side's question to llama-server as mascing serve starts it (docs/deployment.md).
export function curlOfServer(question: Question): string {
  const messages = question.turns.flatMap((turn) => [
    { role: "user", content: turn.user },
    { role: "assistant", content: turn.steered },
  ]);
  if (question.system) messages.unshift({ role: "system", content: question.system });
  messages.push({ role: "user", content: question.text });
  const body = {
    messages,
    temperature: question.temperature,
    seed: question.seed,
    max_tokens: question.max_tokens,
    lora: question.strengths.map((scale, id) => ({ id, scale })),
  };
  return `curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`;
}
