#!/bin/bash
# What CMake fetches before it builds, with stand-ins for npm: `set_up.sh CMAKE REPOSITORY`. What was broken off, or is not
# what is pinned, is never taken for whole.
. "$(dirname "$0")/../cli/common.sh" none none
cmake=$1
repository=$2
unset MASCING_LLAMA_SOURCE MASCING_CACHE_DIR XDG_CACHE_HOME
# CMake breaks its lines where they get long.
unwrapped() { tr -s '\n ' ' ' <"$work/err" >"$work/line" && mv "$work/line" "$work/err"; }

npm() { printf '%s\n' '#!/bin/sh' "echo \"\$*\" >>'$work/calls'" "$@" >"$work/npm" && chmod +x "$work/npm"; }
calls() {
  n_check=$((n_check + 1))
  [ "$(grep -c "^$2" "$work/calls")" -eq "$1" ] || fail "npm was not called $1 times: $2"
  : >"$work/calls"
}

# web.cmake: the packages of one version, then an installation of another that is broken off, then the first again.
pages="$work/some pages"
mkdir -p "$pages/web/src"
for name in package.json .npmrc build.mjs src/a.ts; do
  : >"$pages/web/$name"
done
cat >"$pages/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(pages LANGUAGES NONE)
include("$repository/cmake/web.cmake")
message(STATUS "packages in '\${MASCING_WEB_FOLDER}'")
END
configure_pages() {
  echo "$1" >"$pages/web/package-lock.json"
  run 0 "$cmake" -S "$pages" -B "$work/pages" "-DMASCING_NPM=$work/npm" -DMASCING_NODE=node
}
npm 'exit 0'
configure_pages first
says out "packages in '$work/pages/web'"
calls 1 ci
configure_pages first
says out "packages in '$work/pages/web'"
calls 0 ci
npm 'echo "no registry" >&2; exit 1'
configure_pages second
says out "packages in ''"
says err "no registry"
unwrapped
says err "cmake $work/pages"
npm 'exit 0'
: >"$work/calls"
configure_pages first # npm removed them when it began with the second
says out "packages in '$work/pages/web'"
calls 1 ci

# llama.cpp: what the registry serves is checked before it gets its place in the cache; the error is npm's own.
cat >"$work/fetch.cmake" <<END
include("$repository/cmake/llama_source.cmake")
set(MASCING_NPM "$work/npm")
mascing_fetch_llama("$work/cache" "$work/cache/llama")
END
mkdir -p "$work/cache/llama"
npm 'for folder; do :; done; echo "half of it" >"$folder/node-llama-cpp-'"$(sed -n 's/^set(llama_package_version \(.*\))$/\1/p' \
  "$repository/cmake/llama_source.cmake")"'.tgz"'
run 1 "$cmake" -P "$work/fetch.cmake"
unwrapped
says err "expected 6e5b488a"
[ -z "$(find "$work/cache" -name '*.tgz')" ] || fail "what was refused is kept"
calls 1 'pack .*node-llama-cpp@.*/cache/llama/fetched$'
npm 'echo "npm ERR! the registry is closed" >&2; exit 1'
run 1 "$cmake" -P "$work/fetch.cmake"
says err "the registry is closed"
says err "MASCING_LLAMA_SOURCE"

# The whole tree: the variable also counts where a configuration without it has failed, and the cache has a place.
configure() {
  run 1 env "$@" "$cmake" -S "$repository" -B "$work/build" -G Ninja -DMASCING_TESTS=OFF -DMASCING_WEB=OFF "-DMASCING_NPM=$work/npm"
  unwrapped
}
configure MASCING_CACHE_DIR=here
says err "expected an absolute path"
[ ! -e "$repository/src/host/llama/here" ] || fail "the cache was made inside of the sources"
configure MASCING_CACHE_DIR= XDG_CACHE_HOME= "HOME=$work/my home"
says err "the registry is closed"
[ -d "$work/my home/.cache/mascing" ] || fail "an empty variable is a folder"
configure "HOME=$work/my home" "MASCING_LLAMA_SOURCE=$work/nowhere"
says err "$work/nowhere does not exist"
finish
