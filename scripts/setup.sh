#!/usr/bin/env bash
# Installs what the build and the program need and this machine lacks: Debian packages, Rust's
# tools, ONNX Runtime. Everything that is already installed is left unchanged, so that running it
# again takes a fraction of a second.
#
#   scripts/setup.sh             for building and running
#   scripts/setup.sh plugin      for building the plugins of editors as well: OpenFX in .setup/
#   scripts/setup.sh evaluate    for measuring beats as well: a Python environment in .setup/evaluate
#   scripts/setup.sh sync        for measuring how soundtracks answer the movement: an environment in .setup/sync
#   scripts/setup.sh web         for the tests of the studio's page: Chromium, and an environment in .setup/web
#   scripts/setup.sh gpu         for the tests on a graphics card in software: SwiftShader in .setup/swiftshader
#   scripts/setup.sh fuzz        for fuzzing as well: clang's libFuzzer and sanitizers
#   scripts/setup.sh dist        for building packages as well: OpenFX, Debian's packaging tools, what FFmpeg is built with
#   scripts/setup.sh test        for the tests as well: that environment, rustfmt and clippy, CMake, valgrind, melt, GES
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
purpose=${1:-build}
case $purpose in
build | plugin | evaluate | sync | web | gpu | fuzz | dist | test) ;;
*)
    printf 'set-up failed: unknown purpose %s; expected build, plugin, evaluate, sync, web, gpu, fuzz, dist or test\n' "$purpose" >&2
    exit 2
    ;;
esac

say() { printf 'set-up: %s\n' "$*" >&2; }
fail() {
    printf 'set-up failed: %s\n' "$*" >&2
    exit 1
}

# FFmpeg's libraries for the video, clang for their Rust bindings, ffmpeg and ffprobe for the tests'
# clips; a C++ compiler and parsers of XML and JSON for editors' projects.
debian_packages=(
    gcc g++ libc6-dev make cmake pkg-config clang libclang-dev libpugixml-dev nlohmann-json3-dev
    libavcodec-dev libavformat-dev libavutil-dev libswscale-dev libswresample-dev
    ffmpeg python3
)
# memcheck for the tests of the C interface, with the C library's symbols that it needs; editors
# that render projects, melt and GStreamer Editing Services, for the tests of the timeline bridge;
# the XML parser of the host for the tests of the OpenFX plugin.
test_packages=(
    valgrind libc6-dbg doctest-dev melt libexpat1-dev
    libges-1.0-dev ges1.0-tools gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-libav
)
# For packages: Debian's tools, a tool that sets where programs look for libraries, and what FFmpeg is
# built with for the tarball.
dist_packages=(dpkg-dev git patchelf zstd nasm libopus-dev libdav1d-dev zlib1g-dev)
# A real browser, and letters for it, for the tests of the studio's page.
web_packages=(chromium fonts-dejavu-core)
# Vulkan's loader; its driver in software is unpacked from Chromium's package, without Chromium.
gpu_packages=(libvulkan1)
rust_least=1.90

# ONNX Runtime: one library out of the Python wheel; Python itself is not needed when the program
# runs. The checksums are those of the wheel as published and of the library inside it. Releases
# from 1.29 on contain Microsoft's telemetry, which writes a device ID below the home folder and
# contacts a server of Microsoft in any host that does not set ORT_DISABLE_TELEMETRY=1, even if its
# telemetry is turned off; 1.28.0 is the last release without it (1.32.0 still contains it).
onnxruntime_version=1.28.0
case $(uname -m) in
x86_64)
    wheel_platform=manylinux_2_28_x86_64
    wheel_sha256=0a83bdb70d143cede762b677789bf2a7acca54b3fb82565601d5c30695aa933c
    library_sha256=aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083
    ;;
aarch64)
    wheel_platform=manylinux_2_28_aarch64
    wheel_sha256=4e81a23df16e7acb9d51b06d30cc098e49315ef9180f97bc2221d167b4b04d9c
    library_sha256=23a37c2994bc273e1d59a4f49af6cba5bf1cfbc29f04907ec27df375aba50a7d
    ;;
*) fail "no pinned ONNX Runtime for the processor $(uname -m); expected x86_64 or aarch64" ;;
esac

# Installs those of the named Debian packages that are not installed.
install_packages() {
    local missing=() package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0

    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            fail "these Debian packages are missing, and installing them takes root or sudo: ${missing[*]}
  as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing Debian packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq || say "the package lists could not be brought up to date; trying with those at hand"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        fail "apt-get could not install: ${missing[*]}"
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    install_packages "${debian_packages[@]}"
    [[ $purpose != test ]] || install_packages "${test_packages[@]}"
    [[ $purpose != web ]] || install_packages "${web_packages[@]}"
    [[ $purpose != gpu ]] || install_packages "${gpu_packages[@]}"
    [[ $purpose != fuzz ]] || install_packages libclang-rt-dev
    [[ $purpose != dist ]] || install_packages "${dist_packages[@]}"
else
    # Not Debian: nothing is installed, but missing packages are listed.
    missing=()
    tools=(cc c++ make cmake pkg-config clang ffmpeg python3)
    [[ $purpose != test ]] || tools+=(valgrind melt ges-launch-1.0)
    [[ $purpose != web ]] || tools+=(chromium)
    for tool in "${tools[@]}"; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    if command -v pkg-config >/dev/null; then
        libraries=(libavcodec libavformat libavutil libswscale libswresample pugixml)
        [[ $purpose != test ]] || libraries+=(gst-editing-services-1.0 expat)
        for library in "${libraries[@]}"; do
            pkg-config --exists "$library" || missing+=("$library (development files)")
        done
    fi
    ((${#missing[@]} == 0)) || fail "this is not a Debian system, so please install: ${missing[*]}"
fi

# Rust.
PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
command -v cargo >/dev/null || fail "cargo not found in PATH or ~/.cargo/bin; Rust $rust_least or newer is needed (https://rustup.rs)"
rust_version=$(cd "$root" && rustc --version 2>/dev/null | cut -d' ' -f2) || rust_version=
[[ -n $rust_version ]] || fail "rustc does not run; Rust $rust_least or newer is needed (https://rustup.rs)"
[[ $(printf '%s\n' "$rust_least" "$rust_version" | sort -V | head -n1) == "$rust_least" ]] ||
    fail "Rust $rust_version is too old; $rust_least or newer is needed (rustup update)"
if [[ $purpose == test ]]; then
    for tool in fmt clippy; do
        cargo "$tool" --version >/dev/null 2>&1 && continue
        component=${tool/fmt/rustfmt}
        command -v rustup >/dev/null || fail "cargo $tool is missing; install Rust's component $component"
        say "adding Rust's component $component"
        rustup component add "$component" || fail "rustup could not add $component"
    done
fi

# Prints the first Python for which a test (a function that gets its name) succeeds; nothing if
# there is none.
python_that() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if "$1" "$candidate"; then
            printf '%s' "$candidate"
            return 0
        fi
    done
}
has_pip() { "$1" -m pip --version >/dev/null 2>&1; }
can_make_environments() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# ONNX Runtime.
target=$root/.setup/onnxruntime
library=libonnxruntime.so.$onnxruntime_version
is_sha256() { [[ -f $1 && $(sha256sum "$1" | cut -d' ' -f1) == "$2" ]]; }

if ! is_sha256 "$target/$library" "$library_sha256" || [[ ! -f $target/LICENSE || ! -f $target/ThirdPartyNotices.txt ]]; then
    python=$(python_that has_pip)
    if [[ -z $python ]]; then
        command -v apt-get >/dev/null || fail "python3 has no pip; please install it"
        install_packages python3-pip
        python=/usr/bin/python3
    fi

    mkdir -p "$root/.setup"
    work=$(mktemp -d "$root/.setup/download.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    say "fetching ONNX Runtime $onnxruntime_version"
    "$python" -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: \
        --implementation cp --python-version 3.12 --platform "$wheel_platform" \
        --dest "$work" "onnxruntime==$onnxruntime_version" >&2 ||
        fail "pip could not download onnxruntime $onnxruntime_version; is there a connection to a Python package index?"
    # The name of a wheel may list further platforms that it supports.
    wheel=$(find "$work" -name "onnxruntime-$onnxruntime_version-cp312-cp312-*$wheel_platform.whl")
    [[ -f $wheel ]] || fail "pip downloaded another file than expected: $(ls "$work")"
    is_sha256 "$wheel" "$wheel_sha256" ||
        fail "the wheel of onnxruntime $onnxruntime_version has sha256 $(sha256sum "$wheel" | cut -d' ' -f1), expected $wheel_sha256"

    # The folder is put in place in one step, so that a half-unpacked library is never seen.
    mkdir "$work/onnxruntime"
    "$python" - "$wheel" "$work/onnxruntime" "$library" <<'PYTHON' || fail "the wheel of onnxruntime cannot be unpacked"
import sys, zipfile

wheel, folder, library = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for member in (f"onnxruntime/capi/{library}", "onnxruntime/LICENSE", "onnxruntime/ThirdPartyNotices.txt"):
        with open(f"{folder}/{member.rsplit('/', 1)[1]}", "wb") as out:
            out.write(archive.read(member))
PYTHON
    is_sha256 "$work/onnxruntime/$library" "$library_sha256" || fail "the library in the wheel is not the one expected"
    chmod 755 "$work/onnxruntime/$library"
    rm -rf "$target"
    mv "$work/onnxruntime" "$target"
    say "ONNX Runtime $onnxruntime_version is in .setup/onnxruntime"
fi

# SwiftShader, a driver for Vulkan that computes on the processor. The loader wants its absolute path.
swift_shader() {
    local place=$root/.setup/swiftshader work
    [[ ! -f $place/icd.json ]] || return 0
    command -v apt-get >/dev/null || fail "SwiftShader is unpacked from Debian's package chromium-common, and there is no apt-get here"
    work=$(mktemp -d "$root/.setup/download.XXXXXX")
    say "fetching SwiftShader"
    (cd "$work" && apt-get download -qq chromium-common >&2) || fail "apt-get could not download chromium-common"
    dpkg-deb --extract "$work"/chromium-common_*.deb "$work/unpacked"
    mkdir -p "$place"
    cp "$work/unpacked/usr/lib/chromium/libvk_swiftshader.so" "$place/"
    cp "$work/unpacked/usr/share/doc/chromium-common/copyright" "$place/"
    printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.1.0"}}\n' \
        "$place/libvk_swiftshader.so" > "$place/icd.json"
    rm -rf "$work"
}
[[ $purpose != gpu ]] || swift_shader

# OpenFX, for its plugin and the tests' host. plugin/openfx.cmake has its origin and checks it.
openfx_sources() {
    if [[ -n ${OPENFX_HEADERS:-} ]]; then
        return 0 # the build uses that folder
    fi
    cmake -DOPENFX_SETUP="$root/.setup" ${OPENFX_URL:+-DOPENFX_URL="$OPENFX_URL"} -P "$root/plugin/openfx.cmake" >/dev/null ||
        fail "OpenFX could not be fetched; without a network, OPENFX_HEADERS=DIR specifies a folder of OpenFX"
}
case $purpose in plugin | test | dist) openfx_sources ;; esac

# A Python environment with the packages of a file; a copy of that file in the environment shows
# that it is complete and current.
python_environment() { # folder, requirements
    local environment=$1 requirements=$2 python
    if cmp -s "$requirements" "$environment/installed.txt" && "$environment/bin/python" -c '' 2>/dev/null; then
        return 0
    fi
    python=$(python_that can_make_environments)
    if [[ -z $python ]]; then
        command -v apt-get >/dev/null || fail "Python 3.11 or newer with the modules venv and ensurepip is needed"
        install_packages python3-venv
        python=/usr/bin/python3
        can_make_environments "$python" || fail "Python 3.11 or newer is needed; $python is $("$python" --version 2>&1)"
    fi
    say "creating the Python environment ${environment#"$root"/}"
    rm -rf "$environment"
    "$python" -m venv "$environment" || fail "$python could not create an environment in $environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --only-binary=:all: \
        --requirement "$requirements" >&2 ||
        fail "pip could not install $requirements; is there a connection to a Python package index?"
    cp "$requirements" "$environment/installed.txt"
}

# For measuring beats.
[[ $purpose != evaluate && $purpose != test ]] || python_environment "$root/.setup/evaluate" "$root/models/train/requirements-evaluate.txt"
# For measuring how soundtracks answer the movement.
[[ $purpose != sync ]] || python_environment "$root/.setup/sync" "$root/models/train/requirements-sync.txt"
# For the tests of the studio's page: what drives the browser.
[[ $purpose != web ]] || python_environment "$root/.setup/web" "$root/studio/tests-web/requirements.txt"
# For the tests: programs that read OpenTimelineIO files and run farm jobs.
[[ $purpose != test ]] || python_environment "$root/.setup/hosts" "$root/plugin/requirements-hosts.txt"
