#!/bin/bash
# Where llama.cpp's source may come from: `llama_source.sh CMAKE SCRIPT PINNED` with the script cmake/llama_source.cmake and
# the folder of the pinned source. A folder and an archive of it are taken; one that differs in a byte, lacks or adds a
# file, or is no llama.cpp, is refused with its hash and a hint.
. "$(dirname "$0")/../cli/common.sh" none none
cmake=$1
script=$2
pinned=$3

take() {
  rm -rf "$work/into"
  mkdir "$work/into"
  run "$1" "$cmake" -DSOURCE="$2" -DINTO="$work/into" -P "$script"
}

refused() {
  take 1 "$1"
  says err "is not llama.cpp v"
  says err "SHA-256"
  says err "MASCING_LLAMA_UNPINNED"
  [ ! -e "$work/into/source" ] || fail "refused source was left behind"
}

take 0 "$pinned"
[ -s "$work/into/source/include/llama.h" ] || fail "the folder's files are not there"

copy=$work/llama.cpp-copy
mkdir "$copy"
cp -r "$pinned"/{CMakeLists.txt,LICENSE,cmake,common,ggml,include,licenses,src,tools,vendor} "$copy"
mkdir "$copy/models"
cp -r "$pinned/models/templates" "$copy/models"
tar -C "$work" -czf "$work/release.tar.gz" "$(basename "$copy")"
take 0 "$work/release.tar.gz"
cmp -s "$work/into/source/src/llama.cpp" "$pinned/src/llama.cpp" || fail "the archive's files are not there"
[ ! -e "$work/into/unpacked" ] || fail "the unpacked archive was left behind"

# One byte, one file less, one file more.
printf ' ' >>"$copy/src/llama.cpp"
refused "$copy"
tar -C "$work" -czf "$work/changed.tar.gz" "$(basename "$copy")"
take 1 "$work/changed.tar.gz"
says err "is not llama.cpp v"
cp "$pinned/src/llama.cpp" "$copy/src/llama.cpp"
rm "$copy/vendor/cpp-httplib/httplib.cpp"
refused "$copy"
cp "$pinned/vendor/cpp-httplib/httplib.cpp" "$copy/vendor/cpp-httplib/"
echo 'int more() { return 1; }' >"$copy/ggml/src/more.cpp"
refused "$copy"
rm "$copy/ggml/src/more.cpp"
take 0 "$copy"

# Not llama.cpp, not an archive, not there.
take 1 "$work"
says err "holds no llama.cpp"
echo "once upon a time" >"$work/tale.tar.gz"
take 1 "$work/tale.tar.gz"
says err "unpacking"
says err "hint"
take 1 "$work/nowhere"
says err "does not exist"
finish
