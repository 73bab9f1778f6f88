#!/usr/bin/env bash
# Makes the packages: a tarball that runs wherever it is unpacked and a .deb, with their SHA-256, into
# build-package/packages/. libllama is built once for any x86-64 processor (some minutes, kept in ~/.cache/mascing).
#
#   scripts/package.sh [JOBS]
#
# The same source gives the same dates: those of the last commit, or of SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${1:-$(nproc)}
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
fi
export SOURCE_DATE_EPOCH
scripts/configure.sh package
cmake --build --preset package --parallel "$jobs" --target mascing
rm -rf build-package/packages
(cd build-package && cpack --config CPackConfig.cmake)
rm -rf build-package/packages/_CPack_Packages
ls -l build-package/packages
