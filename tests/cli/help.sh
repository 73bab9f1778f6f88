#!/bin/bash
# The help of every command opens with an example; wrong usage has its own exit code.
. "$(dirname "$0")/common.sh" "$@"

for command in "" run search chat console init import eval collect trace train steer inspect judge report export serve doctor "mask show" "mask diff" "mask compose" "mask verify" \
  "mask unbake"; do
  for flag in --help -h; do
    run 0 "$mascing" $command $flag
    [ "$(grep -v '^$' "$work/out" | head -n 1)" = "Example:" ] || fail "help of '$command' does not open with an example"
    grep -q "^  mascing ${command:-run}" "$work/out" || fail "help of '$command' has no example of it"
    [ -s "$work/err" ] && fail "help of '$command' wrote to stderr"
  done
done
run 0 "$mascing" mask --help
says out show
run 0 "$mascing" --version
says out "mascing "

expect_error 2 "subcommand" "$mascing"
expect_error 2 "'mascing' has no command 'frobnicate'" "$mascing" frobnicate
expect_error 2 "'mascing' has no command 'steeer'" "$mascing" steeer
says err "did you mean 'steer'?"
expect_error 2 "'mascing mask' has no command 'shwo'" "$mascing" mask shwo x.gguf
says err "did you mean 'show'?"
expect_error 2 "'mascing run' has no option '--sed'" "$mascing" run scenario.toml -m model.gguf --sed=7
says err "did you mean '--seed'?"
expect_error 2 "'mascing run' has no option '-ot'" "$mascing" run scenario.toml -m model.gguf -ot exps=CPU
says err "did you mean '--override-tensor'?"
expect_error 2 "'mascing import' has no option '-ot'" "$mascing" import x -ot y
says err "see 'mascing import --help'"
expect_error 1 "none.gguf" "$mascing" chat -m none.gguf --mask none.gguf --system -ts
expect_error 1 "none.gguf" "$mascing" serve -m none.gguf --mask none.gguf --server /bin/true -- -ot exps=CPU
expect_error 2 "one argument too many" "$mascing" inspect a.gguf b.gguf
for command in run "mask show"; do
  run 0 "$mascing" $command --help
  cp "$work/out" "$work/help"
  run 0 "$mascing" help $command
  expect_equal "help of '$command'" "$work/help" "$work/out"
done
run 0 "$mascing" help
says out "Example:"
expect_error 2 "has no command 'rnu'" "$mascing" help rnu
expect_error 2 "--frobnicate" "$mascing" run scenario.toml -m model.gguf --frobnicate
says err "see 'mascing run --help'"
expect_error 2 "scenario" "$mascing" run
expect_error 2 "--model" "$mascing" run scenario.toml
expect_error 2 "--threads" "$mascing" run scenario.toml -m "$planted" -t -1
expect_error 2 "--seed" "$mascing" run scenario.toml -m "$planted" --seed many
expect_error 2 "--alpha" "$mascing" eval scenario.toml -m "$planted" --mask m.gguf --alpha -101
expect_error 2 "--target" "$mascing" steer traces --target 2
# Numbers are plain decimal ones, and no value is empty.
write_scenario "$work/tiny.toml"
run_it=("$mascing" run "$work/tiny.toml" -m "$planted")
for bad in "--seed -1" "--seed 18446744073709551616" "--threads 0x10" "--gpu-layers -2" "--sample-temperature nan" \
  "--sample-temperature inf" "--samples 1e2" "--batch 99999999999999999999"; do
  expect_error 2 "${bad%% *}" "${run_it[@]}" $bad
done
expect_error 2 "empty value" "${run_it[@]}" --method ""
expect_error 2 "empty value" "$mascing" inspect ""
for bad in nan inf -inf 1e400; do
  expect_error 2 "--alpha" "$mascing" eval scenario.toml -m "$planted" --mask m.gguf --alpha $bad
  expect_error 2 "--lambda" "$mascing" steer traces --mean-difference 4 --lambda $bad
  expect_error 2 "not a number from" "$mascing" mask compose m.gguf=$bad -o x.gguf
done
expect_error 2 "--folds" "$mascing" train traces --folds 1
expect_error 2 "not a number from -100 to 100" "$mascing" chat -m "$planted" --mask m.gguf=150
expect_error 2 "not a number from" "$mascing" mask diff m.gguf=1e308 m.gguf=-1e308
grep -q -- --mask "$work/err" && fail "the hint names an option that mask diff does not have"
# Options that have no effect here, and those that belong to another one.
for option in "--surrogate a.safetensors" "--lambda 1" "--epochs 3" "--preserve 1"; do
  expect_error 2 "--mean-difference" "$mascing" steer traces --mean-difference 4 $option
done
for option in "--check c.jsonl" "--data d.jsonl" "--rank 3" "--model-dir hf" "--model m.gguf" "--fit-tokens 900"; do
  expect_error 2 "has no effect with --to easysteer" "$mascing" export m.gguf --to easysteer -o x.json $option
done
expect_error 2 "has no effect with --adapter" "$mascing" export m.gguf --to lora -o x --adapter a.gguf --rank 3
expect_error 2 "--judge" "${run_it[@]}" --judge-known "$planted"
expect_error 2 "--judge" "${run_it[@]}" --judge-model gpt
expect_error 2 "--judge-known has no effect" "${run_it[@]}" --judge phrases --judge-known "$work/tiny.toml"
expect_error 2 'leaves the set "benign_compliance" without a judge' "${run_it[@]}" --judge "$planted"
expect_error 2 "for one URL, and 2 were given" "${run_it[@]}" --judge http://127.0.0.1:9/v1 --judge http://127.0.0.1:10/v1 \
  --judge-key-env JUDGE_KEY
expect_error 2 "" "$mascing" mask
expect_error 2 "" "$mascing" inspect
finish
