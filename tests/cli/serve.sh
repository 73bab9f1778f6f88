#!/bin/bash
# `mascing serve` with the stock llama-server, and our adapter in stock tools. Skipped unless the tools were built
# (scripts/build_server.sh); the third argument is their folder.
stock=$3
set -- "$1" "$2"
. "$(dirname "$0")/common.sh" "$@"
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$stock/llama-server" ] || { echo "SKIP: there is no llama-server; scripts/build_server.sh builds it"; exit 77; }
export MASCING_CACHE_DIR=$work/cache
port=$((20000 + RANDOM % 20000))
rows attacks discovery 24 | python3 -c 'import json,sys
for i, line in enumerate(sys.stdin):
    row = json.loads(line)
    row["label"] = i % 2
    print(json.dumps(row))' >"$work/labelled.jsonl"
{ rows attacks discovery 30; rows benign discovery 30; } >"$work/chats.jsonl"
rows attacks test 16 >"$work/test.jsonl"
run 0 "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/traces"
run 0 "$mascing" steer "$work/traces" --mean-difference 4 -o "$work/mask.gguf"
base=("$mascing" serve -m "$planted" -t 1 --mask "$work/mask.gguf" --data "$work/chats.jsonl" --fit-tokens 4000
  --port "$port")
serve=("${base[@]}" --server "$stock/llama-server")

"${serve[@]}" -- -c 8192 -np 8 >"$work/server.log" 2>&1 </dev/null &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
run 0 python3 "$here/serve_client.py" wait_until_ready "$port"
[ "$n_failed" -eq 0 ] || { cat "$work/server.log"; finish; }
grep -q '"lora": \[{"id": 0, "scale": 1.00}\]' "$work/server.log" || fail "no example was printed"
grep -q 'requests without "lora" are answered under' "$work/server.log" || fail "the default is not said"
grep -q 'without any mask: "lora": \[{"id": 0, "scale": 0.00}\]' "$work/server.log" || fail "how to switch it off is not said"
run 0 python3 "$here/serve_client.py" plain_is_steered "$port" "$work/test.jsonl" 1
run 0 "$mascing" export "$work/mask.gguf" -m "$planted" -t 1 --data "$work/test.jsonl" --verify-server "http://127.0.0.1:$port/"
cat "$work/out"
says out "the mask acts on the server"
grep -q unsteered_by_default "$work/err" && fail "clients without \"lora\" get the unsteered model"
# A server with another mask than the one that is asked about.
sed 's/"label": 0/"label": 2/; s/"label": 1/"label": 0/; s/"label": 2/"label": 1/' "$work/labelled.jsonl" >"$work/opposite.jsonl"
run 0 "$mascing" trace "$work/opposite.jsonl" -m "$planted" -t 1 -o "$work/opposite"
run 0 "$mascing" steer "$work/opposite" --mean-difference 4 -o "$work/opposite.gguf"
run 1 "$mascing" export "$work/opposite.gguf" -m "$planted" -t 1 --data "$work/test.jsonl" --verify-server "http://127.0.0.1:$port/"
cat "$work/out" "$work/err"
says err "acts under something else than this mask"
expect_error 1 "answered with status" "$mascing" export "$work/mask.gguf" -m "$planted" -t 1 --data "$work/test.jsonl" \
  --verify-server "http://127.0.0.1:$port/none"
run 0 python3 "$here/serve_client.py" interleaved "$port" "$work/test.jsonl" 2
run 0 python3 "$here/serve_client.py" load "$port" "$work/test.jsonl" "${MASCING_LOAD_SECONDS:-4}"
cat "$work/out"
expect_error 1 "Address already in use" "${serve[@]}"
n_check=$((n_check + 1))
kill -TERM "$pid"
for _ in $(seq 100); do
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
kill -0 "$pid" 2>/dev/null && fail "SIGTERM does not end the server"

# A second start finds the adapter in the cache. Errors are reported before anything is started.
[ "$(ls "$work"/cache/adapters/*.gguf | wc -l)" -eq 1 ] || fail "not one adapter in the cache"
expect_error 2 "--cache-ram" "${serve[@]}" -- --cache-ram 100
expect_error 2 "is not one of the masks" "${serve[@]}" --default "$work/none.gguf"
expect_error 1 "not an executable program" "${base[@]}" --server "$work/none"
expect_error 1 "is not a valid address" "${serve[@]}" --host nowhere.invalid
expect_error 1 "(natural)" "$mascing" serve -m "$natural" --mask "$work/mask.gguf" --server "$stock/llama-server" --port "$port"

# A server that ignores "lora" is found out: the model without any adapter. Several masks of different sigma rules are
# served together; a plain client gets those that --default names.
serve_until_ready() { # LOG COMMAND...
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  run 0 python3 "$here/serve_client.py" wait_until_ready "$port"
}
stop_server() {
  kill -TERM "$pid"
  wait "$pid" 2>/dev/null
}
port=$((port + 1))
serve_until_ready "$work/bare.log" "$stock/llama-server" -m "$planted" --port "$port" -c 8192
expect_error_with_output() {
  run "$1" "${@:3}"
  grep '^mascing: error: ' "$work/err" | grep -qF -- "$2" || fail "the error does not say '$2'"
}
expect_error_with_output 1 "does not act on" "$mascing" export "$work/mask.gguf" -m "$planted" -t 1 \
  --data "$work/test.jsonl" --verify-server "http://127.0.0.1:$port"
stop_server
run 0 "$mascing" export "$work/mask.gguf" -m "$planted" -t 1 --data "$work/chats.jsonl" --fit-tokens 4000 --to gguf \
  -o "$work/baked.gguf"
port=$((port + 1))
serve_until_ready "$work/baked.log" "$stock/llama-server" -m "$work/baked.gguf" --port "$port" -c 8192
run 0 "$mascing" export "$work/mask.gguf" -m "$planted" -t 1 --data "$work/test.jsonl" --verify-server "http://127.0.0.1:$port"
says out "baked into its model"
stop_server
run 0 "$mascing" steer "$work/traces" --mean-difference 4 --sigma calibrated -o "$work/calibrated.gguf"
port=$((port + 1))
both=("$mascing" serve -m "$planted" -t 1 --mask "$work/mask.gguf" --mask "$work/calibrated.gguf=-1" --data "$work/chats.jsonl"
  --fit-tokens 4000 --port "$port" --server "$stock/llama-server")
serve_until_ready "$work/both.log" "${both[@]}" --default "$work/mask.gguf" -- -c 8192
grep -q "requests without \"lora\" are answered under $work/mask.gguf\$" "$work/both.log" || fail "not the named mask alone"
run 0 python3 "$here/serve_client.py" plain_is_steered "$port" "$work/test.jsonl" 1
run 0 "$mascing" export "$work/mask.gguf" "$work/calibrated.gguf=1" -m "$planted" -t 1 --data "$work/test.jsonl" \
  --verify-server "http://127.0.0.1:$port"
says out "the mask acts on the server"
stop_server

# Stock llama-export-lora merges the adapter to the same result as our own baking.
if [ -x "$stock/llama-export-lora" ]; then
  adapter=$(ls -t "$work"/cache/adapters/*.gguf | tail -n 1)
  run 0 "$stock/llama-export-lora" -m "$planted" --lora-scaled "$adapter:1.5" -o "$work/merged.gguf"
  run 0 python3 "$here/gguf_tools.py" check_gguf "$planted" "$adapter" "$work/merged.gguf" 1.5 1e-5
  says out "6 routers checked"
fi
finish
