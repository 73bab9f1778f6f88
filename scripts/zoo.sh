#!/usr/bin/env bash
# Trains a model of the zoo and ships it: its file in models/zoo, its parity fixture, its card. Goes on where it stopped.
#
#   scripts/zoo.sh MODEL [OPTION_OF_MAKE_ZOO]...
set -euo pipefail
cd "$(dirname "$0")/.."

model=$1
shift
# Debian's PyTorch belongs to Debian's Python, whatever else is called python3 here.
python=${ZOO_PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import torch, sentencepiece' 2>/dev/null; then
  echo "zoo: error: $python has no torch or no sentencepiece; scripts/setup.sh zoo installs Debian's, or set ZOO_PYTHON" >&2
  exit 1
fi
OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-$(nproc)} exec "$python" -u tools/demo/zoo/make_zoo.py "$model" --threads "$(nproc)" "$@"
