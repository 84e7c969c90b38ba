# The only door to the build. Every target does its own set-up; a second run finds it done.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
# More arguments for ctest, for example: make test CTEST='-R early'
CTEST ?=
# Of make simulate: how many schedules, or the one to tell in full.
SEEDS ?= 10000
SEED ?=
# Of make test: `required` makes it an error that the stories of a layer cannot be told.
LAYER ?= if-made
# Of make layer: the processors to build for.
ARCH = x86_64 arm64
# More arguments for make bench, for example: make bench BENCH='--only throughput'
BENCH ?=
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
HOST_ARCH := $(subst aarch64,arm64,$(shell uname -m))

configure = [ -f $(1)/build.ninja ] || cmake -S $(ROOT) -B $(1) -G Ninja $(2)

.PHONY: build build-PostludeLayer deps test test-full emulator demo layer bench simulate lint format asan tsan fuzz clean

build:
	@.ci/packages build
	@$(call configure,$(RELEASE),-DPOSTLUDE_WERROR=ON -DPOSTLUDE_OUTPUT_DIR=$(BUILD))
	@ninja -C $(RELEASE) -j$(JOBS)

deps:
	@.ci/packages build test lint
	@.ci/tools

# With the stories of each layer that `make layer` has made of these sources; at the end it says which are left out.
test: build
	@.ci/packages test
	@.ci/tools
	@layers=$$(.ci/layer_stories $(BUILD) $(LAYER) 2>/dev/null) || { .ci/layer_stories $(BUILD) $(LAYER); exit 1; }; \
	  ctest --test-dir $(RELEASE) -j$(JOBS) --output-on-failure --no-tests=error -L "^(unit|core$$layers)$$" $(CTEST); \
	  result=$$?; .ci/layer_stories $(BUILD) $(LAYER) >/dev/null; exit $$result

# The local Lambda and the layer for this machine: no test is compiled for them.
emulator:
	@.ci/packages build
	@$(call configure,$(RELEASE),-DPOSTLUDE_WERROR=ON -DPOSTLUDE_OUTPUT_DIR=$(BUILD))
	@ninja -C $(RELEASE) -j$(JOBS) postlude-emulator layer_picture

demo: emulator
	@.ci/tools
	@POSTLUDE_BUILD=$(BUILD) POSTLUDE_BIN_DIR=$(BUILD)/bin POSTLUDE_LAYER_DIR=$(BUILD)/opt \
	  POSTLUDE_TEST_TOOLS=$(TOOLS) PATH=$(TOOLS)/.bin:$$PATH tests/demo/run

asan:
	@.ci/packages build test
	@.ci/tools
	@$(call configure,$(ASAN),-DPOSTLUDE_SANITIZE=address -DCMAKE_BUILD_TYPE=Debug)
	@ninja -C $(ASAN) -j$(JOBS)
	@.ci/sanitize $(ASAN) -j$(JOBS) $(CTEST)

tsan:
	@.ci/packages build test
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

# The zips that Lambda takes. One after the other: each uses all cores, and linking takes memory.
layer:
	@.ci/packages build layer
	@for architecture in $(ARCH); do \
	  layer/packaging/build $$architecture $(BUILD) $(JOBS) || exit 1; done

# What AWS SAM calls for the resource PostludeLayer of template.yaml, by layer/sam/<architecture>/Makefile.
build-PostludeLayer: layer
	@[ -n "$(ARTIFACTS_DIR)" ] || { echo "build-PostludeLayer: 'sam build' sets ARTIFACTS_DIR; without it use 'make layer'" >&2; exit 1; }
	@[ $(words $(ARCH)) -eq 1 ] || { echo "build-PostludeLayer: one architecture, for example ARCH=arm64" >&2; exit 1; }
	@mkdir -p "$(ARTIFACTS_DIR)"
	@cp -a $(BUILD)/layer/$(ARCH)/. "$(ARTIFACTS_DIR)"

# What takes minutes: every cell of the fault matrix, the soak, the kills (nothing runs beside these), the long
# runs of the simulator. -V shows the numbers that they print.
test-full: build
	@.ci/tools
	@ctest --test-dir $(RELEASE) -j$(JOBS) -V --no-tests=error -L '^full$$' $(CTEST)
	@$(call configure,$(ASAN),-DPOSTLUDE_SANITIZE=address -DCMAKE_BUILD_TYPE=Debug)
	@ninja -C $(ASAN) -j$(JOBS) simulate
	@ctest --test-dir $(ASAN) -V --no-tests=error -L '^full$$'

# Of this processor's layer, as `make layer` packs it. Nothing else should run meanwhile.
bench: build
	@.ci/packages layer
	@.ci/tools
	@layer/packaging/build $(HOST_ARCH) $(BUILD) $(JOBS)
	@POSTLUDE_BENCH=$(BUILD)/bin/postlude-bench POSTLUDE_LAYER=$(BUILD)/layer/$(HOST_ARCH) \
	  POSTLUDE_ZIPS=$$(ls $(BUILD)/layer/*.zip | paste -sd:) POSTLUDE_REPORTS=$(BUILD)/bench \
	  POSTLUDE_TEST_TOOLS=$(TOOLS) PATH=$(TOOLS)/.bin:$$PATH node tests/bench/bench.mjs $(BENCH)

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
