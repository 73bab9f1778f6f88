#!/bin/bash
# The method router_adapter from search to exported files, on the planted demo model.
. "$(dirname "$0")/common.sh" "$@"
scenario=$work/tiny.toml
write_scenario "$scenario"
sed -i 's/loop_steps = .*/loop_steps = 4/; s/^methods = .*/methods = ["router_adapter"]/' "$scenario"
search=("$mascing" search "$scenario" -m "$planted" -t 1 -o)

run 0 "${search[@]}" "$work/found"
says err "trial: router adapter alpha 1.00"
mask=$work/found/pareto/1.gguf
run 0 "$mascing" mask show "$mask"
says out "method router_adapter"
says out "adapter      rank 16, reads 128 numbers"
run 0 "$mascing" mask verify "$mask" -m "$planted"
cp "$mask" "$work/first.gguf"
rm -r "$work/found/candidates" "$work/found/pareto" "$work/found/search.json"
run 0 "${search[@]}" "$work/found"
expect_equal "a second search" "$mask" "$work/first.gguf"

# What is exported is exact, and needs no model to be fitted on.
run 0 "$mascing" export "$mask" --to lora -o "$work/mask.lora.gguf"
says out "adapter"
run 0 "$mascing" export "$mask" -m "$planted" --to gguf -o "$work/baked.gguf" --check "$work/data/attacks.jsonl"
python3 - "$work/out" <<'END' || fail "the baked form is not exact"
import re, sys
text = open(sys.argv[1]).read()
divergence = float(re.search(r"KL per token (\S+) nats", text)[1])
assert divergence < 1e-3, divergence
END
run 0 "$mascing" mask verify "$work/baked.gguf"
expect_error 2 "a router adapter, and EasySteer only adds constants" \
  "$mascing" export "$mask" --to easysteer -o "$work/vector.json"

# Two adapters add up: twice at half the strength is the same mask.
run 0 "$mascing" export "$mask=0.5" "$mask=0.5" --to lora -o "$work/two.lora.gguf"
says out "32"

# What has no meaning for an adapter, a file that was cut and a wrong word are refused.
expect_error 2 "no entries that could be compared" "$mascing" mask diff "$mask" "$mask"
head -c 3000 "$mask" >"$work/cut.gguf"
expect_error 1 "cut.gguf" "$mascing" mask show "$work/cut.gguf"
expect_error 2 "closed_loop, router_adapter" "${search[@]}" "$work/none" --method adapter
finish
