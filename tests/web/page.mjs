// What the tests of all pages share: a browser, what a page must not do, what must not be cut off.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { MASCING_WEB_PACKAGES, MASCING_CHROMIUM, MASCING_WEB_SHOTS, MASCING_WEB_RUNS } = process.env;
const require = createRequire(join(MASCING_WEB_PACKAGES, "package.json"));
const { chromium } = require("playwright-core");
export const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({ executablePath: MASCING_CHROMIUM, args: ["--no-sandbox"] });

/// Files of the runs that report.sh makes.
export const fileOf = (run, name) => join(MASCING_WEB_RUNS, run, name);
export const resultsOf = (run) => JSON.parse(readFileSync(fileOf(run, "results.json"), "utf8"));

/// Opens a run's report.html, which asks for nothing but itself.
export function openReport(browser, run, { hash = "", ...options } = {}) {
  const address = `file://${fileOf(run, "report.html")}`;
  return openPage(browser, address + hash, { ...options, isOwn: (url) => url.split("#")[0] === address });
}

/// Opens an address. Whatever the page logs, and whatever it asks for that `isOwn` does not know, fails the test at
/// `finish`, but for what `isExpected` knows.
export async function openPage(browser, address, { width = 1280, height = 900, scheme = "light", isOwn, permissions = [] }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, permissions });
  const page = await context.newPage();
  page.setDefaultTimeout(120000); // the machine may have other work
  const complaints = [];
  page.on("console", (message) => complaints.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!isOwn(request.url())) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  page.finish = async (isExpected = () => false) => {
    await context.close();
    assert.deepEqual(complaints.filter((text) => !isExpected(text)), []);
  };
  return page;
}

export async function keepShot(page, name) {
  if (!MASCING_WEB_SHOTS) return;
  await drawCharts(page);
  mkdirSync(MASCING_WEB_SHOTS, { recursive: true });
  await page.screenshot({ path: join(MASCING_WEB_SHOTS, `${name}.png`), fullPage: true });
}

/// A chart is drawn when it comes near the view: so all that show are brought there.
export async function drawCharts(page) {
  for (const chart of await page.locator(".chart:visible").all()) {
    await chart.scrollIntoViewIfNeeded();
    await chart.locator("svg").waitFor({ timeout: 10000 });
  }
}

/// Elements whose text is cut off, or that reach beyond the page. Rows of the list end in an ellipsis by design, and
/// replies and lists that scroll from top to bottom lose nothing.
export function clippedElements() {
  const found = [];
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > edge) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || style.visibility === "hidden" || element.closest("svg, .row-text, .row-facts, select, thead")) continue;
    const isCut = element.scrollWidth > element.clientWidth + 1 && style.overflowX !== "visible" && element.clientWidth > 1;
    if (isCut || box.right > edge + 1) {
      found.push(`${element.tagName}.${element.className} "${element.textContent.slice(0, 40)}" to ${Math.round(box.right)}`);
    }
  }
  return found.slice(0, 5);
}
