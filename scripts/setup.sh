#!/usr/bin/env bash
# Installs what Debian 12 / Ubuntu 24.04 lack to build mascing. Says nothing and touches nothing if all is there.
#
#   scripts/setup.sh build      compiler, CMake, libraries, python3 for tests and results: what most targets need (default)
#   scripts/setup.sh test       the same and clang-format, clang-tidy, GNU parallel: what `make lint` and CI need
#   scripts/setup.sh web        as build, and Chromium with a font: what `make test` needs to look at report.html (300 MB;
#                               on Ubuntu, whose Chromium is a snap, that test is skipped instead)
#   scripts/setup.sh coverage   as build, and gcovr: what `make coverage` needs
#   scripts/setup.sh package    as build, and what `make package` and `make package-check` need: dpkg-dev, debootstrap, lintian,
#                               file, qemu-user-static
#   scripts/setup.sh fuzz       as build, and clang with libFuzzer: what `make fuzz` needs
#   scripts/setup.sh zoo        as build, and PyTorch, SentencePiece, OpenBLAS: what `make zoo` needs (some 500 MB)
#
# It says what it installs before it starts, and never removes a package to do so. Anyone but root installs with sudo and is
# asked first; MASCING_YES=1 (or CI, which CI services set) answers yes. Without a terminal to ask on, one of these must be
# set.
set -euo pipefail

# Of the system's package clang.
version_of_clang() {
  grep -qs '^VERSION_CODENAME=noble' /etc/os-release && echo 18 || echo 14
}

group=${1:-build}
packages=(g++ cmake ninja-build git ca-certificates libssl-dev libeigen3-dev nlohmann-json3-dev libcli11-dev
          libtomlplusplus-dev libcurl4-openssl-dev libedit-dev libgtest-dev libgmock-dev pkg-config python3)
case $group in
  build) ;;
  test) packages+=(clang-format clang-tidy parallel) ;;
  web) ! grep -qs '^ID=debian' /etc/os-release || packages+=(chromium fonts-dejavu-core) ;;
  package) packages+=(dpkg-dev debootstrap lintian file qemu-user-static) ;;
  fuzz) packages+=(clang llvm "libclang-rt-$(version_of_clang)-dev") ;;
  coverage) packages+=(gcovr) ;;
  zoo) packages+=(python3-torch python3-numpy python3-sentencepiece libopenblas0-pthread) ;;
  *)
    echo "setup: error: unknown group '$group', expected build, test, web, coverage, package, fuzz or zoo" >&2
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
# CMake takes curl with any of the libraries for TLS, and their packages exclude each other.
if is_installed libcurl4-gnutls-dev || is_installed libcurl4-nss-dev; then
  for i in "${!missing[@]}"; do
    [ "${missing[$i]}" != libcurl4-openssl-dev ] || unset "missing[$i]"
  done
fi
# NodeSource's nodejs brings npm itself and conflicts with Debian's npm: the command decides, not the package.
# It fetches llama.cpp and what report.html is made of; with a source at hand the build does without both.
if [ "$group" != build ] || [ -z "${MASCING_LLAMA_SOURCE:-}" ]; then
  command -v npm >/dev/null || missing+=(npm)
fi
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"

# Only root goes on without a yes.
may_use_sudo() {
  local answer=
  if [ -n "${MASCING_YES:-}" ] || [ -n "${CI:-}" ]; then
    return 0
  fi
  if [ ! -t 0 ] || [ ! -t 2 ]; then
    echo "setup: error: there is no terminal to ask on; set MASCING_YES=1 to agree, or run as root:" >&2
    echo "  $by_hand" >&2
    return 1
  fi
  read -r -p "setup: go on? [y/N] " answer || true
  case $answer in
    y | Y | yes) return 0 ;;
  esac
  echo "setup: error: nothing was installed; to do it by hand, run as root:" >&2
  echo "  $by_hand" >&2
  return 1
}

as_root=()
if [ "$(id -u)" -eq 0 ]; then
  echo "setup: installing ${missing[*]}" >&2
else
  if ! command -v sudo >/dev/null; then
    echo "setup: error: not root, and there is no sudo; ask your administrator to run:" >&2
    echo "  $by_hand" >&2
    exit 1
  fi
  echo "setup: mascing needs packages that are missing here; this will run apt-get with sudo to install" >&2
  echo "  ${missing[*]}" >&2
  may_use_sudo || exit 1
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 \
      --no-install-recommends --no-remove install "${missing[@]}"
}
if ! install >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "setup: error: apt-get failed (see above)" >&2
  exit 1
fi
