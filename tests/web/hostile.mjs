// A run whose every outside text is hostile: markup, scripts, terminal escapes, bidirectional marks, NUL, a megabyte.
//
//   node hostile.mjs FOLDER_OF_A_RUN OUTPUT_FOLDER
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [source, target] = process.argv.slice(2);
mkdirSync(target);

const evil =
  "</script><script>window.wasHit=1</script><img src=x onerror=window.wasHit=1><svg onload=window.wasHit=1>" +
  "<a href=javascript:window.wasHit=1>x</a>\" ' onmouseover=window.wasHit=1 <!-- ]]> ${window.wasHit=1} \u001b[2J\u001b]0;x\u0007" +
  "\u202edesrever\u202c \u0000 \u0085 \u2028 \ufeff a\u{e0041}\u00ad\u3164 a\u200d \u{1f469}\u200d\u{1f680} \u2764\ufe0f";

const results = JSON.parse(readFileSync(join(source, "results.json"), "utf8"));
results.scenario.name = evil;
results.model.name = evil;
results.model.description = evil;
results.tool.command = evil;
results.warnings.push({ id: evil, text: evil, advice: evil });
results.skipped.push({ id: evil, reason: evil });
results.verdict.reasons[0].text = evil;
results.metrics[evil] = results.metrics.direct_refusal;
for (const candidate of results.candidates) {
  candidate.rejection_reason = evil;
  candidate.setting = evil;
  candidate.rates[evil] = { rate: 0.5, low: 0.4, high: 0.6 };
}
for (const place of results.routing.places) Object.assign(place, { before: evil, token: evil, after: evil, metric: evil, id: evil });
writeFileSync(join(target, "results.json"), JSON.stringify(results));

const rows = readFileSync(join(source, "transcripts.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
rows.forEach((row, i) => {
  row.category = evil;
  if (i === 0) for (let k = 0; k < 40; ++k) row.messages.push({ role: k % 2 ? "assistant" : "user", content: evil });
  row.messages.push({ role: "user", content: evil });
  row.base.reply = evil;
  row.base.reasoning = evil;
  row.base.opinions = { [evil]: "refused", second: "answered" };
  if (row.routing) row.routing.tokens = row.routing.tokens.map(() => evil);
  else row.routing = { tokens: [evil, evil], change: [0.5, 0], gain: [-1], left_out: 3, margins: [{ message: row.messages.length - 1, base: -1, steered: 2 }] };
  if (row.steered) row.steered.reply = i === 0 ? "a \u00e9 ".repeat(250000) : `${evil} and more`;
});
rows[1].id = evil;
writeFileSync(join(target, "transcripts.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n") + "\n");
