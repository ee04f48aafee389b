#!/usr/bin/env bash
# Runs the tests of projects in editors that are too heavy for every change. What is not there is skipped, and says so loudly.
#
#   scripts/test-hosts.sh            what is at hand
#   FORKY=DIR scripts/test-hosts.sh  with the melt of Debian "forky" in that folder, which is made (1 GB, as root, by mmdebstrap)
#                                    where it is not there
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cargo=${CARGO:-cargo}
ran=()
skipped=()

say() { printf 'test-hosts: %s\n' "$*" >&2; }
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

run_tests "projects rendered by $(melt --version 2>&1 | head -n 1)"

if [[ -z ${FORKY:-} ]]; then
    skip "the melt of Debian forky: name a folder for it with FORKY=DIR"
elif ((EUID != 0)); then
    skip "the melt of Debian forky: entering $FORKY takes root"
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
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/shared"
    # A program that runs another one in there. Projects name absolute paths, so that the folder of the tests is seen under its own name.
    enter() { # program's name, command
        cat >"$work/$1" <<WRAPPER
#!/bin/sh
exec unshare --mount sh -c 'mkdir -p "$FORKY$work/shared" && mount --bind "$work/shared" "$FORKY$work/shared" &&
    mount -t proc proc "$FORKY/proc" && exec chroot "$FORKY" $2 "\$@"' $1 "\$@"
WRAPPER
        chmod +x "$work/$1"
    }
    enter melt melt
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

skip "opening and saving by Kdenlive and Shotcut themselves: that takes a display and somebody to click; what they saved is in plugin/bridge/tests/fixtures"

printf '\ntest-hosts: ran %d:\n' "${#ran[@]}"
printf '  %s\n' "${ran[@]}"
((${#skipped[@]} == 0)) || printf 'test-hosts: SKIPPED %d:\n' "${#skipped[@]}"
((${#skipped[@]} == 0)) || printf '  %s\n' "${skipped[@]}"
