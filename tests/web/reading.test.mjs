// What a reader is told and can reach: pages without a mask, on a phone, on paper, by keyboard. Started by report.sh.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { axeSource, clippedElements, drawCharts, keepShot, launch, openReport, resultsOf } from "./page.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const open = (run, options) => openReport(browser, run, options);

test("a page without a mask says so and shows nothing of one", async () => {
  const page = await open("no_mask");
  await drawCharts(page);
  assert.equal(await page.locator("#verdict").innerText(), "Verdict: no mask found");
  assert.equal(await page.locator(".trade-app .ring").isVisible(), false, "no ring without a point under it");
  assert.equal(await page.locator(".trade-app text", { hasText: "chosen" }).count(), 0);
  assert.equal(await page.locator("th", { hasText: /with the mask$/ }).count(), 0);
  assert.equal(await page.locator(".chart-key .steered, .tiles, #use").count(), 0);
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`), []);
  assert.deepEqual(await page.evaluate(clippedElements), []);
  await keepShot(page, "no-mask");
  await page.finish();
});

test("the trade-off labels the chosen mask, and its ticks keep apart", async () => {
  for (const width of [1280, 768, 390]) {
    const page = await open("demo", { width });
    await drawCharts(page);
    assert.equal(await page.locator(".trade-app text", { hasText: /^chosen$/ }).count(), 1);
    const boxes = await page.locator(".trade-app text").evaluateAll((all) => all.map((node) => node.getBoundingClientRect()).map(({ left, right, top }) => ({ left, right, top })));
    const bottom = Math.max(...boxes.map(({ top }) => top));
    const ticks = boxes.filter(({ top }) => top > bottom - 40 && top < bottom - 5).sort((a, b) => a.left - b.left);
    for (let i = 1; i < ticks.length; ++i) assert.ok(ticks[i].left > ticks[i - 1].right, `ticks collide at ${width}`);
    await page.finish();
  }
});

test("the map numbers layers and experts, has a scale, and rings what is significant", async () => {
  const { effects, model, loop } = resultsOf("demo");
  const page = await open("demo");
  const canvas = page.locator("canvas.map");
  await canvas.scrollIntoViewIfNeeded();
  await page.locator(".routing select").selectOption({ label: "effect" });
  const largest = Math.max(...effects.effect.flat().map(Math.abs));
  const [, high] = await page.locator(".map-scale span:not(.bar)").allInnerTexts();
  assert.ok(Math.abs(Number(high) - largest) <= 0.01 * largest, `${high} is not ${largest}`);
  // The darkest pixel at the left edge of a square is the ink of a ring.
  const ringed = await canvas.evaluate((node, { nLayer, nExpert }) => {
    const [left, top] = [34, 20];
    const [w, h] = [(node.width - left) / nExpert, (node.height - top) / nLayer];
    const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
    return Array.from({ length: nLayer }, (_, layer) =>
      Array.from({ length: nExpert }, (_, expert) => {
        const at = 4 * (Math.floor(top + (layer + 0.5) * h) * node.width + Math.floor(left + expert * w + 1.5));
        return Math.max(...data.slice(at, at + 3)) < 80;
      }),
    );
  }, { nLayer: model.n_layer_moe, nExpert: model.n_expert });
  ringed.forEach((row, layer) =>
    row.forEach((isRinged, expert) => {
      if (layer === 0 && expert === 0) return; // under the cursor
      const isSignificant = effects.effect[layer][expert] !== 0 && effects.q_value[layer][expert] <= 0.05;
      assert.equal(isRinged, isSignificant, `layer ${layer}, expert ${expert}`);
    }),
  );
  if (loop.attribution.part.length > 0) {
    await canvas.focus();
    await page.keyboard.press("ArrowRight");
    assert.match(await page.locator(".map-words").innerText(), /part of the change -?[\d.]+ \u00b1 [\d.]+ nats/);
  }
  await page.finish();
});

test("long names of metrics leave room for the chart, and stay whole", async () => {
  const page = await open("hostile", { width: 390 });
  await drawCharts(page);
  const [left, right] = await page.locator(".rate-chart").evaluate((chart) =>
    ["0 %", "100 %"].map((words) => [...chart.querySelectorAll("text")].find((node) => node.textContent === words).getBoundingClientRect().left),
  );
  assert.ok(right - left > 150, `the plot is ${right - left} pixels wide`);
  await page.finish();
});

test("a table sorts by a column, numbers by value", async () => {
  const page = await open("demo");
  const head = page.locator("section[aria-labelledby=metrics] th", { hasText: /^n$/ });
  await head.locator("button").click();
  assert.equal(await head.getAttribute("aria-sort"), "ascending");
  const column = page.locator("section[aria-labelledby=metrics] tbody td:nth-child(4)");
  const numbers = (await column.allInnerTexts()).map(Number);
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  await page.finish();
});

test("a table that is shown as blocks can still be sorted", async () => {
  const page = await open("demo", { width: 390 });
  const table = page.locator("section[aria-labelledby=metrics] table").first();
  assert.ok(await table.evaluate((node) => node.classList.contains("stacked")));
  const button = table.locator("thead button", { hasText: /^n$/ });
  await button.click();
  const numbers = (await table.locator("tbody td:nth-child(4)").allTextContents()).map(Number);
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  await page.finish();
});

test("numbers sort in both directions, with dashes last and the model without a mask first", async () => {
  const page = await open("demo");
  const table = page.locator("section[aria-labelledby=candidates] table").last();
  await page.evaluate(() => document.querySelectorAll("main details").forEach((details) => (details.open = true)));
  const head = table.locator("th", { hasText: /^KL of whole replies$/ });
  const column = await head.evaluate((node) => node.cellIndex);
  for (const sign of [1, -1]) {
    await head.locator("button").click();
    const rows = await table.locator("tbody tr").evaluateAll((all, i) => all.map((row) => [row.cells[0].textContent, row.cells[i].textContent]), column);
    assert.equal(rows[0][0], "without a mask");
    const values = rows.slice(1).map(([, text]) => text);
    const n_number = values.filter((text) => text !== "\u2013").length;
    const numbers = values.slice(0, n_number).map(Number);
    assert.ok(numbers.every((value) => !Number.isNaN(value)), values.join(" "));
    assert.deepEqual(numbers, [...numbers].sort((a, b) => sign * (a - b)));
  }
  await page.finish();
});

test("times sort by their length", async () => {
  const page = await open("demo");
  const table = page.locator("section[aria-labelledby=cost] table");
  await table.locator("th", { hasText: /^time$/ }).locator("button").click();
  const values = await table.locator("data").evaluateAll((all) => all.map((node) => Number(node.value)));
  assert.deepEqual(values, [...values].sort((a, b) => a - b));
  await page.finish();
});

test("only tables that scroll are stops of the tab key", async () => {
  const page = await open("demo");
  await page.waitForTimeout(300);
  const wrong = await page.locator("main .scroll").evaluateAll((all) => all.filter((node) => node.hasAttribute("tabindex") !== node.scrollWidth > node.clientWidth + 1).length);
  assert.equal(wrong, 0);
  await page.finish();
});

test("a phone scrolls over the map and through the contents", async () => {
  const page = await open("demo", { width: 390 });
  assert.equal(await page.locator("canvas.map").evaluate((node) => getComputedStyle(node).touchAction), "pan-y");
  assert.ok(await page.locator("header").evaluate((node) => parseFloat(getComputedStyle(node).paddingTop) > 20), "the title has space above it");
  await page.setViewportSize({ width: 844, height: 390 });
  await page.click(".contents summary");
  const [height, whole] = await page.locator(".contents").evaluate((node) => [node.clientHeight, node.scrollHeight]);
  assert.ok(height <= 390 && whole > height, `${height} of ${whole}`);
  await page.finish();
});

test("paper has no controls", async () => {
  for (const run of ["demo", "no_mask"]) {
    const page = await open(run);
    await drawCharts(page);
    await page.emulateMedia({ media: "print" });
    for (const control of [".map-choice", ".choose-expert", ".is-hint", ".copy", ".filters"]) {
      for (const node of await page.locator(control).all()) assert.equal(await node.isVisible(), false, control);
    }
    await page.finish();
  }
});
