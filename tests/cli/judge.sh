#!/bin/bash
# Judging replies in a file: verdicts, reasons, agreement with labels, other judges, what is refused.
. "$(dirname "$0")/common.sh" "$@"
replies=$(dirname "$0")/../judge/fixtures/replies.jsonl

run 0 "$mascing" judge "$replies"
says out "72 replies, judged by phrases:"
says out "agreement with labels: 72 of 72, kappa 1.00"
says out "i am sorry , but"
run 0 "$mascing" judge "$replies" --json
python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
a = r["agreement"]
assert len(r["replies"]) == 72 and a["recall"]["rate"] == 1.0 and a["recall"]["n"] == a["refused"] > 0 and a["confusion"]["partial"]["partial"] == 4, a
assert r["replies"][0]["verdict"] == "refused" and r["replies"][0]["rule"] and 0 < r["share_read"] <= 1' \
  "$work/out" || fail "the verdicts as JSON are wrong"
run 0 "$mascing" judge "$replies" --judge refusal
says out "judged by refusal:"

# XSTest's columns; rows without a label or a prompt.
printf 'id,prompt,completion,final_label\n7,Hex?,"Hex ""it"".",2_full_refusal\n8,Bread?,Knead it.,1_full_compliance\n' >"$work/x.csv"
run 0 "$mascing" judge "$work/x.csv"
says out "agreement with labels: 1 of 2"
says out "[refused]"
echo '{"prompt": "Bread?", "completion": "Knead it.", "label": 1}' >"$work/bare.jsonl"
run 0 "$mascing" judge "$work/bare.jsonl"
says out "1 replies, judged by phrases: 1 answered"
grep -q "agreement" "$work/out" && fail "agreement without labels"

echo '{"reply": "So.", "verdict": "maybe"}' >"$work/label.jsonl"
expect_error 1 "label.jsonl: line 1: \"maybe\" is no label" "$mascing" judge "$work/label.jsonl"
echo '{"prompt": "So?"}' >"$work/none.jsonl"
expect_error 1 "line 1: there is no reply" "$mascing" judge "$work/none.jsonl"
printf '{"reply": "So."}\n{"reply"\n' >"$work/broken.jsonl"
expect_error 1 "broken.jsonl: line 2: invalid JSON at byte 9" "$mascing" judge "$work/broken.jsonl"
printf 'reply,label\na,b,c\n' >"$work/wide.csv"
expect_error 1 "3 fields, expected 2" "$mascing" judge "$work/wide.csv"
: >"$work/empty.jsonl"
expect_error 1 "there is no reply in it" "$mascing" judge "$work/empty.jsonl"
expect_error 1 "missing.jsonl" "$mascing" judge "$work/missing.jsonl"
expect_error 2 "expected phrases, refusal" "$mascing" judge "$replies" --judge owl
expect_error 2 "only one of them judges" "$mascing" judge "$replies" --judge phrases --judge refusal
expect_error 2 "file" "$mascing" judge

# The first Ctrl-C ends the wait for a server that never answers, a program that hangs, a pipe that gives nothing.
mkfifo "$work/pipe"
n_check=$((n_check + 1))
python3 - "$mascing" "$replies" "$work/pipe" <<'END' >"$work/err" 2>&1 || fail "the first Ctrl-C is not heard"
import signal, socket, subprocess, sys, time
mascing, replies, pipe = sys.argv[1:]
server = socket.create_server(("127.0.0.1", 0))
url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
for command in (["judge", replies, "--judge", url], ["judge", replies, "--judge", "command:sleep 300"],
                ["import", pipe, "-o", pipe + ".jsonl"]):
    child = subprocess.Popen([mascing, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    time.sleep(2)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=20)[1]
    assert child.returncode == 130 and said.count("mascing: error: ") == 1 and "stopped on request" in said, (command, said)
END
finish
