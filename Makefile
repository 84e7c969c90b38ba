# The only door to the build. Every target does its own set-up; a second run finds it done.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
# More arguments for ctest, for example: make test CTEST='-R early'
CTEST ?=
# Of make simulate: how many schedules, or the one to tell in full.
SEEDS ?= 10000
SEED ?=
# Of each target of make fuzz.
FUZZ_SECONDS ?= 60

ROOT := $(CURDIR)
BUILD := $(ROOT)/build
RELEASE := $(BUILD)/cmake/release
ASAN := $(BUILD)/asan
TSAN := $(BUILD)/tsan
LINT := $(BUILD)/cmake/lint
FUZZ := $(BUILD)/cmake/fuzz
TOOLS := $(BUILD)/tools/node_modules

configure = [ -f $(1)/build.ninja ] || cmake -S $(ROOT) -B $(1) -G Ninja $(2)

.PHONY: build build-PostludeLayer deps test test-full demo layer bench simulate lint format asan tsan fuzz clean

build:
	@.ci/packages build
	@$(call configure,$(RELEASE),-DPOSTLUDE_WERROR=ON -DPOSTLUDE_OUTPUT_DIR=$(BUILD))
	@ninja -C $(RELEASE) -j$(JOBS)

deps:
	@.ci/packages build lint
	@.ci/tools

test: build
	@.ci/tools
	@ctest --test-dir $(RELEASE) -j$(JOBS) --output-on-failure --no-tests=error -L '^(unit|core)$$' $(CTEST)

# Only the programs that it runs: no test is compiled for it.
demo:
	@.ci/packages build
	@$(call configure,$(RELEASE),-DPOSTLUDE_WERROR=ON -DPOSTLUDE_OUTPUT_DIR=$(BUILD))
	@ninja -C $(RELEASE) -j$(JOBS) postlude-emulator layer_picture
	@.ci/tools
	@POSTLUDE_BUILD=$(BUILD) POSTLUDE_BIN_DIR=$(BUILD)/bin POSTLUDE_LAYER_DIR=$(BUILD)/layer \
	  POSTLUDE_TEST_TOOLS=$(TOOLS) PATH=$(TOOLS)/.bin:$$PATH tests/demo/run

asan:
	@.ci/packages build
	@.ci/tools
	@$(call configure,$(ASAN),-DPOSTLUDE_SANITIZE=address -DCMAKE_BUILD_TYPE=Debug)
	@ninja -C $(ASAN) -j$(JOBS)
	@.ci/sanitize $(ASAN) -j$(JOBS) $(CTEST)

tsan:
	@.ci/packages build
	@.ci/tools
	@$(call configure,$(TSAN),-DPOSTLUDE_SANITIZE=thread -DCMAKE_BUILD_TYPE=Debug)
	@ninja -C $(TSAN) -j$(JOBS)
	@.ci/sanitize $(TSAN) -j$(JOBS) $(CTEST)

lint:
	@.ci/packages build lint
	@$(call configure,$(LINT),-DCMAKE_CXX_COMPILER=clang++-14)
	@ninja -C $(LINT) build.ninja common/third_party/httplib/httplib.h
	@.ci/lint $(LINT)

format:
	@.ci/packages lint
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs -r clang-format-14 -i

layer:
	@echo "make layer: the zips of static binaries are not built yet; 'make build' lays the host's layer into build/layer" >&2
	@exit 1

# The name AWS SAM calls for the resource PostludeLayer of template.yaml.
build-PostludeLayer: layer

# What takes minutes, one after the other: every cell of the fault matrix, the soak, the kills. -V shows the
# numbers that they print.
test-full: build
	@.ci/tools
	@ctest --test-dir $(RELEASE) -V --no-tests=error -L '^full$$' $(CTEST)

bench:
	@echo "make bench: the benchmark of the targets does not exist yet" >&2
	@exit 1

simulate:
	@.ci/packages build
	@$(call configure,$(RELEASE),-DPOSTLUDE_WERROR=ON -DPOSTLUDE_OUTPUT_DIR=$(BUILD))
	@ninja -C $(RELEASE) -j$(JOBS) simulate
	@$(BUILD)/bin/simulate $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

fuzz:
	@.ci/packages fuzz
	@[ -f $(FUZZ)/build.ninja ] || cmake -S $(ROOT)/tests/fuzz -B $(FUZZ) -G Ninja \
	  -DCMAKE_CXX_COMPILER=clang++-14
	@ninja -C $(FUZZ) -j$(JOBS)
	@.ci/fuzz $(FUZZ) $(FUZZ_SECONDS)

clean:
	rm -rf $(BUILD)
