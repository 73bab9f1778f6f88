// Pages in a browser. Started by report.sh, which makes the runs.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { axeSource, clippedElements, drawCharts, fileOf, keepShot, launch, openReport, resultsOf } from "./page.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const linesOf = (run) =>
  readFileSync(fileOf(run, "transcripts.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));

const open = (run, options) => openReport(browser, run, options);

/// Milliseconds until the browser has read and laid out a file, whose script does not run.
async function openedWithoutScript(address) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
  const page = await context.newPage();
  const start = performance.now();
  await page.goto(address);
  const time = performance.now() - start;
  await context.close();
  return time;
}

/// The page with everything unfolded, an expert chosen, and a conversation whose routing is shown.
async function openWithRouting(run, options = {}) {
  const row = linesOf(run).find((one) => one.routing);
  const page = await open(run, { ...options, hash: `#conversation/${row.metric}/${encodeURIComponent(row.id)}?token=1` });
  const { layer, expert } = resultsOf(run).routing.experts[0];
  await page.locator("canvas.map").focus();
  for (let i = 0; i < layer; ++i) await page.keyboard.press("ArrowDown");
  for (let i = 0; i < expert; ++i) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.evaluate(() => document.querySelectorAll("main details").forEach((details) => (details.open = true)));
  return page;
}

const textOf = (page, selector) => page.locator(selector).innerText();
const displayName = (id) => (id === "dsr" ? "DSR" : id.replaceAll("_", " "));

/// `text` is `value` rounded to so many digits; ties may go either way.
function assertRounded(text, value, digits) {
  assert.equal(text.split(".")[1]?.length, digits, text);
  assert.ok(Math.abs(Number(text) - value) <= 0.5 * 10 ** -digits + 1e-12, `${text} is not ${value}`);
}

/// "54.0 % [48.3, 59.6]"; results.json has six digits, so a tie may have moved a little.
function assertRate(text, rate) {
  assert.match(text, /^\d+\.\d % ?\s*\[\d+\.\d+, \d+\.\d+\]$/);
  text.match(/\d+\.\d+/g).forEach((number, i) => {
    const value = 100 * [rate.rate, rate.low, rate.high][i];
    assert.ok(Math.abs(Number(number) - value) <= 0.05 + 1e-4, `${text}: ${number} is not ${value}`);
  });
}

/// What the page writes for a rate, but for ties.
const percentOf = (rate) => `${(100 * rate).toFixed(1)} %`;

for (const run of ["demo", "reasoning"]) {
  describe(`the page of ${run}`, () => {
    const results = resultsOf(run);
    const rows = linesOf(run);

    test("says of every metric what results.json says", async () => {
      const page = await open(run);
      for (const [id, metric] of Object.entries(results.metrics)) {
        const name = new RegExp(`^${displayName(id)}$`);
        const row = page.locator("section[aria-labelledby=metrics] tbody tr", { has: page.locator("th", { hasText: name }) });
        const cells = await row.locator("td").allInnerTexts();
        assert.ok(cells[0].startsWith(metric.role || "\u2013"), cells[0]);
        assert.equal(cells[1], metric.wanted);
        assert.equal(Number(cells[2].replaceAll(/\s/g, "")), metric.n);
        assertRate(cells[3], metric.base);
        assertRate(cells[4], metric.steered);
        assert.equal(Number(cells[6]), metric.fixed);
        assert.equal(Number(cells[7]), metric.broken);
        const change = Number(/[+-]?\d+\.\d/.exec(cells[5])[0]);
        assert.ok(Math.abs(change - 100 * (metric.steered.rate - metric.base.rate)) <= 0.05 + 1e-3, cells[5]);
        const [p] = cells[8].split("\n");
        if (metric.p_value < 0.0001) assert.equal(p, "<0.0001");
        else assertRounded(p, metric.p_value, 4);
      }
      await page.finish();
    });

    test("begins with the verdict and its reasons", async () => {
      const page = await open(run);
      const { word, reasons } = results.verdict;
      assert.equal(await textOf(page, "#verdict"), `Verdict: ${word.replaceAll("_", " ")}`);
      const shown = await page.locator(".verdict li p").allInnerTexts();
      assert.deepEqual(shown.map((text) => text.toLowerCase()), reasons.map(({ text }) => `${text}.`.toLowerCase()));
      await page.finish();
    });

    test("counts in its filters what results.json counts, and lists as many", async () => {
      const page = await open(run);
      assert.equal(await page.locator(".list").count(), 0, "conversations are folded at first");
      await page.click(".reveal");
      for (const [id, metric] of Object.entries(results.metrics)) {
        if (!metric.role) continue;
        await page.selectOption(".filters select", id);
        const count = async (kind) => Number(await textOf(page, `[data-kind=${kind}] b`));
        assert.equal(await count("fixed"), metric.fixed, id);
        assert.equal(await count("broken"), metric.broken, id);
        const n = rows.filter((row) => row.metric === id).length;
        assert.equal(await count("all"), n);
        await page.click("[data-kind=fixed]");
        assert.equal(await textOf(page, ".list-status"), `${metric.fixed} of ${rows.length} conversations`);
        await page.click("[data-kind=all]");
      }
      await page.finish();
    });

    test("finds words, and shows the conversation with both replies whole", async () => {
      const page = await open(run);
      await page.click(".reveal");
      const row = rows.find((one) => one.base.reply.length > 10);
      await page.fill("input[type=search]", row.id);
      await page.waitForFunction((id) => document.querySelector(".detail h3")?.textContent.includes(id), row.id);
      const shown = await page.locator(".side .reply").allTextContents();
      assert.deepEqual(shown, [row.base.reply, row.steered.reply].map((reply) => reply || "(empty)"));
      assert.match(page.url(), /#conversations\?find=/);
      await page.finish();
    });

    test("follows a link to one conversation, and one to a filter", async () => {
      const row = rows.at(-1);
      const page = await open(run, { hash: `#conversation/${row.metric}/${encodeURIComponent(row.id)}` });
      assert.match(await textOf(page, ".detail h3"), new RegExp(row.id));
      assert.equal(await page.locator(".row[aria-selected=true]").count(), 1);
      await page.finish();
      const filtered = await open(run, { hash: "#conversations?set=benign_compliance&show=over_refused" });
      assert.equal(await filtered.locator("[data-kind=over_refused]").getAttribute("aria-pressed"), "true");
      const n = rows.filter((one) => one.metric === "benign_compliance" && one.steered.verdict === "refused").length;
      assert.equal(await textOf(filtered, ".list-status"), `${n} of ${rows.length} conversations`);
      await filtered.finish();
    });

    for (const scheme of ["light", "dark"]) {
      test(`has no barrier that axe-core finds (${scheme})`, async () => {
        const page = await openWithRouting(run, { scheme });
        await drawCharts(page);
        await page.evaluate(axeSource);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        const words = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`);
        assert.deepEqual(words, []);
        await keepShot(page, `${run}-${scheme}`);
        await page.finish();
      });
    }

    for (const width of [1280, 390]) {
      test(`clips nothing at ${width} pixels`, async () => {
        const page = await openWithRouting(run, { width });
        await page.waitForTimeout(300);
        assert.deepEqual(await page.evaluate(clippedElements), []);
        await keepShot(page, `${run}-${width}`);
        await page.finish();
      });
    }

    test("clips nothing in print", async () => {
      const page = await openWithRouting(run);
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      assert.equal(await page.locator(".chart:not(:has(svg))").count(), 0, "every chart is drawn for print");
      await page.emulateMedia({ media: "print" });
      assert.match(await textOf(page, ".print-note"), /^1 of \d+ conversations printed/);
      await page.setViewportSize({ width: 718, height: 1000 }); // A4 less margins of a centimetre
      await page.waitForTimeout(300);
      assert.deepEqual(await page.evaluate(clippedElements), []);
      await keepShot(page, `${run}-print`);
      await page.finish();
    });
  });
}

test("two runs stand on one page, with nothing cut and no barrier", async () => {
  for (const width of [1280, 390]) {
    const page = await open("two", { width });
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`), []);
    assert.deepEqual(await page.evaluate(clippedElements), []);
    const words = await textOf(page, "main");
    for (const run of ["demo", "reasoning"]) {
      const { rate } = resultsOf(run).metrics.benign_compliance.steered;
      const near = [rate, rate - 1e-6].map((value) => `-> ${percentOf(value)} [`);
      assert.ok(near.some((text) => words.includes(text)), `${run}: ${near[0]}`);
    }
    await keepShot(page, `two-${width}`);
    await page.finish();
  }
});

test("the reasoning of a reply is folded, and whole", async () => {
  const row = linesOf("reasoning").find((one) => one.base.reasoning);
  assert.ok(row, "no reply of the reasoning model has any");
  const page = await open("reasoning", { hash: `#conversation/${row.metric}/${encodeURIComponent(row.id)}` });
  const fold = page.locator(".side details", { hasText: "Reasoning" }).first();
  assert.equal(await fold.getAttribute("open"), null);
  assert.equal(await fold.locator(".text").textContent(), row.base.reasoning);
  await page.finish();
});

test("the map and the trade-off say the numbers of results.json", async () => {
  const results = resultsOf("demo");
  const page = await open("demo");
  await page.locator("canvas.map").focus();
  for (const key of ["ArrowDown", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
  const words = await textOf(page, ".map-words");
  assert.match(words, /layer 1, expert 2 /);
  const shown = Number(/ S (-?[\d.]+)/.exec(words)[1]);
  const entry = results.mask.steer[1][2];
  assert.ok(Math.abs(shown - entry) <= Math.abs(entry) * 0.01 + 1e-9, `${shown} is not ${entry}`);
  const n = results.candidates.length;
  const target = results.scenario.target_metric;
  const isDrawn = ({ rates, estimates, kl_first }) => (target in rates || target in estimates) && kl_first > 0;
  const nDrawn = results.candidates.filter(isDrawn).length;
  await drawCharts(page);
  assert.equal(await page.locator(".trade-app [data-point]").count(), nDrawn);
  if (nDrawn < n) assert.match(await textOf(page, ".trade .map-axis"), new RegExp(`Not shown: ${n - nDrawn} of ${n},`));
  await page.finish();
});

/// The map's words for an entry hold this number, rounded to about three digits.
function assertShown(words, pattern, value) {
  const shown = Number(pattern.exec(words)?.[1]);
  assert.ok(Math.abs(shown - value) <= Math.abs(value) * 0.01 + 1e-8, `${words}: ${shown} is not ${value}`);
}

for (const run of ["demo", "reasoning"]) {
  test(`the map switches between mask, selection rates and their difference (${run})`, async () => {
    const { routing, mask } = resultsOf(run);
    const page = await open(run);
    const choice = page.locator(".routing select");
    const names = await choice.locator("option").allInnerTexts();
    assert.deepEqual(names.slice(0, 4), ["S, the mask", "selected without the mask", "selected with the mask", "difference by the mask"]);
    const canvas = page.locator("canvas.map");
    await canvas.focus();
    for (const key of ["ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
    const pictures = new Set();
    for (const name of names.slice(0, 4)) {
      await choice.selectOption({ label: name });
      const words = await textOf(page, ".map-words");
      assert.ok(words.includes(`(${name}: `), words);
      assertShown(words, / selected (-?[\d.]+) without/, routing.base[1][3]);
      assertShown(words, /, (-?[\d.]+) with it/, routing.steered[1][3]);
      assertShown(words, /, difference (-?[\d.]+)/, routing.steered[1][3] - routing.base[1][3]);
      assertShown(words, / S (-?[\d.]+)/, mask.steer[1][3]);
      pictures.add(await canvas.evaluate((node) => node.toDataURL()));
    }
    assert.equal(pictures.size, 4, "every quantity has its own picture");
    await page.finish();
  });

  test(`the table of selection rates says what results.json says, and sorts (${run})`, async () => {
    const { routing } = resultsOf(run);
    const page = await open(run);
    await page.click("#selection-rates summary");
    const rows = page.locator("#selection-rates tbody tr");
    const n = routing.base.flat().length;
    assert.equal(await rows.count(), Math.min(200, n));
    let last = Infinity;
    for (const row of (await rows.all()).slice(0, 12)) {
      const [layer, expert, , base, steered, difference] = (await row.locator("td").allInnerTexts()).map(Number);
      const wanted = [routing.base[layer][expert], routing.steered[layer][expert]];
      [base, steered, difference].forEach((value, i) => {
        const exact = [...wanted, wanted[1] - wanted[0]][i];
        assert.ok(Math.abs(value - exact) <= Math.abs(exact) * 0.01 + 1e-8, `${value} is not ${exact}`);
      });
      assert.ok(Math.abs(wanted[1] - wanted[0]) <= last + 1e-9, "largest differences first");
      last = Math.abs(wanted[1] - wanted[0]);
    }
    const head = page.locator("#selection-rates th", { hasText: /^without the mask$/ });
    await head.locator("button").click();
    const column = (await page.locator("#selection-rates tbody td:nth-child(4)").allInnerTexts()).map(Number);
    assert.deepEqual(column, [...column].sort((a, b) => a - b));
    const words = await textOf(page, "#routing > p:first-of-type");
    for (const key of ["tokens", "conversations", "viewed", "left_out"]) {
      assert.ok(words.replaceAll(/(?<=\d)\s(?=\d)/g, "").includes(String(routing[key])), `${key} is not said: ${words}`);
    }
    await page.finish();
  });

  test(`an expert shows its tokens, and one leads to its conversation (${run})`, async () => {
    const { routing } = resultsOf(run);
    assert.ok(routing.experts.length > 0, "the mask moved nothing");
    const { layer, expert, tokens } = routing.experts[0];
    const page = await open(run);
    await page.locator("canvas.map").focus();
    for (let i = 0; i < layer; ++i) await page.keyboard.press("ArrowDown");
    for (let i = 0; i < expert; ++i) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    assert.match(await textOf(page, ".expert-tokens h3"), new RegExp(`^Layer ${layer}, expert ${expert}:`));
    const shown = await page.locator(".places li").all();
    assert.equal(shown.length, tokens.length);
    for (const [i, { place, gained, change }] of tokens.entries()) {
      const found = routing.places[place];
      assert.equal(await shown[i].locator("mark").textContent(), found.token);
      assert.equal(await shown[i].locator(".place-text").textContent(), found.before + found.token + found.after);
      const words = await shown[i].locator(".place-facts").innerText();
      assert.ok(words.startsWith(gained ? "only with the mask" : "only without the mask"), words);
      assertShown(words.replaceAll("+", ""), /router (-?[\d.]+)/, change);
    }
    const place = routing.places[tokens[0].place];
    const row = linesOf(run).find((one) => one.metric === place.metric && one.id === place.id);
    assert.equal(row.routing.tokens[place.token_index], place.token);
    await shown[0].locator("a").click();
    assert.match(await textOf(page, ".detail h3"), new RegExp(place.id));
    assert.equal(await page.locator(".token[data-at]").getAttribute("data-token"), String(place.token_index));
    await page.finish();
  });

  test(`a conversation shows each token's change (${run})`, async () => {
    const row = linesOf(run).find((one) => one.routing?.change.some((value) => value > 0));
    const { tokens, change, gain } = row.routing;
    const page = await open(run, { hash: `#conversation/${row.metric}/${encodeURIComponent(row.id)}` });
    assert.equal(await page.locator(".tokens").count(), 0, "it is folded at first");
    await page.click(".token-fold summary");
    assert.equal(await page.locator(".tokens").textContent(), tokens.join(""));
    await page.locator(".tokens").focus();
    for (let i = 0; i < tokens.length; ++i) {
      const words = await textOf(page, ".token-words");
      assert.ok(words.startsWith(`token ${i} `), words);
      assertShown(words, /(-?[\d.]+) % of its choices/, 100 * change[i]);
      const at = i - (tokens.length - gain.length);
      if (at >= 0) assertShown(words.replaceAll("+", ""), / (-?[\d.]+) nats/, gain[at]);
      else assert.match(words, /of the message or the template/);
      await page.keyboard.press("ArrowRight");
    }
    const parts = await page.locator(".token").evaluateAll((all) => all.map((one) => parseInt(one.style.getPropertyValue("--part"))));
    const largest = Math.max(...change);
    assert.deepEqual(parts, change.map((value) => Math.round((40 * value) / largest)));
    const mean = (values) => values.reduce((all, value) => all + value, 0) / values.length;
    const legend = await textOf(page, ".token-view .map-axis");
    assertShown(legend, /shade: ([\d.]+) %/, 100 * largest);
    assertShown(legend, /choices; ([\d.]+) % on average/, 100 * mean(change));
    await page.selectOption(".token-view select", "gain");
    assertShown(await textOf(page, ".token-view .map-axis"), /the reply (-?[\d.]+) nats/, mean(gain) * gain.length);
    assert.equal(await page.locator(".token.is-below").count(), gain.filter((value) => value < 0).length);
    await page.finish();
  });
}

test("a conversation shows its margins, message by message (demo)", async () => {
  const { margins: all } = resultsOf("demo").routing;
  const rows = linesOf("demo").filter((one) => one.routing?.margins.length > 0);
  assert.equal(rows.reduce((sum, one) => sum + one.routing.margins.length, 0), all.turns);
  const row = rows.reduce((most, one) => (one.routing.margins.length > most.routing.margins.length ? one : most));
  const { margins } = row.routing;
  const page = await open("demo", { hash: `#conversation/${row.metric}/${encodeURIComponent(row.id)}` });
  const lines = page.locator(".margin-table tbody tr");
  assert.equal(await lines.count(), margins.length);
  for (const [i, { base, steered }] of margins.entries()) {
    const cells = await lines.nth(i).locator("td").allInnerTexts();
    [base, steered].forEach((value, side) => assertShown(` ${cells[side]}`, / (-?[\d.]+)/, value));
  }
  assert.equal(await page.locator(".margin-chart").count(), margins.length > 1 ? 1 : 0);
  await drawCharts(page);
  if (margins.length > 1) assert.equal(await page.locator(".margin-chart circle").count(), 2 * margins.length);
  const decided = margins.filter(({ base, steered }) => base > 0 !== steered > 0).length;
  const words = await textOf(page, ".margins .map-axis");
  assert.equal(/ only with(out)? the mask/.test(words), decided > 0, words);
  assert.ok((await textOf(page, "#routing")).includes(`At the end of ${all.turns} user message`));
  assert.deepEqual(await page.evaluate(clippedElements), []);
  await page.finish();
});

for (const width of [1280, 390]) {
  test(`charts have a mark for every number, as wide as the page (${width})`, async () => {
    const { metrics, loop } = resultsOf("demo");
    const page = await open("demo", { width });
    await drawCharts(page);
    const steered = page.locator(".rate-chart .steered-rates circle");
    assert.equal(await steered.count(), Object.values(metrics).filter((metric) => metric.steered).length);
    const [left, right] = await page.locator(".rate-chart").evaluate((chart) => {
      const at = (text) => [...chart.querySelectorAll("text")].find((node) => node.textContent === text).getBoundingClientRect();
      return ["0 %", "100 %"].map((text) => at(text).left + at(text).width / 2);
    });
    const box = await steered.first().boundingBox();
    const { rate, n } = metrics[resultsOf("demo").scenario.target_metric].steered;
    const title = await steered.first().locator("title").textContent();
    assert.match(title, /: \d+\.\d % \[\d+\.\d, \d+\.\d\], n = \d+$/);
    assert.ok(n > 0 && title.endsWith(`, n = ${n}`), title);
    assert.ok(Math.abs((box.x + box.width / 2 - left) / (right - left) - rate) < 0.01, "the first row is the target's rate");
    const limited = Object.values(loop.limits).filter((limit) => limit > 0).length;
    const drawn = loop.steps.length > 1 ? loop.steps.length * (1 + limited) : 0;
    assert.equal(await page.locator(".loop-chart .loop-values circle").count(), drawn);
    const sizes = await page.locator(".chart text").evaluateAll((all) => all.map((text) => text.getBoundingClientRect().height));
    assert.ok(sizes.length > 0 && Math.min(...sizes.filter((size) => size > 0)) > 11, "words keep their size");
    await page.finish();
  });
}

test("hostile text is shown, and nothing else happens", async () => {
  const rows = linesOf("hostile");
  const page = await open("hostile");
  await page.click(".reveal");
  await page.click("[data-kind=disputed]");
  assert.equal(await textOf(page, "[data-kind=disputed] b"), String(rows.length));
  await page.locator(".list").focus();
  for (let i = 0; i < 4; ++i) await page.keyboard.press("ArrowDown");
  await page.evaluate(() => document.querySelectorAll("main details").forEach((details) => (details.open = true)));
  await page.mouse.move(600, 400);
  assert.equal(await page.evaluate(() => globalThis.wasHit), undefined);
  const reply = page.locator(".side .reply").first();
  const words = await reply.textContent();
  assert.match(words, /<\/script><script>window\.wasHit=1<\/script>/);
  for (const code of ["U+0000", "U+001B", "U+202E", "U+0085", "U+2028", "U+FEFF", "U+E0041", "U+00AD", "U+3164", "U+200D"]) assert.ok(words.includes(code), code);
  assert.ok(words.includes("\u{1f469}\u200d\u{1f680} \u2764\ufe0f"), "emoji stay whole");
  assert.equal(/[\u0000\u001b\u202e]/.test(await page.locator("body").textContent().then((text) => text.replace(/<script[\s\S]*/, ""))), false);
  assert.equal(await page.locator("main img, main svg[onload], main a[href^=javascript]").count(), 0);
  assert.deepEqual(await page.evaluate(clippedElements), []);
  await page.locator("canvas.map").focus();
  const { experts, places } = resultsOf("hostile").routing;
  for (let i = 0; i < experts[0].layer; ++i) await page.keyboard.press("ArrowDown");
  for (let i = 0; i < experts[0].expert; ++i) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".places mark").first().textContent(), /<\/script><script>window\.wasHit=1/);
  assert.ok(places.every(({ token }) => token.includes("\u001b")));
  await page.evaluate(() => document.querySelectorAll("main details").forEach((details) => (details.open = true)));
  assert.match(await page.locator(".tokens").textContent(), /<\/script><script>window\.wasHit=1/);
  assert.equal(await page.evaluate(() => globalThis.wasHit), undefined);
  assert.equal(/[\u0000\u001b\u202e]/.test(await page.locator("main").textContent()), false);
  assert.deepEqual(await page.evaluate(clippedElements), []);
  await page.finish();
  const long = rows[0];
  const link = `#conversation/${long.metric}/${encodeURIComponent(long.id)}`;
  const other = await open("hostile", { hash: link });
  assert.match(await other.locator(".side .reply").last().textContent(), /more bytes are in transcripts\.jsonl\]$/);
  assert.match(await textOf(other, ".size-note"), /long texts are cut/);
  // A long conversation is shown from its last message on, and the keyboard reaches all of it.
  const [height, shown, top] = await other.locator(".messages").first().evaluate((box) => [box.scrollHeight, box.clientHeight, box.scrollTop]);
  assert.ok(height > shown && top + shown >= height - 1, `${top} + ${shown} of ${height}`);
  await other.evaluate(axeSource);
  const { violations } = await other.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`), []);
  await other.finish();
});

test("diamonds show what the closed loop saw in replies", async () => {
  const page = await open("large");
  await drawCharts(page);
  const words = await page.locator(".loop-chart .loop-looks title").evaluateAll((all) => all.map((title) => title.textContent));
  assert.deepEqual(words, ["after step 5: 25 of 64 replies as wanted", "after step 10: 30 of 64 replies as wanted"]);
  assert.match(await textOf(page, "section[aria-labelledby=loop]"), /diamonds/);
  assert.equal(await page.locator("section[aria-labelledby=loop] th", { hasText: "after step" }).count(), 1);
  await page.finish();
});

test("48 x 128 experts, 2,000 conversations and 1,000 candidates fit a page that opens in two seconds and scrolls", async (context) => {
  const size = statSync(fileOf("large", "report.html")).size;
  assert.ok(size < 10e6, `${size} bytes`);
  // The machine has other work: the best of three openings, and nine jumps of ten, are the page's own.
  // On a slow machine the bar is what the browser needs for the same file without its script, two and a half times.
  let opened = Infinity;
  let plain = Infinity;
  for (let i = 0; i < 3; ++i) {
    const again = await open("large");
    opened = Math.min(opened, await again.evaluate(() => performance.getEntriesByType("navigation")[0].domComplete));
    await again.finish();
    plain = Math.min(plain, await openedWithoutScript(`file://${fileOf("large", "report.html")}`));
  }
  const bar = Math.max(2000, 2.5 * plain);
  const page = await open("large");
  await page.click(".reveal");
  assert.equal(await textOf(page, ".list-status"), "2000 of 2000 conversations");
  const rows = await page.locator(".row").count();
  assert.ok(rows < 60, `${rows} rows exist at once`);
  const jumps = await page.evaluate(async () => {
    const list = document.querySelector(".list");
    const times = [];
    for (let i = 1; i <= 60; ++i) {
      const start = performance.now();
      list.scrollTop = (i * list.scrollHeight) / 60;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b);
  });
  const slow = jumps[54];
  context.diagnostic(`large page: ${(size / 1e6).toFixed(1)} MB, opened in ${Math.round(opened)} ms (${Math.round(plain)} without its script), jumps in the list ${Math.round(jumps[30])} ms, nine of ten within ${Math.round(slow)} ms`);
  assert.match(await textOf(page, ".row >> nth=-1"), /./);
  assert.ok(opened < bar, `opened in ${opened} ms, ${plain} without its script`);
  assert.ok(slow < 100, `one jump in ten took ${slow} ms or more`);
  await page.finish();
});
