#!/bin/bash
# The page of `mascing console` in Debian's Chromium: the demo model, a model that reasons, a mask with a hostile name.
#
#   tests/web/console.sh MASCING DEMO_FOLDER ZOO_FOLDER NODE FOLDER_WITH_NODE_MODULES CHROMIUM
#
# With MASCING_WEB_SHOTS=FOLDER screenshots are kept there.
. "$(dirname "$0")/../cli/common.sh" "$1" "$2"
zoo=$3 node=$4 packages=$5 chromium=$6
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$chromium" ]; then
  echo "SKIP: chromium is missing, so the console was not tested in a browser (apt-get install chromium)"
  exit 77
fi
if [ ! -d "$packages/node_modules/playwright-core" ]; then
  echo "SKIP: the packages of web/ are missing, so there is no console to test (configure again with npm)"
  exit 77
fi
write_mask
hostile=$work/'<img src=x onerror=window.wasHit=1>.gguf'
cp "$work/mask.gguf" "$work/demo.gguf"
cp "$work/mask.gguf" "$hostile"
rm -rf "$work/traces" "$work/mask.gguf"
planted=$zoo/gpt-oss.gguf write_mask
[ "$n_failed" -eq 0 ] || finish

MASCING_CONSOLES=$(python3 - "$mascing" "$planted" "$zoo/gpt-oss.gguf" "$work" "$hostile" <<'END'
import json, sys
mascing, demo, reasoning, work, hostile = sys.argv[1:]
def words(model, mask, *more):
    return [mascing, "console", "-m", model, "--mask", mask, "-t", "1", "--port", "0", *more]
print(json.dumps({
    "demo": words(demo, f"{work}/demo.gguf", "--max-tokens", "60"),
    "reasoning": words(reasoning, f"{work}/mask.gguf=0.2", "--max-tokens", "60", "--reasoning", "on"),
    "hostile": words(demo, hostile, "--max-tokens", "60"),
    "slow": words(demo, f"{work}/demo.gguf", "--max-tokens", "4000"),
}))
END
)
export MASCING_CONSOLES MASCING_WEB_PACKAGES=$packages MASCING_CHROMIUM=$chromium
n_check=$((n_check + 1))
"$node" --test "$here/console.test.mjs" >"$work/out" 2>"$work/err" </dev/null || fail "the page is wrong: $(grep -a -A12 'not ok\|failing' "$work/out" | head -n 60)"
grep -a '^# ' "$work/out"
finish
