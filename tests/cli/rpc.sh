#!/bin/bash
# A model divided between two rpc-servers, llama.cpp's own, gives what one process gives. A server that ends in the
# middle of a run is one clear error; the run resumes.
. "$(dirname "$0")/common.sh" "$@"
server=$5
scenario=$work/tiny.toml
write_scenario "$scenario"
base=$((20000 + RANDOM % 20000))
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

# serve I: rpc-server number I; returns when it listens.
serve() {
  "$server" -H 127.0.0.1 -p $((base + $1)) -t 1 >"$work/server-$1" 2>&1 &
  pids[$1]=$!
  for _ in $(seq 300); do
    (exec 3<>"/dev/tcp/127.0.0.1/$((base + $1))") 2>/dev/null && return
    kill -0 "${pids[$1]}" 2>/dev/null || break
    sleep 0.1
  done
  fail "rpc-server $1 does not listen: $(cat "$work/server-$1")"
}
serve 0
serve 1
over=(--rpc "127.0.0.1:$base,127.0.0.1:$((base + 1))")

# Traces: the same router logits, but for the last bits of 16-bit floats.
write_mask
run 0 "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/remote" "${over[@]}"
n_check=$((n_check + 1))
python3 - "$work/traces" "$work/remote" <<'END' || fail "traces differ"
import glob, json, struct, sys

def values(folder):
    found = {}
    for path in sorted(glob.glob(folder + "/shard-*.safetensors")):
        data = open(path, "rb").read()
        n = struct.unpack("<Q", data[:8])[0]
        for name, tensor in json.loads(data[8:8 + n]).items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                found[path[len(folder):], name] = struct.unpack("<%de" % ((end - begin) // 2), data[8 + n + begin:8 + n + end])
    return found

one, two = values(sys.argv[1]), values(sys.argv[2])
assert one and [k[1] for k in one] == [k[1] for k in two], "other conversations"
worst = max(abs(x - y) for a, b in zip(one.values(), two.values()) for x, y in zip(a, b))
print("largest difference of a router logit: %g" % worst)
assert worst < 0.05, worst
END
run 0 "$mascing" steer "$work/remote" --mean-difference 40 -o "$work/remote.gguf"
run 0 "$mascing" mask diff "$work/mask.gguf" "$work/remote.gguf"

# An evaluation: the same rates; experts in the processor's memory change nothing either.
any() { run 0 bash -c '"$@" || [ $? -eq 1 ]' _ "$@"; } # 1: the mask may do too little
evaluation=("$mascing" eval "$scenario" -m "$planted" -t 1 --mask "$work/mask.gguf" -o)
any "${evaluation[@]}" "$work/one"
any "${evaluation[@]}" "$work/two" "${over[@]}"
same_rates() {
  n_check=$((n_check + 1))
  python3 - "$work/one/results.json" "$work/$1/results.json" "$2" <<'END' || fail "$1: other results"
import json, sys
one, two = (json.load(open(path)) for path in sys.argv[1:3])
for name, metric in one["metrics"].items():
    for side in ("base", "steered"):
        a, b = metric[side], two["metrics"][name][side]
        assert abs(a["rate"] - b["rate"]) * metric["n"] <= 1.01, (name, side, a, b)
for side in ("perplexity_base", "perplexity_steered"):
    a, b = one["damage"][side], two["damage"][side]
    assert abs(a - b) < 0.005 * a, (side, a, b)
assert one["protocol"]["engine_options"] == {}, one["protocol"]
assert two["protocol"]["engine_options"] == json.loads(sys.argv[3]), two["protocol"]
END
}
same_rates two '{"rpc": "2 servers"}'
any "${evaluation[@]}" "$work/experts" "${over[@]}" --n-cpu-moe 3
same_rates experts '{"n-cpu-moe": "3", "rpc": "2 servers"}'

# A server is killed in the middle of an evaluation.
"${evaluation[@]}" "$work/cut" "${over[@]}" >/dev/null 2>"$work/err" </dev/null &
pid=$!
while kill -0 "$pid" 2>/dev/null; do
  [ "$(find "$work/cut/cache" -type f 2>/dev/null | wc -l)" -lt 2 ] || break
  sleep 0.05
done
kill -9 "${pids[1]}"
wait "${pids[1]}" 2>/dev/null
wait "$pid"
code=$?
n_check=$((n_check + 1))
[ "$code" -eq 1 ] || fail "exit code $code after the end of a server"
[ "$(grep -c '^mascing: error: ' "$work/err")" -eq 1 ] || fail "not exactly one error line"
says err "an rpc-server ended"
says err "hint: start it again"
expect_error 1 "does not answer" "${evaluation[@]}" "$work/cut" "${over[@]}"
serve 1
any "${evaluation[@]}" "$work/cut" "${over[@]}"
same_rates cut '{"rpc": "2 servers"}'
results_of "$work/two" >"$work/two.json"
results_of "$work/cut" >"$work/cut.json"
expect_equal "results after the end of a server" "$work/two.json" "$work/cut.json"

# A whole search over both.
any "$mascing" search "$scenario" -m "$planted" -t 1 -o "$work/found" "${over[@]}"
[ -s "$work/found/pareto/1.gguf" ] || fail "the search over two servers found no mask"
finish
