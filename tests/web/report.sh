#!/bin/bash
# report.html in Debian's Chromium: pages of the demo model, of a model that reasons, of hostile text, of a large run
# and of one that found no mask.
#
#   tests/web/report.sh MASCING DEMO_FOLDER ZOO_FOLDER NODE FOLDER_WITH_NODE_MODULES CHROMIUM
#
# With MASCING_WEB_SHOTS=FOLDER screenshots are kept there.
. "$(dirname "$0")/../cli/common.sh" "$1" "$2"
zoo=$3 node=$4 packages=$5 chromium=$6
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$chromium" ]; then
  echo "SKIP: chromium is missing, so report.html was not tested in a browser (apt-get install chromium)"
  exit 77
fi
if [ ! -d "$packages/node_modules/playwright-core" ]; then
  echo "SKIP: the packages of web/ are missing, so report.html was not tested in a browser (configure again with npm)"
  exit 77
fi
scenario=$work/tiny.toml
write_scenario "$scenario"
run 0 "$mascing" run "$scenario" -m "$planted" -t 1 -o "$work/demo"
[ "$n_failed" -eq 0 ] || finish

# A model that reasons, under a mask of its own that is made in a second.
mkdir "$work/reasoning"
{
  sed 's/max_tokens = 8/max_tokens = 24\nmax_reasoning_tokens = 48/' "$scenario"
  printf '\n[template]\nreasoning = "on"\n'
} >"$work/reasoning.toml"
planted=$zoo/gpt-oss.gguf write_mask
any() { run 0 bash -c '"$@" || [ $? -eq 1 ]' _ "$@"; } # 1: such a mask need not help
any "$mascing" eval "$work/reasoning.toml" -m "$zoo/gpt-oss.gguf" --mask "$work/mask.gguf" -t 1 -o "$work/reasoning"
[ "$n_failed" -eq 0 ] || finish

"$node" "$here/hostile.mjs" "$work/demo" "$work/hostile" || fail "hostile.mjs"
"$node" "$here/large.mjs" "$work/demo" "$work/large" || fail "large.mjs"
"$node" "$here/no_mask.mjs" "$work/demo" "$work/no_mask" || fail "no_mask.mjs"
for name in hostile large no_mask; do
  run 0 "$mascing" report "$work/$name/results.json" -o "$work/$name/report.html"
done
mkdir "$work/two"
run 0 "$mascing" report "$work/demo" "$work/reasoning" -o "$work/two/report.html"
export MASCING_WEB_PACKAGES=$packages MASCING_CHROMIUM=$chromium MASCING_WEB_RUNS=$work
n_check=$((n_check + 1))
"$node" --test --test-concurrency=1 "$here/report.test.mjs" "$here/reading.test.mjs" >"$work/out" 2>"$work/err" </dev/null || fail "the page is wrong: $(grep -a -A12 'not ok\|failing' "$work/out" | head -n 60)"
grep -a '^# ' "$work/out"
finish
