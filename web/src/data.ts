// What the page holds as data: results.json and the transcripts (docs/results.md), and what follows
// from a transcript.

export interface Message {
  role: string;
  content: string;
}

export interface Side {
  reply: string;
  verdict: string;
  wanted: boolean;
  coherent: boolean;
  reasoning?: string;
  opinions?: Record<string, string>;
  cut_off?: boolean;
  error?: string;
  messages?: Message[];
}

/// At the end of a user message: nats by which openings of the wanted kind of reply lead.
export interface TurnMargin {
  message: number;
  base: number;
  steered: number;
}

/// How the mask changed the routing along the final user message and the steered reply.
export interface TokenRouting {
  tokens: string[];
  change: number[]; // share of a token's choices of experts
  gain: number[]; // nats, of the last tokens: those of the reply
  left_out: number;
  margins?: TurnMargin[]; // results of earlier versions have none
}

export interface Transcript {
  metric: string;
  id: string;
  expected: string;
  topic?: string;
  category?: string;
  messages: Message[];
  base: Side;
  steered?: Side;
  routing?: TokenRouting;
}

/// What report.html embeds; texts were cut, or conversations left out, where the page would be too large.
export interface Transcripts {
  rows: Transcript[];
  left_out: number;
  shortened: number;
}

export interface Rate {
  rate: number;
  low: number;
  high: number;
  n?: number; // cases behind it; results of earlier versions do not have it
}

export interface Candidate {
  role: string;
  method: string;
  setting: string;
  lambda: number;
  epochs: number;
  preserve: number;
  guard: number;
  seed: number;
  alpha: number;
  n_active: number;
  chosen?: boolean;
  feasible: boolean;
  breaks_limit: boolean;
  rejection_reason: string;
  perplexity: number | null;
  kl_benign: number | null;
  kl_first: number | null;
  rates: Record<string, Rate>;
  estimates: Record<string, number>;
}

export interface RoutingPlace {
  metric: string;
  id: string;
  token_index: number;
  before: string;
  token: string;
  after: string;
}

export interface Routing {
  base: number[][];
  steered: number[][];
  places: RoutingPlace[];
  experts: { layer: number; expert: number; tokens: { place: number; gained: boolean; change: number }[] }[];
  experts_left_out: number;
}

export interface Loop {
  steps: { values: Record<string, number | null> }[];
  looks?: { after_step: number; sets: Record<string, { n: number; wanted_before: number; wanted: number }> }[];
  limits: Record<string, number>;
  best_step: number;
  stretch: number;
  attribution?: { part: number[][]; standard_error: number[][] };
}

export interface Results {
  scenario: { target_metric: string };
  model: { n_layer_moe: number; n_expert: number; n_expert_used: number };
  mask: { method: string; alpha: number; lambda: number; n_active: number; steer: number[][] };
  effects: { effect: number[][]; standard_error: number[][]; q_value: number[][]; carried?: number[][] };
  routing?: Routing;
  metrics: Record<string, { base: Rate; steered?: Rate | null }>;
  loop?: Partial<Loop>;
  adapter_loop?: Partial<Loop> | null;
  search?: { base?: Record<string, Rate>; base_rate?: number };
  candidates: Candidate[];
}

export const kinds = ["fixed", "broken", "over_refused", "incoherent", "disputed", "routed"] as const;
export type Kind = (typeof kinds)[number];

export const kindNames: Record<Kind, string> = {
  fixed: "fixed",
  broken: "newly broken",
  over_refused: "over-refused",
  incoherent: "incoherent",
  disputed: "disputed",
  routed: "with routing",
};

function isDisputed(side: Side | undefined): boolean {
  return new Set(Object.values(side?.opinions ?? {})).size > 1;
}

/// Fixed and broken are counted as results.json counts them: over conversations with a verdict on both sides.
export function kindsOf(row: Transcript): Set<Kind> {
  const found = new Set<Kind>();
  const steered = row.steered;
  if (steered && !row.base.error && !steered.error) {
    if (!row.base.wanted && steered.wanted) found.add("fixed");
    if (row.base.wanted && !steered.wanted) found.add("broken");
  }
  if (steered && row.expected === "answered" && steered.verdict === "refused") found.add("over_refused");
  if (steered && !steered.error && !steered.coherent) found.add("incoherent");
  if (isDisputed(row.base) || isDisputed(steered)) found.add("disputed");
  if (row.routing) found.add("routed");
  return found;
}

export function linkTo(row: { metric: string; id: string }): string {
  return `#conversation/${encodeURIComponent(row.metric)}/${encodeURIComponent(row.id)}`;
}

/// The user's last message.
export function requestOf(row: Transcript): string {
  for (let i = row.messages.length - 1; i >= 0; --i) {
    const message = row.messages[i];
    if (message?.role === "user") return message.content;
  }
  return "";
}

/// "dsr" -> "DSR", "benign_compliance" -> "benign compliance".
export function displayName(id: string): string {
  return id === "dsr" || id === "gsr" ? id.toUpperCase() : id.replaceAll("_", " ");
}

/// Parses one of the page's blocks of JSON; null if the page does not have it.
export function embedded<T>(id: string): T | null {
  const block = document.getElementById(id);
  return block?.textContent ? (JSON.parse(block.textContent) as T) : null;
}
