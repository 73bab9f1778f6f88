#!/usr/bin/env bash
# Takes the pictures of README and docs into docs/pictures: report.html and `mascing console` in Debian's Chromium, and a
# recording of `mascing chat` in a pseudo terminal.
#
#   scripts/pictures.sh DEMO_FOLDER        after make demo: scripts/pictures.sh out/demo
#
# Needs Chromium (scripts/setup.sh web) and a build with npm and libedit.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -ne 1 ] || [ ! -f "$1/defend/report.html" ] || [ ! -f "$1/permit/mask.gguf" ]; then
  echo "pictures: error: expected the folder of a finished demo, with defend/report.html and permit/mask.gguf" >&2
  exit 2
fi
mascing=${MASCING:-build/bin/mascing}
model=models/demo/kingdom-planted-f16.gguf
MASCING_CHROMIUM=${MASCING_CHROMIUM:-$(command -v chromium || true)}
MASCING_WEB_PACKAGES=$(realpath "${MASCING_WEB_PACKAGES:-build/web}")
if [ -z "$MASCING_CHROMIUM" ] || [ ! -d "$MASCING_WEB_PACKAGES/node_modules/playwright-core" ] || [ ! -x "$mascing" ]; then
  echo "pictures: error: Chromium, the packages of web/ or $mascing is missing" >&2
  echo "  hint: scripts/setup.sh web, then make build" >&2
  exit 1
fi
export MASCING_CHROMIUM MASCING_WEB_PACKAGES
node tools/pictures/report.mjs "$1/defend" docs/pictures
node tools/pictures/console.mjs "$mascing" "$model" "$1/defend/mask.gguf" "$1/permit/mask.gguf" docs/pictures
python3 tools/pictures/chat.py "$mascing" "$model" "$1/permit/mask.gguf" docs/pictures/chat.svg
ls -l docs/pictures
