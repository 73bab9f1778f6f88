#!/usr/bin/env bash
# Configures a preset. Does nothing if that was done before and found every program that tests want, which may have been
# installed since; CMake reruns itself when its files change.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
folder=build
[ "$preset" = release ] || folder=build-$preset
if [ -f "$folder/build.ninja" ] && ! grep -q '^MASCING_[A-Z_]*:FILEPATH=.*-NOTFOUND$' "$folder/CMakeCache.txt"; then
  exit 0
fi
cmake --preset "$preset"
