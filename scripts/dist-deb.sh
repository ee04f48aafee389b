#!/usr/bin/env bash
# Makes the package for this release of Debian from what `make install` put below WORK/stage/usr.
#
#   scripts/dist-deb.sh WORK VERSION FILE
#
# Runs in the root of the sources. WORK/stage becomes the package's root; SOURCE_DATE_EPOCH is the time
# of everything in it. What depends on the order of files is sorted, so that the same files give the same package.
set -euo pipefail

work=$1
version=$2
file=$3
stage=$work/stage/usr
documents=$stage/share/doc/kinescore
: "${SOURCE_DATE_EPOCH:?is the time of the files in the package; set it to that of the commit}"

fail() {
    printf 'dist: %s\n' "$*" >&2
    exit 1
}

gzip -9n "$stage"/share/man/man1/*.1
# Where Debian's zsh looks for what packages bring; the other folder is for what others install.
mkdir -p "$stage/share/zsh"
mv "$stage/share/zsh/site-functions" "$stage/share/zsh/vendor-completions"

# The licences in Debian's format stand in the place of their files.
python3 scripts/licences.py --debian > "$documents/copyright"
rm "$documents/LICENSE-MIT" "$documents/LICENSE-APACHE"
gzip -9n < CHANGELOG.md > "$documents/changelog.gz"
gzip -9n > "$documents/changelog.Debian.gz" <<CHANGELOG
kinescore ($version-1) unstable; urgency=medium

  * Kinescore $version; changelog.gz has the changes.

 -- The Kinescore developers <maintainers@kinescore.example>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
chmod 644 "$documents"/{copyright,changelog.gz,changelog.Debian.gz}
python3 scripts/shipped-docs.py "$stage" LICENSE-MIT=copyright LICENSE-APACHE=copyright
python3 scripts/shipped-docs.py --check "$stage" || fail "the package has dead links"

rm -rf "$work/stage/DEBIAN" "$work/shlibs"
mkdir -p "$work/stage/DEBIAN" "$work/shlibs/debian"
printf 'Source: kinescore\n\nPackage: kinescore\nArchitecture: any\n' > "$work/shlibs/debian/control"
(
    cd "$work/shlibs"
    # ONNX Runtime and the bundle are our own; their needs are looked at as well.
    dpkg-shlibdeps --ignore-missing-info -O -l"$stage/lib" "$stage"/bin/* "$stage"/lib/libkinescore.so.*.* \
        "$stage"/lib/kinescore/libonnxruntime.so.* "$stage"/lib/kinescore/*.bundle/Contents/*/*.ofx
) > "$work/depends"
depends=$(sed -n 's/^shlibs:Depends=//p' "$work/depends")
[[ -n $depends ]] || fail "dpkg-shlibdeps found no libraries that the program depends on"
cat > "$work/stage/DEBIAN/control" <<CONTROL
Package: kinescore
Version: $version-1
Architecture: $(dpkg --print-architecture)
Maintainer: The Kinescore developers <maintainers@kinescore.example>
Installed-Size: $(du -sk --apparent-size "$stage" | cut -f1)
Depends: $depends
Suggests: blender, kdenlive
Section: video
Priority: optional
Homepage: https://github.com/kinescore/kinescore
Description: soundtracks that follow the movement in a video
 Kinescore watches how people move in a video and writes the soundtrack:
 drums that land on the movement, then piano, guitar and bass, as MIDI, stems
 and finished audio. It works on this machine alone, from the command line or
 in Kdenlive, Blender and OpenFX hosts (kinescore install EDITOR).
CONTROL
# The cache of libraries is brought up to date once, after all packages of a run.
printf 'activate-noawait ldconfig\n' > "$work/stage/DEBIAN/triggers"
(
    cd "$work/stage"
    find usr -type f -print0 | sort -z | xargs -0 md5sum
) > "$work/stage/DEBIAN/md5sums"
chmod 644 "$work/stage/DEBIAN"/*
find "$work/stage" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$work/stage" "$file" >&2
