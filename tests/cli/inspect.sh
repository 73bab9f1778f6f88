#!/bin/bash
# `mascing inspect` on small random models of several architectures; $4 is mascing-zoo.
. "$(dirname "$0")/common.sh" "$@"
export MALLOC_PERTURB_=165
zoo=$4
run 0 "$zoo" write "$work" gpt-oss deepseek2 deepseek4-hash llama4
[ "$("$zoo" list | wc -l)" -ge 50 ] || fail "the zoo has lost most of its models"
expect_nothing() { [ -e "$1" ] && fail "$1 was written"; }
"$zoo" write "$work" no-such-model >/dev/null 2>&1 && fail "mascing-zoo wrote a model it does not know"
expect_nothing "$work/no-such-model.gguf"

run 0 "$mascing" inspect "$work/gpt-oss.gguf"
says out "router bias   4 layers"
says out "gating        softmax_weight"
says out "all 4 MoE layers (32 entries), verified by a dry forward pass"
run 0 "$mascing" inspect --no-probe "$work/deepseek2.gguf"
says out "leading dense 1"
says out "1 shared"
says out "groups        4, 2 used per token"
says out "gating        sigmoid"
says out "choice bias   3 layers"
says out "not probed"
run 0 "$mascing" inspect "$work/llama4.gguf"
says out "2 with a router (MoE): 1, 3"
run 0 "$mascing" inspect "$work/deepseek4-hash.gguf"
says out "3 of 4 MoE layers"
says out "block 0: not steered: its experts are selected by token id"
run 0 "$mascing" inspect --json --probe "$work/deepseek4-hash.gguf"
python3 - "$work/out" <<'END' || fail "the JSON does not say what the text says"
import json, sys
model = json.load(open(sys.argv[1]))
assert model["gating"] == "sqrt_softplus" and model["is_chosen_by_token"] == [True, False, False, False]
assert [layer["is_steered"] for layer in model["layers"]] == [False, True, True, True]
assert all(layer["is_traced"] for layer in model["layers"]) and "token" in model["layers"][0]["reason"]
END
expect_error 2 "--probe" "$mascing" inspect --probe --no-probe "$planted"
finish
