#!/bin/bash
# The installed package, used by a project that knows nothing of this source or build:
#   install.sh MASCING DEMO BUILD EXAMPLES COMPILER CONFIG
# CMake and pkg-config both build the examples against it; then the examples do what they do here.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/common.sh" "$@"
build=$3
compiler=$5
prefix=$work/prefix
outside=$work/outside
run 0 cmake --install "$build" --prefix "$prefix" --config "$6"
[ "$n_failed" -eq 0 ] || finish
run 0 "$prefix/bin/mascing" --version
for file in man/man1/mascing.1 man/man1/mascing-mask-show.1 bash-completion/completions/mascing zsh/site-functions/_mascing \
  fish/vendor_completions.d/mascing.fish; do
  n_check=$((n_check + 1))
  [ -s "$prefix/share/$file" ] || fail "share/$file is not installed"
done
cp -r "$4" "$outside"

# No path of this machine in what others read.
if grep -rlF -e "$build" -e "$(dirname "$here")" "$prefix/lib/cmake" "$prefix/lib/pkgconfig" "$prefix/include" 2>/dev/null; then
  fail "these files name a folder of the build"
fi

# Every public header stands alone and gives no warning.
for header in "$prefix"/include/mascing/*.h; do
  n_check=$((n_check + 1))
  echo "#include <mascing/$(basename "$header")>" >"$work/alone.cpp"
  "$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Werror "-I$prefix/include" "$work/alone.cpp" \
    2>"$work/err" || fail "$(basename "$header") does not compile by itself"
done

# An outside project, by CMake.
run 0 cmake -S "$outside" -B "$work/by-cmake" -G Ninja -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=$compiler" \
  "-DCMAKE_PREFIX_PATH=$prefix"
run 0 cmake --build "$work/by-cmake"
[ "$n_failed" -eq 0 ] || finish

# One that asks for a later version is told so.
sed 's/mascing 0.1 REQUIRED/mascing 9.0 REQUIRED/' "$outside/CMakeLists.txt" >"$work/later" && cp "$work/later" "$outside/CMakeLists.txt"
run 1 cmake -S "$outside" -B "$work/later-build" -G Ninja "-DCMAKE_CXX_COMPILER=$compiler" "-DCMAKE_PREFIX_PATH=$prefix"
says err "9.0"

# The same file by pkg-config, with all of g++'s usual warnings: public headers give none.
if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  n_check=$((n_check + 1))
  # shellcheck disable=SC2046 # flags are words
  "$compiler" -Wall -Wextra -Wpedantic -Wshadow -Werror "$outside/steer.cpp" -o "$work/steer" \
    $(pkg-config --cflags --libs mascing) >"$work/out" 2>"$work/err" || fail "pkg-config: steer.cpp does not build"
  run 1 "$work/steer"
  says err "steer MODEL MASK STRENGTH MESSAGE"
else
  echo "without pkg-config: not tried"
fi
[ "$n_failed" -eq 0 ] || finish
bash "$here/examples.sh" "$prefix/bin/mascing" "$demo" "$work/by-cmake" || fail "the examples of the outside project"
finish
