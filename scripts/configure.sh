#!/usr/bin/env bash
# Configures a preset. Does nothing if that was done before and found every program that tests want, which may have been
# installed since; CMake reruns itself when its files change.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
folder=build
[ "$preset" = release ] || folder=build-$preset
cache=$folder/CMakeCache.txt
if [ -f "$cache" ]; then
  # A folder that came along with a copied or renamed tree would build that tree, without a word.
  of=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
  if [ ! "$of" -ef . ]; then
    echo "configure: $folder/ belongs to $of, so it is configured anew" >&2
    rm -rf "$cache" "$folder/CMakeFiles"
  elif [ -f "$folder/build.ninja" ] && ! grep -q '^MASCING_[A-Z_]*:FILEPATH=.*-NOTFOUND$' "$cache"; then
    exit 0
  fi
fi
cmake --preset "$preset"
