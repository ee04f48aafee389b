#!/usr/bin/env bash
# The libraries that the tarball takes along, in DIR: FFmpeg, built from this Debian's source with
# nothing in it that is not under the LGPL, and what else a machine may lack.
#
#   scripts/dist-libraries.sh WORK DIR
#
# The sources stay in WORK/ffmpeg; what is built there already is used again.
set -euo pipefail

work=$1
into=$2

say() { printf 'dist: %s\n' "$*" >&2; }
fail() {
    printf 'dist: %s\n' "$*" >&2
    exit 1
}

version=$(dpkg-query -W -f='${source:Version}' libavcodec-dev)
built=$work/ffmpeg/$version
if [[ ! -e $built/done ]]; then
    rm -rf "$work/ffmpeg"
    mkdir -p "$built" "$work/ffmpeg/apt/lists/partial" "$work/ffmpeg/apt/archives/partial"
    # The same servers as the binary packages come from.
    mapfile -t sites < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u)
    ((${#sites[@]})) || fail "apt-get knows no server of packages; run apt-get update first"
    printf 'deb-src %s\n' "${sites[@]}" > "$work/ffmpeg/sources.list"
    apt=(apt-get -o "Dir::Etc::SourceList=$work/ffmpeg/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$work/ffmpeg/apt/lists" -o APT::Sandbox::User=root)
    say "fetching the source of FFmpeg $version"
    "${apt[@]}" update -qq >&2
    (cd "$work/ffmpeg" && "${apt[@]}" source -qq --only-source "ffmpeg=$version" >&2) ||
        fail "the source of FFmpeg $version cannot be fetched from the servers of the binary packages"
    mapfile -t sources < <(find "$work/ffmpeg" -maxdepth 1 -type d -name 'ffmpeg-*')
    ((${#sources[@]} == 1)) || fail "one folder of sources was expected in $work/ffmpeg; there are ${#sources[@]}"
    say "building FFmpeg $version"
    (
        cd "${sources[0]}"
        # Neither --enable-gpl nor --enable-nonfree. No network, no devices, no filters: what reads and writes files.
        # The options are part of the libraries, so that they name no folder of this machine.
        ./configure --prefix=/ffmpeg --disable-static --enable-shared --disable-programs --disable-doc --disable-network \
            --disable-autodetect --disable-avdevice --disable-avfilter --disable-postproc --disable-debug \
            --enable-zlib --enable-libopus --enable-libdav1d --enable-pic >&2
        make -j"$(nproc)" >&2
        make install DESTDIR="$built" >&2
    ) > "$work/ffmpeg/log" 2>&1 || fail "FFmpeg cannot be built; the end of $work/ffmpeg/log: $(tail -n 5 "$work/ffmpeg/log")"
    grep -q 'License: LGPL' "$work/ffmpeg/log" || fail "FFmpeg was not configured for the LGPL; see $work/ffmpeg/log"
    cp "${sources[0]}/COPYING.LGPLv2.1" "$built/"
    sed -n 's/^#define FFMPEG_CONFIGURATION "\(.*\)"$/\1/p' "${sources[0]}/config.h" > "$built/configuration"
    touch "$built/done"
fi

mkdir -p "$into"
for library in "$built"/ffmpeg/lib/lib*.so.*; do
    # The name that programs ask for is the file; its longer names are not needed.
    soname=$(objdump -p "$library" | sed -n 's/^ *SONAME *//p')
    [[ $(basename "$library") != "$soname" ]] || { cp -L "$library" "$into/$soname" && strip --strip-unneeded "$into/$soname"; }
done
install -m644 "$built/COPYING.LGPLv2.1" "$into/FFmpeg-COPYING.LGPLv2.1"
# The LGPL asks for the source, and for the way to build it again.
cat > "$into/FFmpeg-SOURCE.txt" <<TEXT
FFmpeg here was built from Debian's source package ffmpeg $version, which lies beside the tarball in
"sources", by scripts/dist-libraries.sh of Kinescore's source, with these options:

$(cat "$built/configuration")

Libraries of the same version may be put in the place of these.
TEXT
# Under licences that allow it: BSD (Opus, dav1d), MIT (pugixml), zlib.
for soname in libopus.so.0 libdav1d.so.6 libpugixml.so.1 libz.so.1; do
    library=$(ldconfig -p | sed -n "s|^\s*$soname .*=> ||p" | head -n 1)
    [[ -n $library ]] || fail "$soname is not installed"
    cp -L "$library" "$into/$soname"
    # dpkg may know it below /lib, which is a link to /usr/lib.
    package=$(dpkg -S "*/$(basename "$(realpath "$library")")" | head -n 1 | cut -d: -f1)
    install -m644 "/usr/share/doc/$package/copyright" "$into/$package-copyright"
done
