// How the page writes rates, without a browser: node --test, with esbuild from the packages of web/.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

const require = createRequire(join(process.env.MASCING_WEB_PACKAGES, "package.json"));
const source = readFileSync(new URL("../../web/src/dom.ts", import.meta.url), "utf8");
const { code } = require("esbuild").transformSync(source, { loader: "ts", format: "esm" });
const { percent, percentTick, points, rateWords } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

test("a rate tells from a limit near it", () => {
  assert.equal(percent(0.977), "97.7 %");
  assert.equal(percent(0.98), "98.0 %");
  assert.equal(percent(1), "100.0 %");
  assert.equal(percent(0), "0.0 %");
  for (const missing of [null, undefined, NaN, Infinity]) assert.equal(percent(missing), "\u2013");
});

// The plain page and the terminal round so (format_number in src/base/text.cpp).
test("a half goes to the even digit, whatever the sign", () => {
  assert.equal(percent(0.5625), "56.2 %");
  assert.equal(percent(0.9375), "93.8 %");
  assert.equal(percent(0.8125), "81.2 %");
  assert.equal(percent(0.0025), "0.2 %");
  assert.equal(points(-0.0625), "-6.2 points");
  assert.equal(points(-0.0375), "-3.8 points");
});

test("nothing is below zero but what is", () => {
  assert.equal(points(-0.0001), "0.0 points");
  assert.equal(points(-0.00049), "0.0 points");
  assert.equal(points(0.0214), "2.1 points");
  assert.equal(points(undefined), "\u2013");
});

test("n stands beside a rate where the file has it", () => {
  const rate = { rate: 0.54, low: 0.483464, high: 0.595531 };
  assert.equal(rateWords({ ...rate, n: 300 }), "54.0 % [48.3, 59.6], n = 300");
  assert.equal(rateWords({ ...rate, n: 0 }), "54.0 % [48.3, 59.6]");
  assert.equal(rateWords(rate), "54.0 % [48.3, 59.6]");
});

test("ticks are whole", () => {
  assert.deepEqual([0, 0.2, 0.6000000000000001, 1].map(percentTick), ["0 %", "20 %", "60 %", "100 %"]);
});
