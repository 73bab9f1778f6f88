#!/bin/bash
# Faults and wrong use: nothing computed is lost, no input is overwritten, damage is never believed, and what was not
# meant is refused in one line. Each check here failed once.
. "$(dirname "$0")/common.sh" "$@"

write_mask
mask=$work/mask.gguf
run 0 "$mascing" train "$work/traces" --epochs 2 --folds 0 -t 1 -o "$work/a.safetensors"
cp "$mask" "$work/kept.gguf"

# flip FILE [SHARE]: one bit at that share of the file.
flip() {
  python3 -c 'import sys
path, share = sys.argv[1], float(sys.argv[2])
data = bytearray(open(path, "rb").read())
data[min(len(data) - 1, int(len(data) * share))] ^= 4
open(path, "wb").write(data)' "$1" "${2:-0.7}"
}

# Names of several results hold all digits of lambda.
mkdir "$work/many"
run 0 "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" --lambda 0,1e-5,1e-4,1e-3 --epochs 2 -t 1 \
  -o "$work/many/m.gguf"
[ "$(ls "$work/many" | wc -l)" -eq 4 ] || fail "four results, but the files are $(ls "$work/many" | tr '\n' ' ')"
expect_error 2 "two results would have the name" "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" \
  --lambda 1e-3,0.001 -o "$work/many/m.gguf"

# With a descriptor closed, no output file gets its number.
expect_closed() {
  run 0 bash -c "$1 2>&-"
  expect_equal "with standard error closed" "$2" "$3"
}
run 0 "$mascing" mask compose "$mask" -o "$work/open.gguf"
expect_closed "$mascing mask compose $mask -o $work/closed.gguf" "$work/open.gguf" "$work/closed.gguf"
rows benign discovery 60 >"$work/chats.jsonl"
run 0 "$mascing" export "$mask" -m "$planted" --data "$work/chats.jsonl" --to lora -t 1 --fit-tokens 800 \
  -o "$work/m.lora.gguf"
run 0 "$mascing" export "$mask" -m "$planted" --adapter "$work/m.lora.gguf" --to gguf -t 1 -o "$work/open-baked.gguf"
expect_closed "$mascing export $mask -m $planted --adapter $work/m.lora.gguf --to gguf -t 1 -o $work/baked.gguf" \
  "$work/open-baked.gguf" "$work/baked.gguf"
expect_closed "$mascing mask unbake $work/baked.gguf -o $work/unbaked.gguf" "$planted" "$work/unbaked.gguf"
run 1 bash -c "$mascing mask show $mask >&-"

# A mask is measured on new data alone: no row of discovery or selection. This one breaks a limit, which is exit code 1.
write_scenario "$work/new.toml"
sed -i '/"split": "discovery"/d; /"split": "selection"/d' "$work"/data/*.jsonl
run 1 "$mascing" eval "$work/new.toml" -m "$planted" --mask "$mask" -t 1 -o "$work/new"
says err "lowers the refusal rate of a hold set"
[ -s "$work/new/results.json" ] || fail "eval on test rows alone wrote no results"

# No command overwrites its input, under whatever name.
ln -s mask.gguf "$work/link.gguf"
refuses_own() {
  local file=$1
  shift
  cp "$file" "$work/before"
  expect_error 2 "is the input" "$@"
  expect_equal "an input after a refusal" "$work/before" "$file"
}
refuses_own "$mask" "$mascing" export "$mask" --to easysteer -o "$mask"
refuses_own "$mask" "$mascing" export "$mask" --to easysteer -o "$work/link.gguf"
refuses_own "$mask" "$mascing" mask compose "$mask" "$work/kept.gguf" -o "$mask"
refuses_own "$work/a.safetensors" "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" \
  -o "$work/a.safetensors"
refuses_own "$work/traces/manifest.json" "$mascing" train "$work/traces" -o "$work/traces/manifest.json"
refuses_own "$work/labelled.jsonl" "$mascing" collect "$work/labelled.jsonl" -m "$planted" -o "$work/labelled.jsonl"
refuses_own "$work/chats.jsonl" "$mascing" report "$work/chats.jsonl" -o "$work/chats.jsonl"
refuses_own "$work/new/transcripts.jsonl" "$mascing" report "$work/new" -o "$work/new/transcripts.jsonl"
refuses_own "$work/chats.jsonl" "$mascing" import "$work/chats.jsonl" -o "$work/chats.jsonl"
refuses_own "$work/chats.jsonl" "$mascing" export "$mask" -m "$planted" --data "$work/chats.jsonl" --to lora \
  -o "$work/chats.jsonl"

# One bit is enough: masks, surrogates, traces.
cp "$mask" "$work/bad.gguf" && flip "$work/bad.gguf" 0.99
expect_error 1 "does not match its checksum" "$mascing" mask show "$work/bad.gguf"
cp "$work/a.safetensors" "$work/bad.safetensors" && flip "$work/bad.safetensors"
expect_error 1 "does not match its checksum" "$mascing" steer "$work/traces" --surrogate "$work/bad.safetensors" \
  -o "$work/x.gguf"
cp -r "$work/traces" "$work/bad-traces" && flip "$(echo "$work"/bad-traces/shard-*)"
expect_error 1 "does not match its checksum" "$mascing" train "$work/bad-traces" -o "$work/x.safetensors"
run 0 "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/bad-traces"
expect_equal "a damaged shard, traced again" "$(echo "$work"/traces/shard-*)" "$(echo "$work"/bad-traces/shard-*)"

# train and steer look for a place before they work.
expect_error 1 "cannot create it" "$mascing" train "$work/traces" -o "$work/none/a.safetensors"
expect_error 1 "cannot create it" "$mascing" steer "$work/traces" --surrogate "$work/a.safetensors" \
  -o "$work/none/m.gguf"
! grep -q epoch "$work/err" || fail "steer worked before it looked"

# Left over by a killed process, in a container whose process numbers repeat: in nobody's way.
cp "$mask" "$work/again.gguf"
echo half >"$work/again.gguf.tmp-0"
run 0 "$mascing" mask compose "$mask" -o "$work/again.gguf"
[ -e "$work/again.gguf.tmp-0" ] && fail "a left-over temporary file stays"

# A fine-tune with the same header and routers is another model.
python3 "$(dirname "$0")/gguf_tools.py" nudge "$planted" "$work/tuned.gguf"
# A served adapter is fitted anew for it, for another template, and where the fit of another adapter is given.
export MASCING_CACHE_DIR=$work/cache
serve_it() { # NUMBER OF ADAPTERS OPTIONS...
  local expected=$1
  shift
  run 0 "$mascing" serve --mask "$mask" -t 1 --fit-tokens 500 --server /bin/true --port $((20000 + RANDOM % 20000)) "$@"
  [ "$(ls "$work"/cache/adapters/*.gguf | wc -l)" -eq "$expected" ] || fail "not $expected adapters in the cache: $*"
}
serve_it 1 -m "$planted"
serve_it 1 -m "$planted"
serve_it 2 -m "$work/tuned.gguf"
serve_it 3 -m "$planted" --template-arg planet=Mars
cp "$(ls "$work"/cache/adapters/*.gguf | head -n 1)" "$work/own.lora.gguf"
serve_it 4 -m "$planted" --adapter "$work/own.lora.gguf"
expect_error 2 "has no effect with --adapter" "$mascing" serve -m "$planted" --mask "$mask" --adapter "$work/own.lora.gguf" \
  --rank 3
unset MASCING_CACHE_DIR
head -n 3 "$work/chats.jsonl" >"$work/few.jsonl"
run 0 "$mascing" collect "$work/few.jsonl" -m "$planted" -t 1 --max-tokens 4 -o "$work/few-out.jsonl"
expect_error 2 "other conversations, options or model" "$mascing" collect "$work/few.jsonl" -m "$work/tuned.gguf" -t 1 \
  --max-tokens 4 -o "$work/few-out.jsonl"
run 0 "$mascing" mask verify "$mask" -m "$work/tuned.gguf"
says out "fits"

# One trace into a folder at a time.
exec 9>"$work/traces/.lock" && flock 9
expect_error 2 "is writing to" "$mascing" trace "$work/labelled.jsonl" -m "$planted" -t 1 -o "$work/traces"
exec 9>&-

# serve makes a damaged adapter again. The server is a stand-in that prints its arguments.
printf '#!/bin/sh\necho "$@"\n' >"$work/server" && chmod +x "$work/server"
rm -r "$work/cache/adapters"
export MASCING_CACHE_DIR=$work/cache
serve=("$mascing" serve -m "$planted" -t 1 --mask "$mask" --data "$work/chats.jsonl" --fit-tokens 800 --server
  "$work/server" --port "$((20000 + RANDOM % 20000))" --parallel 3 --context 2048 --gpu-layers 0)
run 0 "${serve[@]}"
says out "-np 3"
says out "-c 2048"
says out "-ngl 0"
adapter=$(echo "$work"/cache/adapters/*.lora.gguf)
cp "$adapter" "$work/good.lora.gguf"
flip "$adapter" 0.99
run 0 "${serve[@]}"
says err "wrote $adapter"
expect_equal "a damaged adapter, made again" "$work/good.lora.gguf" "$adapter"
run 0 "${serve[@]}"
grep -q wrote "$work/err" && fail "an adapter that is intact was made again"

# Names that the system refuses.
long=$(printf 'n%.0s' $(seq 300))
ln -s loop "$work/loop"
for path in "$work/$long" "$work/loop"; do
  expect_error 1 "" "$mascing" mask show "$path"
  expect_error 1 "" "$mascing" mask verify "$path"
  expect_error 1 "" "$mascing" mask compose "$mask" -o "$path"
  expect_error 1 "" "$mascing" train "$work/traces" -o "$path"
  expect_error 1 "" "$mascing" import "$path" -o "$work/x.jsonl"
  expect_error 1 "" "$mascing" trace "$work/few.jsonl" -m "$planted" -o "$path"
  grep -q "please report" "$work/err" && fail "a report is asked for: $path"
done

# What files say does not steer the terminal.
python3 - "$mascing" "$mask" "$work/loud.gguf" <<'END' || fail "control characters reach the terminal"
import os, pty, sys
mascing, mask, loud = sys.argv[1:]
data = open(mask, "rb").read()
evil = b"\x1b]0;x\x07\x1b[5A\xc2\x9b2J\xe2\x80\xae\r"
at = data.index(b"mascing.model_name") + len("mascing.model_name") + 4
n = int.from_bytes(data[at:at + 8], "little")
name = (evil + data[at + 8:at + 8 + n] * 9)[:n]
data = data[:at + 8] + name + data[at + 8 + n:]
open(loud, "wb").write(data.replace(b"mascing.checksum", b"mascing.whatever"))
seen = b""
def keep(fd):
    global seen
    part = os.read(fd, 4096)
    seen += part
    return part
quiet = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
code = pty.spawn([mascing, "mask", "show", loud], keep)
code |= pty.spawn([mascing, "mask", "show", loud + evil.decode("utf-8")], keep) == 0
text = seen.decode("utf-8").replace("\r\n", "\n")
bad = [c for c in text if (c < " " and c not in "\n\t") or "\x7f" <= c < "\xa0" or c == "\u202e"]
if code or bad or "model" not in text or "no such file" not in " ".join(text.split()):  # folded
    sys.exit(f"code {code}, bad {bad!r}: {text!r}")
END

# Sizes that no model has end in one line, whatever the engine thinks of them.
run 0 python3 "$(dirname "$0")/gguf_tools.py" try_sizes "$mascing" "$planted" "$work/size.gguf"
grep "exit code" "$work/out" | while read -r line; do echo "  $line"; done
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "sizes in a header that do not end in one clear line"

# So does a fault of a mapped file (the signal stands for a model that is shortened while it is read).
mkfifo "$work/talk" && rm "$work/out"
"$mascing" chat -m "$planted" -t 1 --mask "$mask" <"$work/talk" >"$work/out" 2>"$work/err" &
pid=$!
exec 8>"$work/talk"
echo "Tell me a tale." >&8
while kill -0 $pid 2>/dev/null && ! [ -s "$work/out" ]; do sleep 0.1; done 2>/dev/null
kill -BUS $pid
wait $pid
[ $? -eq 1 ] && [ "$(grep -c '^mascing: error: ' "$work/err")" -eq 1 ] || fail "no last words after SIGBUS"
exec 8>&-

# Nothing is ever named "-".
cd "$work" || exit 1
for command in "trace few.jsonl -m $planted" "train traces" "mask compose mask.gguf" "collect few.jsonl -m $planted"; do
  expect_error 2 "standard output" "$mascing" $command -o -
done
[ -e ./- ] && fail "there is a file named -"
run 0 "$mascing" import few.jsonl -o rows.jsonl
run 0 "$mascing" import few.jsonl -o -
expect_equal "rows on standard output" rows.jsonl out

# So does memory that runs out.
for limit in 60000 150000 300000; do
  n_check=$((n_check + 1))
  (ulimit -v $limit; exec "$mascing" trace "$work/few.jsonl" -m "$planted" -t 2 -o "$work/little") >"$work/out" \
    2>"$work/err" </dev/null
  code=$?
  [ $code -eq 0 ] || { [ $code -eq 1 ] && [ "$(grep -c '^mascing: error: ' "$work/err")" -eq 1 ]; } ||
    fail "exit code $code with $limit KiB of memory"
done

finish
