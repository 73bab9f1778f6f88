#!/bin/bash
# `mascing chat` fed from a pipe: base and steered, commands, mistakes.
. "$(dirname "$0")/common.sh" "$@"
write_scenario "$work/tiny.toml"
write_mask
chat=("$mascing" chat -m "$planted" -t 1 --max-tokens 12)

# talk CODE LINES OPTIONS...: pipes the lines to the chat.
talk() {
  local expected=$1 lines=$2 code
  shift 2
  n_check=$((n_check + 1))
  printf '%b' "$lines" | "${chat[@]}" "$@" >"$work/out" 2>"$work/err"
  code=$?
  [ "$code" -eq "$expected" ] || fail "exit code $code, expected $expected: chat $*"
}

talk 0 'Good day to you.\n/reset\n/alpha 0\nGood day to you.\n' --mask "$work/mask.gguf=1"
[ "$(grep -c '^> Good day to you.' "$work/out")" -eq 2 ] || fail "not both questions are repeated"
[ "$(grep -c '^base$' "$work/out")" -eq 2 ] || fail "not two base replies"
says out "steered, alpha 1.00"
says out "steered, alpha 0.00"
says out "(identical)"
says err "mask.gguf at alpha 0.00"

# Each line of --json is an object; the conversation continues until /reset.
talk 0 'Tell me of the mill.\nAnd then?\n/reset\nTell me of the mill.\n/again\n//help\n' --mask "$work/mask.gguf=1" --json
python3 - "$work/out" <<'END' || fail "--json: not as expected"
import json, sys
turns = [json.loads(line) for line in open(sys.argv[1])]
assert [turn["user"] for turn in turns] == ["Tell me of the mill.", "And then?", "Tell me of the mill.", "Tell me of the mill.", "/help"], turns
assert turns[0]["base"] == turns[2]["base"] == turns[3]["base"]
assert turns[0]["steered"] == turns[2]["steered"] == turns[3]["steered"]
assert all(0 < turn[side]["tokens"] <= 12 for turn in turns for side in ("base", "steered"))
assert any(turn["base"] != turn["steered"] for turn in turns), "the mask does nothing"
assert turns[0]["masks"] == [{"file": turns[0]["masks"][0]["file"], "alpha": 1.0}]
END

# Strength 0 gives the unsteered model, bit for bit. /mask replaces the masks.
talk 0 'Tell me of the mill.\n' --mask "$work/mask.gguf=0" --json
python3 -c 'import json,sys
turn = json.loads(open(sys.argv[1]).readline())
assert turn["base"] == turn["steered"]' "$work/out" || fail "alpha 0 is not the base"
talk 0 "/mask $work/mask.gguf=0.5 $work/mask.gguf=0.25\nhello\n/system Speak of mills.\n/quit\nnever said\n" --mask "$work/mask.gguf"
says out "steered, alpha 0.50 + 0.25"
says err "System message set"
grep -q "never said" "$work/out" && fail "/quit does not end the chat"

# Side by side where there is room.
talk 0 'hello\n' --mask "$work/mask.gguf=0" --width 100
grep -qE '^base +\| steered, alpha 0.00' "$work/out" || fail "no columns at width 100"
talk 0 '\n\n' --mask "$work/mask.gguf"
[ -s "$work/out" ] && fail "empty lines were answered"

# On a terminal the words that only one reply has are underlined in colour, each on its side; in a pipe nothing is.
talk 0 'Tell me of the mill.\n' --mask "$work/mask.gguf=1"
cp "$work/out" "$work/plain"
python3 - "$work/plain" "${chat[@]}" --mask "$work/mask.gguf=1" --width 80 <<'END' || fail "no words are marked on a terminal"
import os, pty, re, subprocess, sys
ours, its = pty.openpty()
program = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=its, stderr=subprocess.DEVNULL,
                           env={name: value for name, value in os.environ.items() if name != "NO_COLOR"})
os.close(its)
program.stdin.write(b"Tell me of the mill.\n")
program.stdin.close()
said = b""
try:
    while piece := os.read(ours, 4096):
        said += piece
except OSError:
    pass  # the other end is closed
assert program.wait() == 0
text = said.decode().replace("\r\n", "\n")
base, steered = text.split("steered, alpha", 1)
assert "\x1b[31m\x1b[4m" in base and "\x1b[32m" not in base, text
assert "\x1b[32m\x1b[4m" in steered and "\x1b[31m" not in steered, text
plain = open(sys.argv[1]).read()
assert "\x1b" not in plain and re.sub("\x1b\\[[0-9]+m", "", text) == plain, (text, plain)
END

# Mistakes in a script end it; each message says what is valid.
talk 2 '/alhpa 1\n' --mask "$work/mask.gguf"
says err "did you mean /alpha?"
talk 2 '/alpha much\n' --mask "$work/mask.gguf"
says err '"much" is not a valid strength'
talk 2 '/again\n' --mask "$work/mask.gguf"
says err "there is no previous question"
talk 1 '/mask none.gguf\n' --mask "$work/mask.gguf"
says err "none.gguf"
talk 1 "$(printf 'word %.0s' $(seq 3000))\n" --mask "$work/mask.gguf"
says err "start a new conversation with /reset"
expect_error 2 "--mask" "$mascing" chat -m "$planted"
expect_error 1 "(planted)" "$mascing" chat -m "$natural" -t 1 --mask "$work/mask.gguf"
finish
