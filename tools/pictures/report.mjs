// Pictures of report.html for README and docs. Started by scripts/pictures.sh.
//
//   node report.mjs RUN_FOLDER OUTPUT_FOLDER
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [run, output] = process.argv.slice(2);
const { MASCING_WEB_PACKAGES, MASCING_CHROMIUM } = process.env;
if (!run || !output || !MASCING_WEB_PACKAGES || !MASCING_CHROMIUM) {
  console.error("pictures: error: expected RUN_FOLDER OUTPUT_FOLDER; start scripts/pictures.sh");
  process.exit(2);
}
const { chromium } = createRequire(join(MASCING_WEB_PACKAGES, "package.json"))("playwright-core");

const browser = await chromium.launch({ executablePath: MASCING_CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1100, height: 760 }, colorScheme: "light" });
mkdirSync(output, { recursive: true });

/// From a section's heading down, as a reader sees it.
async function shoot(name, hash, height) {
  await page.setViewportSize({ width: 1100, height });
  await page.goto("about:blank");
  await page.goto(`file://${resolve(run, "report.html")}${hash}`);
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(output, `${name}.png`) });
}

await shoot("report", "", 830);
await shoot("mask", "#mask", 640);
await browser.close();
