// The console's page in a browser. Started by console.sh, which says how to start the program for each model.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";

import { axeSource, clippedElements, keepShot, launch, openPage } from "./page.mjs";

const commands = JSON.parse(process.env.MASCING_CONSOLES); // name -> words of a command
const question = "Good day to you. Tell me of the mill.";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/// Starts a console; resolves to its address and how to end it.
async function start(name) {
  const [program, ...words] = commands[name];
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => (said += data));
  const url = await new Promise((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data).trim()));
    child.once("exit", (code) => reject(new Error(`the console ended with ${code}: ${said}`)));
  });
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill("SIGINT");
    return (await ended)[0];
  };
  return { url, stop, facts: await (await fetch(`${url}facts`)).json() };
}

async function open(console, options = {}) {
  const page = await openPage(browser, console.url, { ...options, isOwn: (url) => url.startsWith(console.url) || url === "data:," });
  await page.waitForSelector("#message");
  return page;
}

/// The lines of the same question, asked without a page.
async function linesOf(console, body) {
  const response = await fetch(`${console.url}ask`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
}

const lineOf = (lines, type) => lines.find((line) => line.type === type);

/// Both answers may be there before a browser is asked whether they are being written: so the turn is counted.
async function ask(page, text) {
  const turns = page.locator(".turns > li");
  const n = await turns.count();
  await page.fill("#message", text);
  await page.keyboard.press("Enter");
  await turns.nth(n).waitFor();
  await page.waitForSelector(".is-writing", { state: "detached" });
}

const sideOf = (page, i) => page.locator(".turns > li >> nth=-1").locator(".side").nth(i);
const visibleOf = (page, i) => sideOf(page, i).locator("> .text").textContent();

for (const name of ["demo", "reasoning"]) {
  describe(`the console of ${name}`, () => {
    let program;
    before(async () => {
      program = await start(name);
    });
    after(async () => assert.equal(await program.stop(), 0));

    for (const width of [1280, 390]) {
      test(`streams both answers, the same that it gives without a page, and clips nothing at ${width} pixels`, async () => {
        const lines = await linesOf(program, { text: question });
        const done = lineOf(lines, "done");
        const page = await open(program, { width });
        await page.evaluate(() => {
          globalThis.nChange = 0;
          new MutationObserver((changes) => (globalThis.nChange += changes.length)).observe(document.querySelector(".turns"), { childList: true, subtree: true });
        });
        await ask(page, question);
        assert.equal(await visibleOf(page, 0), done.base.visible);
        assert.equal(await visibleOf(page, 1), done.steered.visible);
        const nText = lines.filter((line) => line.type === "text").length;
        assert.ok(nText > 8, `${nText} pieces`);
        assert.ok((await page.evaluate(() => globalThis.nChange)) >= nText, "the answers did not grow piece by piece");
        assert.match(await sideOf(page, 0).locator(".facts").textContent(), new RegExp(`^${done.base.tokens} tokens`));
        if (name === "reasoning") {
          assert.ok(done.base.reasoning, "the model did not reason");
          const fold = sideOf(page, 0).locator("details");
          assert.equal(await fold.getAttribute("open"), null);
          assert.equal(await fold.locator(".text").textContent(), done.base.reasoning);
        }
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
        await page.waitForTimeout(200);
        assert.deepEqual(await page.evaluate(clippedElements), []);
        await keepShot(page, `console-${name}-${width}`);
        await page.finish();
      });
    }

    test("marks the words that only one answer has; strength 0 gives the base answer", async () => {
      const page = await open(program);
      await ask(page, question);
      const [base, steered] = [await visibleOf(page, 0), await visibleOf(page, 1)];
      assert.notEqual(base, steered, "the mask does nothing");
      assert.ok((await sideOf(page, 0).locator("del").count()) + (await sideOf(page, 1).locator("ins").count()) > 0);
      await page.locator("#mask-0").focus();
      await page.keyboard.press("Home");
      assert.equal(await page.inputValue(".mask input[type=number]"), "0");
      await page.click("text=Ask again");
      await page.waitForSelector(".is-writing", { state: "detached" });
      assert.equal(await page.locator(".turns > li").count(), 1);
      assert.equal(await sideOf(page, 1).locator("h3").textContent(), "steered, strength 0");
      assert.equal(await visibleOf(page, 0), base);
      assert.equal(await visibleOf(page, 1), base);
      assert.equal(await page.locator(".side del, .side ins").count(), 0);
      await page.finish();
    });

    test("each side goes on from its own answers, until a new conversation", async () => {
      const page = await open(program);
      await ask(page, question);
      const turn = { user: question, base: await visibleOf(page, 0), steered: await visibleOf(page, 1) };
      await ask(page, "And then?");
      const done = lineOf(await linesOf(program, { text: "And then?", turns: [turn] }), "done");
      assert.equal(await visibleOf(page, 0), done.base.visible);
      assert.equal(await visibleOf(page, 1), done.steered.visible);
      await page.click("text=New conversation");
      assert.equal(await page.locator(".turns > li").count(), 0);
      await page.finish();
    });

    test("the map says the selection rates of both answers and their difference", async () => {
      const routing = lineOf(await linesOf(program, { text: question }), "routing");
      const { layers, experts, experts_used } = program.facts.model;
      for (const side of [routing.base, routing.steered]) {
        assert.equal(side.rates.length, layers);
        for (const row of side.rates) {
          assert.equal(row.length, experts);
          assert.ok(Math.abs(row.reduce((sum, rate) => sum + rate, 0) - experts_used) < 1e-3);
        }
      }
      const page = await open(program);
      await ask(page, question);
      const canvas = page.locator("canvas.map");
      await canvas.waitFor();
      await canvas.focus();
      for (const key of ["ArrowDown", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
      const words = await page.locator(".map-words").textContent();
      const [base, steered] = [routing.base.rates[1][2], routing.steered.rates[1][2]];
      for (const part of ["layer 1 ", "expert 2 ", `base ${base.toFixed(3)} `, `steered ${steered.toFixed(3)} `, `difference ${(steered - base).toFixed(3)} `]) {
        assert.ok(words.includes(part), `${words} lacks ${part}`);
      }
      await page.selectOption(".routing select", { label: "steered" });
      assert.match(await page.locator(".map-words").textContent(), /\(steered: /);
      await page.finish();
    });

    for (const scheme of ["light", "dark"]) {
      test(`has no barrier that axe-core finds (${scheme})`, async () => {
        const page = await open(program, { scheme });
        await ask(page, question);
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
        // The page's policy lets no injected script run; the browser's own console may.
        const session = await page.context().newCDPSession(page);
        await session.send("Runtime.evaluate", { expression: axeSource });
        const { result } = await session.send("Runtime.evaluate", {
          expression: `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 160)))`,
          awaitPromise: true,
          returnByValue: true,
        });
        assert.deepEqual(result.value, []);
        await keepShot(page, `console-${name}-${scheme}`);
        await page.finish();
      });
    }

    test("what it copies for a shell asks the same question", async () => {
      const page = await open(program, { permissions: ["clipboard-read", "clipboard-write"] });
      const text = "Is the miller's '$(touch /tmp/x)' `seal` \\ \"royal\"?";
      await ask(page, text);
      await page.click("text=Copy as curl");
      await page.waitForFunction(() => document.querySelector("[role=status]").textContent === "Copied.");
      const command = await page.evaluate(() => navigator.clipboard.readText());
      const said = execFileSync("bash", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      const done = lineOf(said.trim().split("\n").map((line) => JSON.parse(line)), "done");
      assert.equal(done.base.visible, await visibleOf(page, 0));
      assert.equal(done.steered.visible, await visibleOf(page, 1));
      await page.click("text=Copy for mascing serve");
      const words = await page.evaluate(() => navigator.clipboard.readText());
      assert.match(words, /\/v1\/chat\/completions/);
      assert.match(words, /"lora":\[\{"id":0,"scale":/);
      await page.finish();
    });
  });
}

test("the page has the colours of report.html, light and dark", async () => {
  const program = await start(Object.keys(commands)[0]);
  const sheet = await (await fetch(`${program.url}console.css`)).text();
  const [, plain] = /^(:root \{[^}]*\}\s*@media \(prefers-color-scheme: dark\) \{\s*:root \{[^}]*\}\s*\})/.exec(sheet.trim()) ?? [];
  assert.ok(plain, sheet.slice(0, 200));
  const names = (block) => [...block.matchAll(/--[a-z-]+(?=:)/g)].map(([name]) => name);
  const [light, dark] = plain.split("@media").map(names);
  assert.deepEqual(dark, light, "a colour of one scheme only");
  for (const [, name] of sheet.matchAll(/var\((--[a-z-]+)/g)) {
    assert.ok(light.includes(name) || sheet.includes(`${name}:`), `${name} is not defined`);
  }
  assert.equal(sheet.split("--ground:").length, 3, "colours stand twice");
  await program.stop();
});

test("hostile names and texts are shown, and nothing else happens", async () => {
  const program = await start("hostile");
  const page = await open(program);
  const evil = "</script><script>window.wasHit=1</script><img src=x onerror=window.wasHit=1>\u202edesrever \u001b[2J";
  await ask(page, evil);
  assert.equal(await page.evaluate(() => globalThis.wasHit), undefined);
  assert.match(await page.locator(".user .text").textContent(), /<\/script><script>window\.wasHit=1<\/script>.*U\+202E.*U\+001B/s);
  assert.match(await page.locator(".mask label").textContent(), /<img src=x onerror=window\.wasHit=1>/);
  assert.equal(await page.locator("img, main script").count(), 0);
  assert.deepEqual(await page.evaluate(clippedElements), []);
  await page.finish();
  assert.equal(await program.stop(), 0);
});

test("a page says when the program is busy, and when it has ended", async () => {
  const program = await start("slow");
  const page = await open(program);
  let isOver = false;
  const occupy = async () => {
    while (!isOver) await linesOf(program, { text: question, temperature: 5 });
  };
  const others = Promise.all([occupy(), occupy()]);
  const notice = page.locator(".notice:not([hidden])");
  for (let i = 0; i < 20 && (await notice.count()) === 0; ++i) {
    await page.fill("#message", question);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => !document.querySelector("button.first").disabled);
  }
  assert.match(await notice.textContent(), /busy with another answer/);
  assert.equal(await page.inputValue("#message"), question, "the question is kept");
  isOver = true;
  await others;
  assert.equal(await program.stop(), 0);
  await page.waitForSelector(".notice[data-gone]");
  assert.match(await page.locator(".notice").textContent(), /has ended or cannot be reached.*Start mascing console again/s);
  await keepShot(page, "console-ended");
  await page.finish((text) => /Failed to load resource/.test(text));
});

test("Stop ends an answer, and the next question is answered", async () => {
  const program = await start("demo");
  const page = await open(program);
  await page.evaluate(() => {
    const plain = globalThis.fetch;
    globalThis.plainFetch = plain;
    globalThis.fetch = async (address, options) => {
      const response = await plain(address, options);
      if (address !== "ask") return response;
      const { value } = await response.body.getReader().read();
      const stalled = new ReadableStream({
        start(controller) {
          controller.enqueue(value);
          options.signal.addEventListener("abort", () => controller.error(options.signal.reason));
        },
      });
      return new Response(stalled);
    };
  });
  await page.fill("#message", question);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".side > .text")?.textContent.length > 0);
  await page.click("text=Stop");
  await page.waitForFunction(() => document.querySelector("form [role=status]").textContent === "Stopped.");
  assert.equal(await page.locator(".is-writing").count(), 0);
  await page.evaluate(() => (globalThis.fetch = globalThis.plainFetch));
  await ask(page, "Good day.");
  assert.match(await page.locator("form [role=status]").textContent(), /^First token after/);
  assert.equal(await page.locator(".turns > li").count(), 2);
  await page.finish();
  assert.equal(await program.stop(), 0);
});
