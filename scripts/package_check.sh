#!/usr/bin/env bash
# Installs the packages of `make package` in bare Debian roots (debootstrap) and uses them there: the .deb as apt installs
# it, the tarball unpacked in a folder with a space in its name, without any library of the system but glibc's. In both a
# search for a mask runs from start to end on the demo model, and its mask is inspected and exported. Needs root.
#
#   scripts/package_check.sh [FOLDER_OF_PACKAGES]
#
# The bare root is kept in ~/.cache/mascing/root-bookworm.tar. With qemu-user (package qemu-user-static) the tarball also
# runs on processors that are not there: one without AVX, one with AVX2.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=${1:-build-package/packages}
if [ ! -d "$packages" ]; then
  echo "package_check: error: there is no folder $packages; make package writes it" >&2
  exit 2
fi
packages=$(cd "$packages" && pwd)
suite=bookworm
mirror=${MASCING_DEBIAN_MIRROR:-http://deb.debian.org/debian}
cache=${MASCING_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/mascing}
if [ "$(id -u)" -ne 0 ]; then
  echo "package_check: error: only root can use debootstrap and chroot" >&2
  exit 2
fi

# shellcheck source=tests/cli/common.sh disable=SC1091  # sets $work and $planted
. tests/cli/common.sh none models/demo
: "${work:?}" "${planted:?}"
set +e +o pipefail  # its functions count what fails; what the rest needs is asked for by `must`

# must COMMAND...: without it nothing more can be checked.
must() {
  "$@" || { echo "package_check: error: failed: $*" >&2; exit 1; }
}

deb=$(ls "$packages"/mascing_*.deb) || exit 1
tarball=$(ls "$packages"/mascing-*.tar.gz) || exit 1

# new_root FOLDER: a bare system, from the cache once it was made.
new_root() {
  must mkdir -p "$1" "$cache"
  if [ ! -s "$cache/root-$suite.tar" ]; then
    echo "package_check: making a bare $suite with debootstrap (once, some minutes)" >&2
    debootstrap --variant=minbase "$suite" "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
      { tail -n 20 "$work/debootstrap.log" >&2; echo "package_check: error: debootstrap failed" >&2; exit 1; }
    must tar -C "$work/base" -cf "$cache/root-$suite.tar.part" .
    must mv "$cache/root-$suite.tar.part" "$cache/root-$suite.tar"
    rm -rf "$work/base"
  fi
  must tar -C "$1" -xf "$cache/root-$suite.tar"
}

# give_demo ROOT: the planted model and a scenario of seconds, in /demo.
give_demo() {
  must mkdir -p "$1/demo"
  must cp -r "$work/tiny.toml" "$work/data" "$planted" "$1/demo/"
}

# use_it ROOT PROGRAM: what a user does first. `unshare` gives /proc and no network.
use_it() {
  local root=$1 program=$2
  inside() { unshare --mount --pid --fork --net chroot "$root" sh -c 'mount -t proc proc /proc && cd /demo && exec "$@"' sh "$@"; }
  run 0 inside "$program" --version
  says out "$(sed -n 's/^project(mascing VERSION \([0-9.]*\).*/mascing \1/p' CMakeLists.txt)"
  says out "CPU"
  run 0 inside "$program" doctor
  says out "memory"
  run 0 inside "$program" run tiny.toml -m kingdom-planted-f16.gguf -o out -t 1 --seed 0
  [ -s "$root/demo/out/mask.gguf" ] || fail "no mask was written: $root"
  [ -s "$root/demo/out/report.html" ] || fail "no report was written: $root"
  run 0 inside "$program" inspect kingdom-planted-f16.gguf
  run 0 inside "$program" mask show out/mask.gguf
  run 0 inside "$program" eval tiny.toml -m kingdom-planted-f16.gguf --mask out/mask.gguf -o again -t 1
  run 0 inside "$program" export out/mask.gguf --to gguf -m kingdom-planted-f16.gguf -o baked.gguf
  [ -s "$root/demo/baked.gguf" ] || fail "nothing was exported: $root"
}

# sound_list FOLDER: the SPDX list names every file of the package with its hash, and nothing else.
sound_list() {
  n_check=$((n_check + 1))
  python3 - "$1" <<'END' || fail "the SPDX list of $1"
import hashlib, json, pathlib, sys
root = pathlib.Path(sys.argv[1])
target = root / "share/doc/mascing/mascing.spdx.json"
document = json.loads(target.read_text())
assert document["spdxVersion"] == "SPDX-2.3"
listed = {one["fileName"]: {c["algorithm"]: c["checksumValue"] for c in one["checksums"]} for one in document["files"]}
found = {"./" + p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p != target}
assert listed.keys() == found, listed.keys() ^ found
for name, sums in listed.items():
    assert sums["SHA256"] == hashlib.sha256((root / name).read_bytes()).hexdigest(), name
names = [one["name"] for one in document["packages"]]
assert {"mascing", "llama.cpp", "libeigen3-dev", "diff"} <= set(names), names
ids = {one["SPDXID"] for one in document["packages"] + document["files"]} | {"SPDXRef-DOCUMENT"}
assert all({r["spdxElementId"], r["relatedSpdxElement"]} <= ids for r in document["relationships"])
END
}

write_scenario "$work/tiny.toml"

# No path of the machine that built them.
for package in deb tgz; do
  must mkdir -p "$work/$package"
done
must dpkg-deb -x "$deb" "$work/deb"
must tar -C "$work/tgz" -xzf "$tarball"
n_check=$((n_check + 1))
if grep -rlF -e "$PWD" -e "$HOME/" "$work/deb" "$work/tgz"; then
  fail "these files name folders of the machine that built them"
fi
sound_list "$work/deb/usr"
sound_list "$work"/tgz/*

run 0 lintian --fail-on error --no-tag-display-limit "$deb"
cat "$work/out"

# The .deb, installed as the container file does it.
root=$work/root-deb
new_root "$root"
must cp /etc/resolv.conf "$root/etc/"
must cp "$deb" "$root/tmp/mascing.deb"
must cp scripts/container.sh "$root/tmp/"
run 0 chroot "$root" sh /tmp/container.sh install /tmp/mascing.deb
give_demo "$root"
use_it "$root" mascing
run 0 chroot "$root" dpkg --remove mascing
[ ! -e "$root/usr/lib/mascing" ] || fail "the .deb leaves files behind"

# The tarball, in a root that has nothing.
root=$work/root-tgz
new_root "$root"
must mkdir -p "$root/opt/any where"
must tar -C "$root/opt/any where" -xzf "$tarball"
program=$(cd "$root" && ls -d "opt/any where"/*/bin/mascing)
give_demo "$root"
use_it "$root" "/$program"
if command -v qemu-x86_64-static >/dev/null; then
  must cp "$(command -v qemu-x86_64-static)" "$root/usr/bin/"
  for processor in qemu64 Nehalem Haswell; do
    run 0 chroot "$root" qemu-x86_64-static -cpu "$processor" "/$program" inspect /demo/kingdom-planted-f16.gguf
    run 0 chroot "$root" qemu-x86_64-static -cpu "$processor" "/$program" doctor
    grep -i -A3 'features\|processor' "$work/out" | sed "s/^/$processor: /"
  done
else
  echo "without qemu-user-static: other processors were not tried"
fi
finish
