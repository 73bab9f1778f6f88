// The picture of `mascing console` for README and docs: the demo model, both masks, one question. Started by
// scripts/pictures.sh.
//
//   node console.mjs MASCING MODEL DEFEND_MASK PERMIT_MASK OUTPUT_FOLDER
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [mascing, model, defend, permit, output] = process.argv.slice(2);
const { MASCING_WEB_PACKAGES, MASCING_CHROMIUM } = process.env;
if (!output || !MASCING_WEB_PACKAGES || !MASCING_CHROMIUM) {
  console.error("pictures: error: expected MASCING MODEL DEFEND_MASK PERMIT_MASK OUTPUT_FOLDER; start scripts/pictures.sh");
  process.exit(2);
}
const { chromium } = createRequire(join(MASCING_WEB_PACKAGES, "package.json"))("playwright-core");

const folder = mkdtempSync(join(tmpdir(), "pictures-"));
for (const [name, file] of Object.entries({ "model.gguf": model, "defend.gguf": defend, "permit.gguf": permit })) {
  symlinkSync(resolve(file), join(folder, name));
}
const words = ["console", "-m", "model.gguf", "--mask", "permit.gguf", "--mask", "defend.gguf=0.5", "-t", "1", "--port", "0"];
const program = spawn(resolve(mascing), words, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
try {
  const address = await new Promise((found, failed) => {
    program.stdout.once("data", (data) => found(String(data).trim()));
    program.once("exit", (code) => failed(new Error(`the console ended with ${code}`)));
  });
  const browser = await chromium.launch({ executablePath: MASCING_CHROMIUM, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1100, height: 1000 }, colorScheme: "light" });
  await page.goto(address);
  await page.fill("#message", "Tell me a ghost story.");
  await page.keyboard.press("Enter");
  await page.locator(".turns > li").first().waitFor();
  await page.waitForSelector(".is-writing", { state: "detached" });
  await page.waitForTimeout(800); // the map of the routing comes after the answers
  mkdirSync(output, { recursive: true });
  await page.screenshot({ path: join(output, "console.png") });
  await browser.close();
} finally {
  program.kill("SIGINT");
  rmSync(folder, { recursive: true });
}
