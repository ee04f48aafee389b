#!/usr/bin/env bash
# Runs `make demo` and `make test` as a newcomer would: in a bare Debian 12 with a Rust toolchain,
# an empty home folder and a fresh clone of the last commit. Nothing that was installed by hand on
# this machine is available there. Takes about 40 minutes on two cores; run it before each release.
#
#   scripts/fresh.sh                both commands
#   scripts/fresh.sh setup demo     only these targets of the Makefile, in this order
#
#   FRESH_FOLDER=DIR    where the Debian is created (default: a new folder in target/; 8 GB). It is removed at the end
#   FRESH_KEEP=1        keeps it for inspection: `chroot DIR bash`
#
# Requires root, mmdebstrap and a connection to the package registries. Exit code: 0 when every
# target passed, 1 otherwise, 2 when the Debian could not be created.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
targets=("$@")
((${#targets[@]})) || targets=(demo test)

say() { printf 'fresh: %s\n' "$*" >&2; }
fail() {
    printf 'fresh: %s\n' "$*" >&2
    exit 2
}
minutes() { awk -v s="$1" 'BEGIN { printf "%.1f min", s / 60 }'; }

((EUID == 0)) || fail "a chroot requires root; run it with sudo"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing; install it: apt-get install mmdebstrap"
sysroot=$(rustc --print sysroot) || fail "rustc does not run; a Rust toolchain is needed for copying (https://rustup.rs)"
[[ -z $(git -C "$root" status --porcelain) ]] || say "warning: what is not committed is not in the clone"

# On disk, since the build needs more space than a /tmp in memory may have.
mkdir -p "$root/target"
folder=${FRESH_FOLDER:-$(mktemp -d "$root/target/fresh.XXXXXX")}
mkdir -p "$folder"
[[ -z $(ls -A "$folder") ]] || fail "$folder is not empty; specify a new folder with FRESH_FOLDER"

# Everything in the chroot runs in a separate process namespace, so that processes that a test
# leaves running, and mounts, end with it.
clean_up() {
    [[ -z ${FRESH_KEEP:-} ]] || { say "the Debian is left in $folder"; return; }
    rm -rf --one-file-system "$folder"
}
trap clean_up EXIT

say "creating a bare Debian 12 in $folder"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,git,make bookworm "$folder" ||
    fail "mmdebstrap could not create a Debian; is there a connection to Debian's packages?"

# Everything needed to reach the registries from this network: names, certificates, proxies. Nothing
# else from this machine.
cp -L /etc/resolv.conf /etc/hosts "$folder/etc/"
cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"
[[ ! -f /etc/pip.conf ]] || cp /etc/pip.conf "$folder/etc/pip.conf"
network=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE CURL_CA_BUNDLE PIP_CERT PIP_INDEX_URL; do
    [[ -z ${!name:-} ]] || network+=("$name=${!name}")
done

mkdir -p "$folder/opt/rust" "$folder/root/kinescore"
cp -a "$sysroot/bin" "$sysroot/lib" "$folder/opt/rust/"
git clone --quiet --no-local "$root" "$folder/root/kinescore"

inside() {
    unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
        mount --make-rprivate /
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        mount -t sysfs -o ro sysfs "$1/sys" 2>/dev/null || true
        mount -t tmpfs tmpfs "$1/run"
        exec chroot "$@"
    ' - "$folder" env -i HOME=/root/home PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 CI=true "${network[@]}" bash -euo pipefail -c "$1"
}
packages() { inside "dpkg-query -W -f='\${Package}\n'" | sort; }

mkdir "$folder/root/home"
before=$(packages)
status=0
report=()
for target in "${targets[@]}"; do
    say "make $target"
    began=$SECONDS
    if inside "cd /root/kinescore && make $target" </dev/null; then
        report+=("make $target: passed, $(minutes $((SECONDS - began)))")
    else
        report+=("make $target: FAILED, $(minutes $((SECONDS - began)))")
        status=1
        break
    fi
done

installed=$(comm -13 <(printf '%s\n' "$before") <(packages))
printf '\nfresh: Debian packages that the set-up installed (%s):\n' "$(wc -w <<<"$installed")"
fold -s -w 110 <<<"$(xargs <<<"$installed")" | sed 's/^/  /'
printf 'fresh: left in the home folder: %s\n' "$(find "$folder/root/home" -mindepth 1 -maxdepth 2 -printf '%P ')"
printf 'fresh: commit %s, %s\n' "$(git -C "$folder/root/kinescore" rev-parse --short HEAD)" "$(rustc --version)"
printf 'fresh: %s\n' "${report[@]}"
exit $status
