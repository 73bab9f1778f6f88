#!/usr/bin/env bash
# Configures a preset. Does nothing if that was done before; CMake reruns itself when its files change.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
folder=build
[ "$preset" = release ] || folder=build-$preset
if [ -f "$folder/build.ninja" ]; then
  exit 0
fi
cmake --preset "$preset"
