#!/usr/bin/env bash
# Installs what Debian 12 / Ubuntu 24.04 lack to build mascing. Says nothing and touches nothing if all is there.
#
#   scripts/setup.sh build    compiler, CMake, libraries, python3 for tests and results: what most targets need (default)
#   scripts/setup.sh test     the same and clang-format, clang-tidy, GNU parallel: what `make lint` and CI need
set -euo pipefail

group=${1:-build}
packages=(g++ cmake ninja-build git ca-certificates libssl-dev libeigen3-dev nlohmann-json3-dev libcli11-dev
          libtomlplusplus-dev libcurl4-openssl-dev libgtest-dev libgmock-dev pkg-config python3)
case $group in
  build) ;;
  test) packages+=(clang-format clang-tidy parallel) ;;
  *)
    echo "setup: error: unknown group '$group', expected build or test" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  cat >&2 <<END
setup: this is not Debian or Ubuntu, so nothing was installed. mascing needs, under the names of your system:
  ${packages[*]} npm
END
  exit 0
fi

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
# NodeSource's nodejs brings npm itself and conflicts with Debian's npm: the command decides, not the package.
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: error: not root, and there is no sudo; ask your administrator for: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "setup: installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 \
      --no-install-recommends install "${missing[@]}"
}
if ! install >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "setup: error: apt-get failed (see above)" >&2
  exit 1
fi
