// Bundles the scripts and the style of report.html and writes them as a C++ source.
//
//   node build.mjs FOLDER_OF_SOURCES OUTPUT.cpp
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const [sources, output] = process.argv.slice(2);
if (!sources || !output) {
  console.error("usage: node build.mjs FOLDER_OF_SOURCES OUTPUT.cpp");
  process.exit(2);
}

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(sources, entry)],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: ["es2020", "chrome90", "firefox90", "safari15"],
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    // Packages lie beside this file, not beside the sources.
    nodePaths: [fileURLToPath(new URL("node_modules", import.meta.url))],
  });
  return result.outputFiles[0].text.trim();
}

// A raw string; compilers limit its length, so it comes in pieces.
function literal(text) {
  const pieces = [];
  for (let i = 0; i < text.length; i += 12000) {
    pieces.push(`R"mascing(${text.slice(i, i + 12000)})mascing"`);
  }
  return pieces.join("\n    ") || '""';
}

const [script, style] = await Promise.all([bundle("main.ts"), bundle("report.css")]);
if (script.includes("</script") || script.includes(')mascing"')) {
  throw new Error("the bundle cannot be embedded: it contains an end mark");
}
await writeFile(
  output,
  `// Written by web/build.mjs.
#include "report/bundle.h"

namespace mascing {

const char* bundled_script() {
  return ${literal(script)};
}

const char* bundled_style() {
  return ${literal(style)};
}

}  // namespace mascing
`,
);
