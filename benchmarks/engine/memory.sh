#!/usr/bin/env bash
# Peak memory and time of training and steering as the number of conversations grows, with 24 layers of 32 experts. The
# time is that of one epoch after the first.
#
#   benchmarks/engine/memory.sh ENGINE_BENCH FOLDER [NUMBER OF CONVERSATIONS...]
set -euo pipefail

engine_bench=$1
folder=$2/memory
shift 2
[ $# -gt 0 ] || set -- 1000 10000 100000
echo "| conversations | tokens | store, MB | train: peak RSS MB, user s/epoch | steer: peak RSS MB, user s/epoch |"
echo "| --- | --- | --- | --- | --- |"
for n in "$@"; do
  mkdir -p "$folder"
  "$engine_bench" data "$folder" --layers 24 --experts 32 --traces "$n" --epochs 1 >/dev/null
  size=$(du -sm "$folder/traces" | cut -f 1)
  "$engine_bench" train "$folder" --epochs 2 >"$folder/train.json"
  "$engine_bench" steer "$folder" --epochs 2 >"$folder/steer.json"
  python3 - "$n" "$size" "$folder/train.json" "$folder/steer.json" <<'END'
import json, sys
train, steer = (json.load(open(path)) for path in sys.argv[3:])
print(f"| {sys.argv[1]} | {train['n_token']} | {sys.argv[2]} | {train['peak_rss_mb']:.0f}, {train['user_s'][0]:.2f} | "
      f"{steer['peak_rss_mb']:.0f}, {steer['user_s'][0]:.2f} |")
END
  rm -r "$folder"
done
