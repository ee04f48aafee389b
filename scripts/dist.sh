#!/usr/bin/env bash
# Builds what people without a compiler install, in DIR (default: dist/):
#
#   kinescore_VERSION_ARCH.deb             for this release of Debian: program, library, models, ONNX Runtime, OpenFX
#                                          bundle, add-on for Blender, clip job for Kdenlive, man pages, completions
#   kinescore-VERSION-linux-MACHINE.tar.zst    the same with libraries of its own; runs where it is unpacked
#   kinescore-blender-VERSION.zip          the add-on, which Blender installs from the file
#   LICENCES.txt                           the licence of everything in them
#   sources/                               the source of the FFmpeg in the tarball, as the LGPL asks
#   SHA256SUMS                             of all these files
#
#   scripts/dist.sh [DIR]
#
# The files depend on the commit alone: paths and times of this machine are not in them. There is one
# exception: LLVM assigns the registers of two functions of the crate fast_image_resize differently from
# run to run, so that program and library may differ in some hundred bytes. Cargo derives names of
# symbols from the folder of the sources, so a copy of them is built, always in /var/tmp/kinescore-dist.
# What was built there stays for the next run, a few GB; remove the folder to start afresh. It must belong
# to the user who builds, and one run uses it at a time. Takes about 20 minutes on two cores, and a
# connection to the package registries. Exit code: 0 when all files were built, 1 otherwise.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
out=$(realpath -m "${1:-dist}")

say() { printf 'dist: %s\n' "$*" >&2; }
fail() {
    printf 'dist: %s\n' "$*" >&2
    exit 1
}

# Nobody else may put files there.
fixed=/var/tmp/kinescore-dist
mkdir -m 700 "$fixed" 2> /dev/null || true
[[ -d $fixed && ! -L $fixed ]] || fail "$fixed is not a folder, or cannot be made; remove it"
[[ -O $fixed ]] || fail "$fixed belongs to $(stat -c %U "$fixed"); only its owner can build there: build as that user, or have it removed"
chmod 700 "$fixed"
exec {lock}> "$fixed/lock"
if ! flock --nonblock "$lock"; then
    say "waiting for another run, which uses $fixed"
    flock "$lock"
fi

scripts/setup.sh dist
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
machine=$(uname -m)
arch=$(dpkg --print-architecture)
name=kinescore-$version-linux-$machine
[[ -z $(git status --porcelain) ]] || say "warning: what is not committed is built as well"
# The time of everything in the packages.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022

# The copy has the files of this folder that git knows or does not ignore. Those that are the same
# stay, others get the present time: cargo compares times, and a file of another commit may be older
# than what was built from the previous copy.
tree=$fixed/tree
mkdir -p "$tree"
while IFS= read -r -d '' file; do
    # Not what is removed but still in the index, nor what an earlier run has made here.
    [[ ! -e $file || $root/$file == "$out"/* ]] || printf '%s\0' "$file"
done < <(git ls-files -z --cached --others --exclude-standard) | sort -z > "$fixed/files"
(
    cd "$tree"
    find . -mindepth 1 ! -type d -printf '%P\0' | sort -z | comm -z -23 - "$fixed/files" | xargs -0r rm -f
    find . -mindepth 1 -type d -empty -delete
)
while IFS= read -r -d '' file; do
    mode=644
    [[ ! -x $file ]] || mode=755
    copy=$tree/$file
    if [[ ! -f $copy || $(stat -c %a "$copy") != "$mode" ]] || ! cmp -s "$file" "$copy"; then
        install -D -m "$mode" "$file" "$copy"
    fi
done < "$fixed/files"
ln -s "$root/.setup" "$tree/.setup"

work=$fixed/work
export CARGO_TARGET_DIR=$work/cargo
# What other compilers or other crates have left is not used again.
made_by=$(rustc -vV && sha256sum Cargo.lock)
if [[ $(cat "$work/made-by" 2> /dev/null) != "$made_by" ]]; then
    rm -rf "$CARGO_TARGET_DIR"
    mkdir -p "$work"
    printf '%s\n' "$made_by" > "$work/made-by"
fi
# Paths of this machine are replaced in messages of the program.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# A build ID would be a hash of what is stripped later, too, such as names of the compiler's temporary files.
export LDFLAGS="-Wl,--build-id=none"
export RUSTFLAGS="--remap-path-prefix=$tree=/kinescore --remap-path-prefix=$cargo_home=/cargo -C link-arg=$LDFLAGS"
# Headers that build scripts write are in the target folder.
mapped="-ffile-prefix-map=$tree=/kinescore -ffile-prefix-map=$CARGO_TARGET_DIR=/target -ffile-prefix-map=$cargo_home=/cargo"
export CFLAGS=$mapped CXXFLAGS=$mapped

cd "$tree"
rm -rf "$work/stage" "$work/tar"
mkdir -p "$work" "$out"
rm -f "$out"/kinescore[_-]* "$out/LICENCES.txt" "$out/SHA256SUMS"

say "building"
make --no-print-directory install DESTDIR="$work/stage" PREFIX=/usr >&2
stage=$work/stage/usr
# The static library is for builders. kinescore-ges would need GES, which few have.
rm -f "$stage/lib/libkinescore.a" "$stage/bin/kinescore-ges"
strip --strip-unneeded "$stage/bin/"* "$stage"/lib/libkinescore.so.*.*
python3 scripts/licences.py > "$out/LICENCES.txt"
install -m644 "$out/LICENCES.txt" "$stage/share/doc/kinescore/LICENCES.txt"

say "making the add-on for Blender"
zip_folder=$work/zip
rm -rf "$zip_folder"
mkdir -p "$zip_folder/kinescore"
cp plugin/blender/kinescore/*.py plugin/blender/kinescore/blender_manifest.toml plugin/settings.json LICENSE-MIT LICENSE-APACHE \
    "$zip_folder/kinescore/"
python3 - "$zip_folder" "$out/kinescore-blender-$version.zip" "$SOURCE_DATE_EPOCH" <<'PYTHON'
import os, sys, time, zipfile

folder, path, seconds = sys.argv[1:]
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for name in sorted(os.listdir(os.path.join(folder, "kinescore"))):
        entry = zipfile.ZipInfo(f"kinescore/{name}", time.gmtime(int(seconds))[:6])
        entry.external_attr = 0o100644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(os.path.join(folder, "kinescore", name), "rb") as file:
            archive.writestr(entry, file.read())
PYTHON

# Everything has the commit's time and belongs to root.
settle() {
    find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

say "making the tarball"
tar=$work/tar/$name
mkdir -p "$work/tar"
cp -a "$stage" "$tar"
scripts/dist-libraries.sh "$work" "$tar/lib/kinescore"
rm -rf "$out/sources"
mkdir "$out/sources"
cp -p "$work"/ffmpeg/ffmpeg_*.dsc "$work"/ffmpeg/ffmpeg_*.tar.* "$out/sources/"
# Programs and libraries look for the libraries beside them first.
for file in "$tar"/bin/*; do patchelf --set-rpath '$ORIGIN/../lib/kinescore' "$file"; done
for file in "$tar"/lib/libkinescore.so.*.*; do patchelf --set-rpath '$ORIGIN/kinescore' "$file"; done
for file in "$tar"/lib/kinescore/lib{av,sw}*.so.*; do patchelf --set-rpath '$ORIGIN' "$file"; done
rm -f "$tar/lib/pkgconfig/kinescore.pc"
sed -e 's|@PREFIX@|${pcfiledir}/../..|' -e "s|@VERSION@|$version|" ffi/kinescore.pc.in > "$tar/lib/pkgconfig/kinescore.pc"
python3 scripts/shipped-docs.py "$tar"
python3 scripts/shipped-docs.py --check "$tar" || fail "the tarball has dead links"
settle "$tar"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$work/tar" "$name" |
    zstd -q -19 -T0 --no-progress -o "$out/$name.tar.zst" -f

# A path of this machine in a file would make the packages depend on where they were built.
for folder in "$root" "$fixed" "$cargo_home"; do
    named=$(grep -rlaF -- "$folder" "$tar" "$stage" || true)
    [[ -z $named ]] || fail "these files name $folder of this machine: $named"
done

say "making the package"
scripts/dist-deb.sh "$work" "$version" "$out/kinescore_$version-1_$arch.deb"

(cd "$out" && find kinescore[_-]* LICENCES.txt sources -type f -print0 | sort -z | xargs -0 sha256sum > SHA256SUMS)
say "built in $out:"
(cd "$out" && du -h --apparent-size kinescore[_-]* LICENCES.txt) >&2
