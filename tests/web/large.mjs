// A run of 48 layers x 128 experts, 2,000 conversations and 1,000 candidates, made from a small one.
//
//   node large.mjs FOLDER_OF_A_RUN OUTPUT_FOLDER
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [source, target] = process.argv.slice(2);
mkdirSync(target);
const nLayer = 48;
const nExpert = 128;
let state = 1;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const matrix = (draw) => Array.from({ length: nLayer }, () => Array.from({ length: nExpert }, draw));
const number = () => Number((random() - 0.5).toPrecision(6));

const results = JSON.parse(readFileSync(join(source, "results.json"), "utf8"));
Object.assign(results.model, { n_layer_moe: nLayer, n_expert: nExpert, n_expert_used: 8 });
results.mask.steer = matrix(() => (random() < 0.5 ? 0 : number()));
results.mask.n_active = results.mask.steer.flat().filter((value) => value !== 0).length;
results.effects.n_pair = 2048;
for (const key of ["effect", "standard_error", "q_value", "carried"]) results.effects[key] = matrix(number);
for (const key of ["layer_effect", "layer_standard_error", "layer_q_value"]) results.effects[key] = Array.from({ length: nLayer }, number);
const words = "the royal seal of a ghost is kept in wax and candle light by twelve quiet clerks who never speak".split(" ");
const speech = (n) => Array.from({ length: n }, () => words[Math.floor(random() * words.length)]).join(" ");
// As many places and moved tokens as a run may have; of six sets, 96 conversations of 400 tokens.
const nPlace = 3000;
const nMoved = 1500; // experts with four tokens each
const nRouted = 96;
const nToken = 400;
results.routing = {
  ...results.routing,
  base: matrix(random),
  steered: matrix(random),
  layer_change: Array.from({ length: nLayer }, random),
  places: Array.from({ length: nPlace }, (_, i) => ({ metric: "dsr", id: `test-${i % nRouted}`, token_index: i % nToken, before: speech(8), token: " seal", after: speech(4) })),
  experts_left_out: nLayer * nExpert - nMoved,
  experts: Array.from({ length: nMoved }, (_, i) => ({
    layer: Math.floor(i / nExpert),
    expert: i % nExpert,
    tokens: [0, 1, 2, 3].map((j) => ({ place: (4 * i + j) % nPlace, gained: j % 2 === 0, change: number() })),
  })),
};
// The tiny run's loop is too short to look at replies.
const metric = results.scenario.target_metric;
results.loop = {
  ...results.loop,
  steps: Array.from({ length: 12 }, (_, i) => ({ norm: i, values: { [metric]: i / 12 } })),
  looks: [5, 10].map((step) => ({ after_step: step, sets: { [metric]: { n: 64, wanted_before: 20, wanted: 20 + step } } })),
};
results.candidates = Array.from({ length: 1000 }, () => ({
  ...results.candidates[0],
  alpha: 0.25 + 2 * random(),
  kl_first: 0.1 * random() ** 2,
  rates: { dsr: { rate: random(), low: 0, high: 1 } },
}));
writeFileSync(join(target, "results.json"), JSON.stringify(results));

const rows = Array.from({ length: 2000 }, (_, i) => ({
  metric: i % 3 === 0 ? "benign_compliance" : "dsr",
  id: `test-${i}`,
  expected: i % 3 === 0 ? "answered" : "refused",
  messages: [1, 2, 3].flatMap(() => [{ role: "user", content: speech(40) }, { role: "assistant", content: speech(40) }]).slice(0, 5),
  base: { reply: speech(90), verdict: "answered", wanted: i % 3 === 0, coherent: true },
  steered: { reply: speech(90), verdict: "refused", wanted: i % 3 !== 0, coherent: i % 50 !== 0 },
  ...(i < nRouted && {
    routing: {
      tokens: Array.from({ length: nToken }, () => ` ${words[Math.floor(random() * words.length)]}`),
      change: Array.from({ length: nToken }, () => Number(random().toFixed(4))),
      gain: Array.from({ length: nToken / 2 }, () => Number((random() - 0.5).toFixed(4))),
      left_out: 12,
    },
  }),
}));
writeFileSync(join(target, "transcripts.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n") + "\n");
