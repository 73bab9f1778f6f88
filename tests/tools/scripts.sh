#!/bin/bash
# What makes the tree ready, with stand-ins for the programs that it calls: `scripts.sh REPOSITORY`. An interrupted or foreign
# set-up is done anew, nothing is installed without a yes, and what failed is reported as failed.
. "$(dirname "$0")/../cli/common.sh" none none
repository=$1
fakes=$work/fakes
tree="$work/a tree"
mkdir -p "$fakes" "$tree/scripts" "$tree/src" "$tree/include"
unset MASCING_YES CI MASCING_LLAMA_SOURCE

# fake NAME LINE...: a program that notes how it was called, then does what the lines say.
fake() {
  local name=$1
  shift
  { echo '#!/bin/bash'; echo "echo \"$name \$*\" >>'$work/calls'"; printf '%s\n' "$@"; } >"$fakes/$name"
  chmod +x "$fakes/$name"
}

# calls N PATTERN: how often the stand-ins were called like this since the last time.
calls() {
  local n
  n_check=$((n_check + 1))
  n=$(grep -c -- "$2" "$work/calls" 2>/dev/null)
  [ "${n:-0}" -eq "$1" ] || fail "called ${n:-0} times, expected $1: $2"
  : >"$work/calls"
}
with_fakes() { PATH=$fakes:$PATH "$@"; }

# configure.sh: once for a folder; again where the folder came with another tree, or a program was missing.
cp "$repository/scripts/configure.sh" "$tree/scripts/"
fake cmake 'mkdir -p build && touch build/build.ninja && echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" >build/CMakeCache.txt'
configure() { run "$1" with_fakes "$tree/scripts/configure.sh" release; }
configure 0
calls 1 '^cmake --preset release$'
configure 0
calls 0 cmake
ln -s "$tree" "$work/a link"
run 0 with_fakes "$work/a link/scripts/configure.sh" release
calls 0 cmake
echo 'MASCING_NPM:FILEPATH=MASCING_NPM-NOTFOUND' >>"$tree/build/CMakeCache.txt"
configure 0
calls 1 '^cmake --preset release$'
rm "$tree/build/build.ninja" # an interrupted configuration
configure 0
calls 1 '^cmake --preset release$'
mkdir "$tree/build/CMakeFiles"
sed -i 's/^CMAKE_HOME_DIRECTORY.*/CMAKE_HOME_DIRECTORY:INTERNAL=\/another\/tree/' "$tree/build/CMakeCache.txt"
configure 0
says err "belongs to /another/tree"
calls 1 '^cmake --preset release$'
[ ! -e "$tree/build/CMakeFiles" ] || fail "files of the other tree's configuration stay"
fake cmake 'exit 3'
rm -r "$tree/build"
configure 3

# setup.sh: silent where all is there; installs what is missing, removes nothing, and says when it failed.
setup() {
  local code=$1
  shift
  : >"$work/calls"
  run "$code" with_fakes bash "$repository/scripts/setup.sh" "$@"
}
fake npm
fake id 'echo 0'
fake sudo '"$@"'
fake apt-get
fake dpkg-query 'echo installed'
setup 0 build
[ ! -s "$work/out" ] && [ ! -s "$work/err" ] || fail "setup.sh says something though nothing is missing"
calls 0 apt-get
setup 2 buidl
says err "unknown group 'buidl'"
fake dpkg-query 'case $* in *ninja-build) exit 1 ;; esac' 'echo installed'
setup 0 build
says err "installing ninja-build"
calls 1 '^apt-get .*--no-remove install ninja-build$'
fake dpkg-query 'case $* in *libcurl4-openssl-dev) exit 1 ;; esac' 'echo installed'
setup 0 build # another libcurl is there, which the first would replace
calls 0 apt-get
fake dpkg-query 'case $* in *libcurl4-*) exit 1 ;; esac' 'echo installed'
setup 0 build
calls 1 'install libcurl4-openssl-dev$'
fake apt-get 'echo "E: no such mirror"; exit 100'
setup 1 build
says err "no such mirror"
says err "apt-get failed"
fake apt-get
fake id 'echo 1000'
setup 1 build # nobody to ask
says err "MASCING_YES=1"
calls 0 '^sudo\|^apt-get'
MASCING_YES=1 setup 0 build
calls 1 '^sudo .*--no-remove install'

# lint.sh: a clang-tidy that is killed and says nothing has passed no file.
cp "$repository/scripts/lint.sh" "$tree/scripts/"
: >"$tree/.clang-tidy"
echo 'int x;' >"$tree/src/a.cpp"
fake shellcheck
fake cmake 'mkdir -p build-lint && printf "[{\n  \"file\": \"%s/src/a.cpp\"\n}]\n" "$PWD" >build-lint/compile_commands.json'
lint() { run "$1" with_fakes "$tree/scripts/lint.sh" 1; }
for way in 'exit 137' 'echo "2 warnings generated."; exit 1' 'echo "a.cpp:1:5: error: a name"; exit 1'; do
  fake clang-tidy '[ "$1" = --version ] && exit' "$way"
  lint 1
  says err "lint: $tree/src/a.cpp"
  : >"$work/calls"
done
fake clang-tidy
lint 0
calls 1 '^clang-tidy .*a.cpp$'
lint 0
calls 0 '^clang-tidy .*a.cpp$'

# format.sh: without git's list of files there is nothing to check, which is no success.
cp "$repository/scripts/format.sh" "$tree/scripts/"
fake clang-format
fake git 'exit 128'
run 1 with_fakes "$tree/scripts/format.sh" --check
says err "git knows no C++ files"
fake git 'printf "src/a.cpp\0"'
run 0 with_fakes "$tree/scripts/format.sh" --check
calls 1 '^clang-format --dry-run -Werror .*src/a.cpp$'

# package_check.sh: without packages it says how they are made.
run 2 bash "$repository/scripts/package_check.sh" "$work/nowhere"
says err "make package"

# make help: every target, with what a bare Debian has.
mkdir "$work/bare"
for program in sh sed awk; do
  ln -s "$(command -v $program)" "$work/bare/$program"
done
make=$(command -v make)
if [ -n "$make" ]; then
  run 0 env PATH="$work/bare" "$make" -C "$repository" --no-print-directory help
  for target in $(sed -n 's/^\.PHONY: //p' "$repository/Makefile"); do
    n_check=$((n_check + 1))
    grep -q "^make $target  *." "$work/out" || fail "make help does not explain $target"
  done
fi

# Tables of nothing: the page stays as it was.
mkdir "$work/none"
printf '%s\n' '<!-- table:begin -->' 'rows' '<!-- table:end -->' >"$work/page.md"
cp "$work/page.md" "$work/before.md"
for table in architectures gradients; do
  run 1 python3 "$repository/tools/${table}_table.py" "$work/none" "$work/page.md" "$work/page.md"
  says err "no rows"
  expect_equal "a table of nothing" "$work/page.md" "$work/before.md"
done
finish
