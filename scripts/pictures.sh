#!/usr/bin/env bash
# Takes the pictures of README and docs: report.html of a finished run in Debian's Chromium, into docs/pictures.
#
#   scripts/pictures.sh RUN_FOLDER        after make demo: scripts/pictures.sh out/demo/defend
#
# Needs Chromium (scripts/setup.sh web) and a build with npm.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -ne 1 ] || [ ! -f "$1/report.html" ]; then
  echo "pictures: error: expected the folder of a finished run, with its report.html" >&2
  exit 2
fi
chromium=${MASCING_CHROMIUM:-$(command -v chromium || true)}
packages=${MASCING_WEB_PACKAGES:-build/web}
if [ -z "$chromium" ] || [ ! -d "$packages/node_modules/playwright-core" ]; then
  echo "pictures: error: Chromium or the packages of web/ are missing" >&2
  echo "  hint: scripts/setup.sh web, then make build" >&2
  exit 1
fi
MASCING_CHROMIUM=$chromium MASCING_WEB_PACKAGES=$(realpath "$packages") node tools/pictures/report.mjs "$1" docs/pictures
ls -l docs/pictures
