// A run that found no mask, made from one that did.
//
//   node no_mask.mjs FOLDER_OF_A_RUN OUTPUT_FOLDER
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [source, target] = process.argv.slice(2);
mkdirSync(target);

const results = JSON.parse(readFileSync(join(source, "results.json"), "utf8"));
for (const metric of Object.values(results.metrics)) {
  Object.assign(metric, { steered: null, fixed: 0, broken: 0, p_value: 1, p_holm: null, sampled: null });
  for (const category of Object.values(metric.categories ?? {})) category.steered = null;
}
const reason = { about: "effect", word: "do_not_use", text: "no mask was found that improves the target within the limits" };
Object.assign(results.verdict, { word: "do_not_use", reasons: [reason] });
Object.assign(results.damage, { kl_benign: 0, n_kl_token: 0, perplexity_steered: null, chat_perplexity_steered: null });
Object.assign(results.mask, { alpha: 0, file: "", lambda: 0, method: "", n_active: 0, steer: [] });
Object.assign(results.routing, { base: [], steered: [], places: [], experts: [], layer_change: [] });
for (const candidate of results.candidates) candidate.chosen = false;
results.exports = [];
writeFileSync(join(target, "results.json"), JSON.stringify(results));

const rows = readFileSync(join(source, "transcripts.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
for (const row of rows) {
  delete row.steered;
  delete row.routing;
}
writeFileSync(join(target, "transcripts.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n") + "\n");
