# The front door: what one types most. All of it is plain CMake (CMakePresets.json) and the scripts in scripts/.
.DEFAULT_GOAL := help
.PHONY: help build gpu demo test zoo faults table package package-check fuzz asan tsan coverage bench format lint results clean

# Every target uses all cores by itself, and two at once would fight over apt's lock and the same build folders.
.NOTPARALLEL:

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PLANTED := models/demo/kingdom-planted-f16.gguf

help:             ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "make %-14s %s\n", $$1, $$2 }'

build:            ## build/bin/mascing (the first build on a machine also builds libllama, some minutes)
	@scripts/setup.sh build
	@scripts/configure.sh release
	@cmake --build --preset release --parallel $(JOBS) --target mascing

gpu:              ## build-gpu/bin/mascing, with libllama for NVIDIA GPUs (needs nvcc; an hour on two cores)
	@command -v nvcc >/dev/null || { echo "make gpu: nvcc is not on the PATH; install the CUDA toolkit" >&2; exit 1; }
	@scripts/setup.sh build
	@scripts/configure.sh gpu
	@cmake --build --preset gpu --parallel $(JOBS) --target mascing

demo: build       ## defend and permit on the demo model, into out/demo
	@scripts/run_pair.sh $(PLANTED) out/demo

test:             ## all tests; ends with CTest's summary
	@scripts/setup.sh web
	@scripts/configure.sh release
	@cmake --build --preset release --parallel $(JOBS)
	@ctest --preset release --parallel $(JOBS)

package:          ## a tarball for any x86-64 Linux and a .deb, into build-package/packages
	@scripts/setup.sh package
	@scripts/package.sh $(JOBS)

package-check:    ## install both in bare Debian roots and use them there (as root, some minutes)
	@scripts/setup.sh package
	@scripts/package_check.sh

fuzz:             ## every reader of files under libFuzzer, MINUTES=N in all (60), and their table of figures
	@scripts/setup.sh fuzz
	@scripts/configure.sh fuzz
	@cmake --build --preset fuzz --parallel $(JOBS) --target fuzz_targets
	@python3 tools/fuzz_table.py build-fuzz --minutes $(or $(MINUTES),60) --jobs $(JOBS) --table build-fuzz/fuzzing.md

asan:             ## all tests with the address and undefined-behaviour sanitizers
	@scripts/setup.sh build
	@scripts/asan.sh $(JOBS)

tsan:             ## the tests of whatever starts threads with the thread sanitizer
	@scripts/setup.sh build
	@scripts/tsan.sh $(JOBS)

coverage:         ## share of the lines of src/ that the tests run, by room
	@scripts/setup.sh coverage
	@scripts/coverage.sh $(JOBS)

lint:             ## clang-format (as a check) and clang-tidy over src/
	@scripts/setup.sh test
	@scripts/format.sh --check
	@scripts/lint.sh $(JOBS)

format:           ## clang-format in place
	@scripts/setup.sh test
	@scripts/format.sh

results: build    ## both scenarios on both demo models, into out/results, and the table of README.md
	@scripts/setup.sh build
	@scripts/results.sh out/results

zoo:              ## train a model of the zoo: make zoo MODEL=gpt-oss (tools/demo/zoo; restartable, up to 75 minutes)
	@test -n "$(MODEL)" || { echo "make zoo: name a model, as in make zoo MODEL=gpt-oss" >&2; exit 2; }
	@scripts/setup.sh zoo
	@scripts/configure.sh release
	@scripts/zoo.sh $(MODEL)

faults: build     ## kill, starve and obstruct real commands, over and over, and docs/faults.md (some minutes)
	@python3 tools/faults/campaign.py build/bin/mascing models/demo --table docs/faults.md

table: build      ## defend and permit with all baselines on the zoo, into out/table, and docs/zoo.md; ONLY=mixtral for one model (hours)
	@scripts/table.sh out/table $(ONLY)

bench:            ## the benchmarks
	@scripts/setup.sh build
	@scripts/bench.sh $(JOBS)

clean:            ## remove build folders; libllama (in ~/.cache/mascing) and out/ stay
	rm -rf build build-dev build-asan build-tsan build-coverage build-bench build-gpu build-lint build-package build-fuzz
