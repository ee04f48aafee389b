#!/usr/bin/env bash
# Runs the tests of projects in editors that are too heavy for every change. Missing editors are
# skipped, with a clear message.
#
#   scripts/test-hosts.sh            with the installed editors: melt, and Blender if it is there
#   FORKY=DIR scripts/test-hosts.sh  with the melt of Debian "forky" in that folder, which is created (1 GB, as root, by mmdebstrap)
#                                    where it is not there
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cargo=${CARGO:-cargo}
ran=()
skipped=()

say() { printf 'test-hosts: %s\n' "$*" >&2; }
fail() {
    printf 'test-hosts: FAILED: %s\n' "$*" >&2
    exit 1
}
skip() {
    skipped+=("$1")
    printf '\n*** SKIPPED: %s ***\n\n' "$1" >&2
}

run_tests() { # what, and the environment that it is run with
    local what=$1
    shift
    say "$what"
    env "$@" "$cargo" test --quiet --locked --manifest-path "$root/Cargo.toml" --package kinescore-cli --test timeline
    ran+=("$what")
}

# The Blender add-on, as installed by `kinescore install blender`, in Blender without a window.
blender_addon() {
    local folder=$1/blender
    say "the add-on in $(blender --version | head -n 1)"
    mkdir -p "$folder/addons" "$folder/out"
    KINESCORE_MODELS="$root/models" KINESCORE_ONNXRUNTIME="$root/.setup/onnxruntime" "$root/target/debug/kinescore" --quiet install blender \
        --to "$folder/addons" --library "$root/target/debug/libkinescore.so"
    blender -b --factory-startup --python-exit-code 1 --python "$root/plugin/blender/tests/headless.py" -- \
        "$folder/addons" "$root/tests/fixtures/walking-two-people.mp4" "$folder/out" || fail "the Blender add-on"
    ran+=("the add-on in $(blender --version | head -n 1)")
}

# The OpenFX plugin in forky's melt: pictures identical, bit for bit, to those without it, a
# soundtrack beside the clip, the actions sent; the second time nothing is made. The library is
# built on this system, and finds the parts that forky lacks in a separate folder.
ofx_in_melt() { # folder that forky sees under its own name
    local folder=$1/ofx library=$root/target/debug/libkinescore.so wanted
    say "the OpenFX plugin in forky's melt"
    cmake -S "$root/plugin" -B "$root/target/plugin" -DKINESCORE_TESTS=OFF -DKINESCORE_GES=OFF >/dev/null
    cmake --build "$root/target/plugin" --parallel 2 --target kinescore_ofx >/dev/null
    mkdir -p "$folder/plugins" "$folder/libraries" "$folder/runtime" "$folder/home"
    cp -R "$root/target/plugin/Kinescore.ofx.bundle" "$folder/plugins"
    cp "$root/tests/fixtures/walking-two-people.mp4" "$folder/clip.mp4"
    cp "$library" "$folder/libraries"
    cp "$root"/.setup/onnxruntime/libonnxruntime.so.* "$folder/runtime"
    mkdir "$folder/models" && find "$root/models" -maxdepth 1 -type f -exec cp -t "$folder/models" {} +
    ldd "$library" | awk '$3 ~ /^\// { print $3 }' | while read -r wanted; do
        [[ -e $FORKY/lib/x86_64-linux-gnu/${wanted##*/} ]] || cp -L "$wanted" "$folder/libraries"
    done
    printf '{"library": "%s", "models": "%s", "onnxruntime": "%s"}\n' "$folder/libraries/libkinescore.so" "$folder/models" "$folder/runtime" \
        >"$folder/plugins/Kinescore.ofx.bundle/Contents/Resources/places.json"

    local melt=(env "OFX_PLUGIN_PATH=$folder/plugins" "LD_LIBRARY_PATH=$folder/libraries" "HOME=$folder/home"
        "KINESCORE_OFX_TRACE=$folder/trace" "$work/run" melt "$folder/clip.mp4" in=0 out=99)
    local effect=(-attach openfx.org.kinescore.Soundtrack "media=$folder/clip.mp4" follow=1 "folder=$folder/out" drums_style=funk)
    local consumer=(mlt_image_format=rgba vcodec=rawvideo pix_fmt=rgba an=1 f=framemd5 real_time=-1)
    "${melt[@]}" -consumer "avformat:$folder/without.md5" "${consumer[@]}" 2>/dev/null
    rm -f "$folder/trace"
    "${melt[@]}" "${effect[@]}" -consumer "avformat:$folder/with.md5" "${consumer[@]}" 2>/dev/null
    [[ $(grep -vc '^#' "$folder/with.md5") == 100 ]] || fail "melt rendered another number of frames than 100"
    cmp "$folder/with.md5" "$folder/without.md5" || fail "the plugin has changed the picture"
    [[ $(ls "$folder/out") == $'clip.soundtrack.json\nclip.soundtrack.mid\nclip.soundtrack.wav' ]] ||
        fail "melt's render left $(ls "$folder/out")"
    awk '!seen[$0]++' "$folder/trace" | diff "$root/plugin/ofx/tests/golden/actions-melt.txt" - || fail "melt has sent different actions"
    before=$(stat -c '%n %y' "$folder"/out/*)
    "${melt[@]}" "${effect[@]}" -consumer "avformat:$folder/again.md5" "${consumer[@]}" 2>/dev/null
    [[ $(stat -c '%n %y' "$folder"/out/*) == "$before" ]] || fail "a second render has made the soundtrack again"
    ran+=("the OpenFX plugin in forky's melt: 100 frames bit for bit, soundtrack made once")
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/shared"
"$root/scripts/setup.sh" plugin
"$cargo" build --quiet --locked --manifest-path "$root/Cargo.toml" --package kinescore-ffi --package kinescore-cli

if command -v blender >/dev/null; then
    blender_addon "$work"
else
    skip "the Blender add-on: the program blender was not found (Debian: apt-get install --no-install-recommends blender python3-numpy)"
fi

run_tests "projects rendered by $(melt --version 2>&1 | head -n 1)"

if [[ -z ${FORKY:-} ]]; then
    skip "the melt of Debian forky: specify a folder for it with FORKY=DIR"
elif ((EUID != 0)); then
    skip "the melt of Debian forky: entering $FORKY requires root"
else
    if [[ ! -x $FORKY/usr/bin/melt ]]; then
        command -v mmdebstrap >/dev/null || {
            say "mmdebstrap is missing: apt-get install mmdebstrap"
            exit 1
        }
        say "making $FORKY"
        # Snapshots of forky outlive the date that their index names.
        mmdebstrap --variant=apt --include=melt --aptopt='APT::Install-Recommends "false"' \
            --aptopt='Acquire::Check-Valid-Until "false"' forky "$FORKY" http://deb.debian.org/debian
    fi
    # A program that runs another one in the chroot. Projects contain absolute paths, so the tests'
    # folder has the same name there.
    enter() { # program's name, command
        cat >"$work/$1" <<WRAPPER
#!/bin/sh
exec unshare --mount sh -c 'mkdir -p "$FORKY$work/shared" && mount --bind "$work/shared" "$FORKY$work/shared" &&
    mount -t proc proc "$FORKY/proc" && exec chroot "$FORKY" $2 "\$@"' $1 "\$@"
WRAPPER
        chmod +x "$work/$1"
    }
    enter melt melt
    enter run ""
    ofx_in_melt "$work/shared"
    hosts=("KINESCORE_TEST_MELT=$work/melt")
    if [[ -x $FORKY/usr/bin/kdenlive ]]; then
        mkdir -p "$FORKY/tmp/home/Videos" "$FORKY/tmp/run"
        enter kdenlive "env HOME=/tmp/home XDG_RUNTIME_DIR=/tmp/run TMPDIR=/tmp QT_QPA_PLATFORM=offscreen SDL_AUDIODRIVER=dummy dbus-run-session kdenlive"
        hosts+=("KINESCORE_TEST_KDENLIVE=$work/kdenlive")
    else
        skip "kdenlive --render: $FORKY has no Kdenlive (2 GB: in there apt-get install --no-install-recommends kdenlive qml6-module-org-kde-desktop dbus-x11 libxcb-cursor0)"
    fi
    run_tests "projects rendered by forky's $(chroot "$FORKY" melt --version 2>&1 | head -n 1)" "TMPDIR=$work/shared" "${hosts[@]}"
fi

skip "opening and saving by Kdenlive and Shotcut themselves: this needs a display and a user; their saved files are in plugin/bridge/tests/fixtures"

printf '\ntest-hosts: ran %d:\n' "${#ran[@]}"
printf '  %s\n' "${ran[@]}"
((${#skipped[@]} == 0)) || printf 'test-hosts: SKIPPED %d:\n' "${#skipped[@]}"
((${#skipped[@]} == 0)) || printf '  %s\n' "${skipped[@]}"
