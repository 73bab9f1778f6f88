// Bundles the scripts and styles of report.html and of the console and writes them as a C++ source.
//
//   node build.mjs FOLDER_OF_SOURCES OUTPUT.cpp
//
// packages.json beside this file then names the packages whose code is in the bundles: what a list of parts and licences needs.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const [sources, output] = process.argv.slice(2);
if (!sources || !output) {
  console.error("usage: node build.mjs FOLDER_OF_SOURCES OUTPUT.cpp");
  process.exit(2);
}

const packages = new Set();

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(sources, entry)],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: "iife",
    target: ["es2020", "chrome90", "firefox90", "safari15"],
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    // Packages lie beside this file, not beside the sources.
    nodePaths: [fileURLToPath(new URL("node_modules", import.meta.url))],
  });
  for (const [path, { bytesInOutput }] of Object.values(result.metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
    if (name && bytesInOutput > 0) packages.add(name);
  }
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

const bundles = {
  bundled_script: "main.ts",
  bundled_style: "report.css",
  console_script: "console.ts",
  console_style: "console.css",
};

async function definition([name, entry]) {
  const text = await bundle(entry);
  if (text.includes("</script") || text.includes(')mascing"')) {
    throw new Error(`${entry} cannot be embedded: its bundle contains an end mark`);
  }
  return `const char* ${name}() {\n  return ${literal(text)};\n}\n`;
}

const definitions = await Promise.all(Object.entries(bundles).map(definition));
await writeFile(
  output,
  `// Written by web/build.mjs.
#include "report/bundle.h"

namespace mascing {

${definitions.join("\n")}
}  // namespace mascing
`,
);
await writeFile(new URL("packages.json", import.meta.url), JSON.stringify([...packages].sort()) + "\n");
