# `make demo` and `make test` are all that is needed; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build lib plugin demo test test-plugin test-web test-hosts evaluate sync fuzz dist test-dist bench install install-lib uninstall clean

export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
CARGO ?= cargo
PREFIX ?= /usr/local
DESTDIR ?=
TARGET := $(or $(CARGO_TARGET_DIR),target)
KINESCORE := $(TARGET)/release/kinescore
PLUGIN := $(TARGET)/plugin
BUNDLE := Kinescore.ofx.bundle
# OPENFX_HEADERS=DIR builds the OpenFX plugin with an existing copy of OpenFX instead of a fetched one.
OPENFX := $(if $(OPENFX_HEADERS),-DOPENFX_HEADERS="$(abspath $(OPENFX_HEADERS))")
# Folder of the built library, its version (that of the workspace), and the version of its interface.
BUILT ?= $(TARGET)/release
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
ABI := $(shell sed -n 's/.*KINESCORE_ABI_VERSION: u32 = \(.*\);/\1/p' ffi/src/version.rs)
LIB := $(DESTDIR)$(PREFIX)/lib
INCLUDE := $(DESTDIR)$(PREFIX)/include
# The built program uses this folder's models and library, wherever the target folder is.
HERE := KINESCORE_MODELS="$(CURDIR)/models" KINESCORE_ONNXRUNTIME="$(CURDIR)/.setup/onnxruntime"
CLIP ?= tests/fixtures/walking-two-people.mp4
OUT ?= out
NAME := $(basename $(notdir $(CLIP)))

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages, ONNX Runtime (in .setup/); with GPU=cuda or GPU=webgpu also that for graphics cards
	@scripts/setup.sh
	@[[ -z "$(GPU)" ]] || { $(CARGO) build --release --locked --package kinescore-cli && $(KINESCORE) setup gpu --build "$(GPU)"; }

build: setup ## the program, optimised, in target/release
	$(CARGO) build --release --locked --package kinescore-cli

lib: setup ## the library for C and C++, optimised, in target/release
	$(CARGO) build --release --locked --package kinescore-ffi

plugin: ## the OpenFX plugin, and where libges is installed kinescore-ges, in target/plugin
	@scripts/setup.sh plugin
	cmake -S plugin -B "$(PLUGIN)" -DKINESCORE_TESTS=OFF $(OPENFX) \
	    -DKINESCORE_GES=$$(pkg-config --exists gst-editing-services-1.0 && echo ON || echo OFF)
	cmake --build "$(PLUGIN)" --parallel

demo: build ## set-up, build, and a soundtrack for the bundled clip (or CLIP=…) in out/
	@mkdir -p "$(OUT)"
	$(HERE) $(KINESCORE) doctor
	$(HERE) $(KINESCORE) render "$(CLIP)" -o "$(OUT)/$(NAME).soundtrack.mp4" --midi "$(OUT)/$(NAME).mid" \
	    --json "$(OUT)/$(NAME).json" --plot "$(OUT)/$(NAME).svg"
	@printf '\nThe demo is done. Look at it and listen to it:\n'
	@printf '  %s\n' "$(OUT)/$(NAME).soundtrack.mp4   the clip with its soundtrack" \
	    "$(OUT)/$(NAME).mid              the notes as MIDI" \
	    "$(OUT)/$(NAME).json             the analysis: beats, accents, tempo" \
	    "$(OUT)/$(NAME).svg              the analysis as a picture"

# The property tests draw the same cases each time, so that a failure can be repeated. The second
# clippy run sees the library without the feature `internals`, as it is shipped, and reports unused
# code. It compiles little more than the library.
test: ## set-up, formatting, lints and all tests
	@scripts/setup.sh test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --workspace --lib --bins --locked -- -D warnings
	PROPTEST_RNG_SEED=$${PROPTEST_RNG_SEED:-1} OPENJD="$(CURDIR)/.setup/hosts/bin/openjd" $(CARGO) test --workspace --locked
	@$(MAKE) --no-print-directory test-plugin
	$(HERE) KINESCORE="$(abspath $(TARGET))/debug/kinescore" .setup/evaluate/bin/python -m unittest discover -s models/train/tests

# In a separate folder, so that `make plugin` keeps its options. The library comes from the build of
# `make test`: another selection of packages would give dependencies other features, and compile them
# and the library again.
test-plugin: ## the tests of timeline bridge, OpenFX plugin and editors' scripts, with melt and GES
	@scripts/setup.sh test
	$(CARGO) build --locked --workspace --lib --examples
	cmake -S plugin -B "$(PLUGIN)-test" -DKINESCORE_LIBRARY="$(abspath $(TARGET))/debug/libkinescore.so" $(OPENFX)
	cmake --build "$(PLUGIN)-test" --parallel 2
	KINESCORE_OTIO_PYTHON="$(CURDIR)/.setup/hosts/bin/python" ctest --test-dir "$(PLUGIN)-test" --output-on-failure
	cmake -S plugin -B "$(PLUGIN)-sanitized" -DKINESCORE_GES=OFF -DKINESCORE_SANITIZE=ON $(OPENFX)
	cmake --build "$(PLUGIN)-sanitized" --parallel 2 --target ofx_test
	ctest --test-dir "$(PLUGIN)-sanitized" --output-on-failure --tests-regex '^ofx$$'
	.setup/hosts/bin/python -m unittest discover -s plugin/resolve/tests
	.setup/hosts/bin/python -m unittest discover -s plugin/blender/tests

# The program is that of the build of `make test`.
test-web: ## tests of the studio's page in a real browser
	@scripts/setup.sh web
	$(CARGO) build --locked --workspace --bins
	$(HERE) KINESCORE="$(abspath $(TARGET))/debug/kinescore" .setup/web/bin/python -m unittest discover -s studio/tests-web

# Vulkan in software, so a network takes up to a minute.
test-gpu: ## networks on a graphics card that SwiftShader computes in software; about six minutes after the build
	@scripts/setup.sh gpu
	$(CARGO) build --locked --workspace --bins
	$(HERE) XDG_DATA_HOME="$(CURDIR)/.setup/data" "$(abspath $(TARGET))/debug/kinescore" setup gpu --build webgpu
	$(HERE) $(CARGO) test --locked --workspace --test graphics -- --ignored --test-threads 1

test-hosts: ## plugins and projects in editors: Blender, and with FORKY=DIR the melt and Kdenlive of Debian forky
	@scripts/setup.sh test
	@FORKY="$(FORKY)" CARGO="$(CARGO)" scripts/test-hosts.sh

evaluate: build ## measure the beats of annotated clips: CLIPS=DIR, and for RhythmicNet's network DATA=DIR (models/train/README.md)
	@scripts/setup.sh evaluate
	@[[ -n "$(CLIPS)" ]] || { echo 'make evaluate CLIPS=DIR: DIR is a folder of clips with their annotations' >&2; exit 2; }
	@$(HERE) KINESCORE="$(abspath $(KINESCORE))" .setup/evaluate/bin/python models/train/evaluate_beats.py "$(CLIPS)" \
	    $(if $(DATA),--data "$(DATA)") $(ARGS)

fuzz: ## fuzz all readers of external input: MINUTES (10) for each kind, or for TARGETS=
	@scripts/fuzz.sh $(or $(MINUTES),10) $(TARGETS)

sync: build ## measure how soundtracks answer the movement: the bundled clip, and those of CLIPS=DIR, compared with the drummers in DATA=DIR (models/train/README.md)
	@scripts/setup.sh sync
	@$(HERE) KINESCORE="$(abspath $(KINESCORE))" .setup/sync/bin/python models/train/evaluate_sync.py \
	    tests/fixtures/walking-two-people.mp4 $(if $(CLIPS),"$(CLIPS)") $(if $(DATA),--groove "$(DATA)") $(ARGS)

dist: ## packages for people without a compiler, in dist/: .deb, tarball, Blender's zip
	@scripts/dist.sh

test-dist: ## try the packages of `make dist` in a bare Debian 12 and 13 (root, mmdebstrap)
	@scripts/test-dist.sh

bench: setup ## speed and memory by stage
	$(CARGO) bench --workspace --locked

install: build lib plugin ## program, library, headers, plugin, models and ONNX Runtime below PREFIX (/usr/local)
	@$(MAKE) --no-print-directory install-lib
	install -Dm755 $(KINESCORE) "$(DESTDIR)$(PREFIX)/bin/kinescore"
	if [[ -e "$(PLUGIN)/kinescore-ges" ]]; then install -Dm755 "$(PLUGIN)/kinescore-ges" "$(DESTDIR)$(PREFIX)/bin/kinescore-ges"; fi
	install -d "$(DESTDIR)$(PREFIX)/lib/kinescore"
	cp -R "$(PLUGIN)/$(BUNDLE)" "$(DESTDIR)$(PREFIX)/lib/kinescore"
	find "$(DESTDIR)$(PREFIX)/lib/kinescore/$(BUNDLE)" -name '*.ofx' -exec strip --strip-unneeded {} +
	install -d "$(DESTDIR)$(PREFIX)/share/kinescore/models" "$(DESTDIR)$(PREFIX)/lib/kinescore" \
	    "$(DESTDIR)$(PREFIX)/share/doc/kinescore" "$(DESTDIR)$(PREFIX)/share/man/man1"
	find models -maxdepth 1 -type f ! -name '*.py' -exec install -m644 -t "$(DESTDIR)$(PREFIX)/share/kinescore/models" {} +
	install -m755 .setup/onnxruntime/libonnxruntime.so.* "$(DESTDIR)$(PREFIX)/lib/kinescore"
	install -m644 README.md NOTICE LICENSE-MIT LICENSE-APACHE "$(DESTDIR)$(PREFIX)/share/doc/kinescore"
	install -Dm644 -t "$(DESTDIR)$(PREFIX)/share/doc/kinescore/docs" docs/*
	install -m644 .setup/onnxruntime/LICENSE "$(DESTDIR)$(PREFIX)/share/doc/kinescore/onnxruntime-LICENSE"
	install -m644 .setup/onnxruntime/ThirdPartyNotices.txt "$(DESTDIR)$(PREFIX)/share/doc/kinescore/onnxruntime-ThirdPartyNotices.txt"
	$(KINESCORE) man "$(DESTDIR)$(PREFIX)/share/man/man1"
	install -d "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	    "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d"
	$(KINESCORE) completions bash > "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/kinescore"
	$(KINESCORE) completions zsh > "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_kinescore"
	$(KINESCORE) completions fish > "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/kinescore.fish"

# The library in BUILT, with its headers.
install-lib:
	install -d "$(LIB)/pkgconfig" "$(INCLUDE)"
	install -m755 "$(BUILT)/libkinescore.so" "$(LIB)/libkinescore.so.$(ABI).$(VERSION)"
	ln -sf "libkinescore.so.$(ABI).$(VERSION)" "$(LIB)/libkinescore.so.$(ABI)"
	ln -sf "libkinescore.so.$(ABI)" "$(LIB)/libkinescore.so"
	install -m644 "$(BUILT)/libkinescore.a" "$(LIB)"
	install -m644 include/kinescore.h include/kinescore.hpp "$(INCLUDE)"
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' ffi/kinescore.pc.in > "$(LIB)/pkgconfig/kinescore.pc"

uninstall: ## remove everything that `make install` put below PREFIX
	rm -f "$(DESTDIR)$(PREFIX)/bin/kinescore" "$(DESTDIR)$(PREFIX)/bin/kinescore-ges" "$(DESTDIR)$(PREFIX)"/share/man/man1/kinescore*.1 \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/kinescore" \
	    "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_kinescore" \
	    "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/kinescore.fish"
	rm -f "$(LIB)"/libkinescore.so* "$(LIB)/libkinescore.a" "$(LIB)/pkgconfig/kinescore.pc" \
	    "$(INCLUDE)/kinescore.h" "$(INCLUDE)/kinescore.hpp"
	rm -rf "$(DESTDIR)$(PREFIX)/share/kinescore" "$(DESTDIR)$(PREFIX)/lib/kinescore" "$(DESTDIR)$(PREFIX)/share/doc/kinescore"

clean: ## build output and the demo's results; .setup/ is kept
	$(CARGO) clean
	rm -rf "$(OUT)"
