#!/usr/bin/env bash
# Tries what scripts/dist.sh built where nobody has a compiler: a bare Debian 12 with the package,
# and a bare Debian 13 with the tarball. In each the demo clip is rendered, `doctor` finds everything,
# Kinescore is installed in Blender (by the program, and from the zip), in Kdenlive and for OpenFX
# hosts, a project gets a soundtrack that melt renders, and after the removal nothing is left.
#
#   scripts/test-dist.sh [DIR]            with what is in DIR (default: dist/)
#   FRESH_KEEP=1 scripts/test-dist.sh     keeps both Debians for inspection
#   EDITORS=no scripts/test-dist.sh       without Blender, Kdenlive and melt, which are 700 MB each
#
# Takes root, mmdebstrap and a connection to Debian's packages; about 15 minutes. Exit code: 0 when
# everything passed, 1 otherwise, 2 when a Debian could not be made.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dist=$(realpath "${1:-$root/dist}")
clip=$root/tests/fixtures/walking-two-people.mp4

say() { printf 'test-dist: %s\n' "$*" >&2; }
fail() {
    printf 'test-dist: %s\n' "$*" >&2
    exit "${2:-1}"
}
((EUID == 0)) || fail "a chroot takes root; run it with sudo" 2
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing; install it: apt-get install mmdebstrap" 2
(cd "$dist" && sha256sum --quiet --check SHA256SUMS) || fail "$dist is not what scripts/dist.sh built; run it first"
unlisted=$(cd "$dist" && comm -23 <(find kinescore* LICENCES.txt sources -type f | sort) <(sed 's/^[0-9a-f]*  //' SHA256SUMS | sort))
[[ -z $unlisted ]] || fail "SHA256SUMS lacks $unlisted"
for part in "ONNX Runtime" FFmpeg Opus dav1d zlib pugixml "JSON for Modern C++" OpenFX "SIL OPEN FONT LICENSE" "Frank Wen"; do
    grep -q -F -- "$part" "$dist/LICENCES.txt" || fail "LICENCES.txt does not name $part"
done

folder=$(mktemp -d "$root/target/test-dist.XXXXXX")
mounted=()
clean_up() {
    for place in "${mounted[@]}"; do umount "$place" || true; done
    [[ -z ${FRESH_KEEP:-} ]] || { say "the Debians are left in $folder"; return; }
    rm -rf --one-file-system "$folder"
}
trap clean_up EXIT

# The Debian of a release, in $folder/RELEASE.
make_debian() {
    local release=$1 place=$folder/$1
    say "making a bare Debian $release"
    mmdebstrap --quiet --variant=minbase --include=ca-certificates "$release" "$place" ||
        fail "mmdebstrap could not make a Debian; is there a connection to Debian's packages?" 2
    cp -L /etc/resolv.conf /etc/hosts "$place/etc/"
    cp -L /etc/ssl/certs/ca-certificates.crt "$place/etc/ssl/certs/ca-certificates.crt"
    mkdir -p "$place/home/user" "$place/try"
    cp "$clip" "$place/try/walk.mp4"
    cp "$dist"/kinescore* "$place/try/"
    mount -t proc proc "$place/proc"
    mounted=("$place/proc" "${mounted[@]}")
}

# A command in a Debian, with an empty environment and a time limit.
within() {
    local place=$folder/$1
    shift
    timeout --kill-after=10 900 chroot "$place" /usr/bin/env -i HOME=/home/user PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

install_packages() {
    local release=$1
    shift
    within "$release" apt-get update -qq >&2
    within "$release" apt-get install -y -qq --no-install-recommends "$@" >> "$folder/$release.log" 2>&1 ||
        fail "$release: apt-get could not install $*: $(tail -n 5 "$folder/$release.log")"
}

# What is in a Debian apart from what changes by itself.
listing() {
    (cd "$folder/$1" && find etc home opt usr -not -path 'usr/share/mime/*' -not -path 'etc/ld.so.cache' | sort)
}

# The greatest sample of a WAV file of 16 bits, as melt writes them.
peak_of() {
    python3 -c '
import array, sys, wave
with wave.open(sys.argv[1]) as sound:
    assert sound.getsampwidth() == 2, sound.getsampwidth()
    print(max(map(abs, array.array("h", sound.readframes(sound.getnframes())))))
' "$1"
}

# A render, doctor, and outputs that are whole, with the program at this path.
try_program() {
    local release=$1 program=$2
    ! within "$release" sh -c 'command -v gcc cc clang rustc' || fail "$release: there is a compiler"
    within "$release" "$program" doctor || fail "$release: doctor finds something missing"
    say "$release: rendering"
    within "$release" "$program" render /try/walk.mp4 -o /try/out.mp4 --midi /try/out.mid --wav /try/out.wav --json /try/out.json \
        --stems /try/stems >&2 || fail "$release: the render failed"
    local name
    for name in out.mp4 out.mid out.wav out.json stems/drums.wav; do
        [[ -s $folder/$release/try/$name ]] || fail "$release: $name is missing"
    done
    # The same notes everywhere.
    sha256sum < "$folder/$release/try/out.mid" > "$folder/$release.notes"
}

# The documents of a package, with their links, below a prefix in a Debian.
try_documents() {
    local release=$1 prefix=$folder/$1$2
    python3 "$root/scripts/shipped-docs.py" --check "$prefix" || fail "$release: a document has a dead link"
    cmp "$dist/LICENCES.txt" "$prefix/share/doc/kinescore/LICENCES.txt" || fail "$release: LICENCES.txt is another one"
}

# What Debian expects of a package.
try_package() {
    local release=$1 documents=$folder/$1/usr/share/doc/kinescore changed known
    changed=$(within "$release" dpkg --verify kinescore) || fail "$release: dpkg finds other files than in the package: $changed"
    [[ -z $changed ]] || fail "$release: dpkg finds other files than in the package: $changed"
    [[ -s $folder/$release/var/lib/dpkg/info/kinescore.md5sums ]] || fail "$release: the package has no checksums"
    [[ ! -e $folder/$release/var/lib/dpkg/info/kinescore.postinst ]] || fail "$release: the package has a script; ldconfig has a trigger"
    known=$(within "$release" ldconfig -p)
    grep -q 'libkinescore\.so\.' <<< "$known" || fail "$release: the loader does not know the library"
    [[ $(head -n 1 "$documents/copyright") == "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/" ]] ||
        fail "$release: the copyright is not in Debian's format"
    zcat "$documents/changelog.Debian.gz" | grep -q '^kinescore (' || fail "$release: the package has no changelog"
    [[ -s $folder/$release/usr/share/zsh/vendor-completions/_kinescore ]] || fail "$release: zsh would not find its completion"
}

# A command in Python in the Blender of a Debian; the arguments after it are its own.
in_blender() {
    local release=$1 command=$2
    shift 2
    within "$release" blender --background --python-exit-code 3 --python-expr "$command" -- "$@" >> "$folder/$release.log" 2>&1 ||
        fail "$release: Blender: $(tail -n 20 "$folder/$release.log")"
}

# A project (its path is the first argument) with a movie strip and its soundtrack.
make_strip='
import bpy, sys
scene = bpy.context.scene
editor = scene.sequence_editor_create()
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
strips.new_movie("walk", "/try/walk.mp4", 1, 1)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[sys.argv.index("--") + 1])
bpy.ops.kinescore.generate()
assert [strip for strip in strips if strip.type == "SOUND"], "no sound"
'

# The zip in the Blender of this Debian, and Kinescore in the folder that its preferences name; an
# empty name leaves the search to the add-on.
try_zip() {
    local release=$1 place=$2 zip module
    zip=/try/$(basename "$dist"/kinescore-blender-*.zip)
    say "$release: the zip in Blender"
    if [[ $release == bookworm ]]; then
        module=kinescore
        in_blender "$release" "import bpy; bpy.ops.preferences.addon_install(filepath='$zip'); bpy.ops.preferences.addon_enable(module='$module'); bpy.ops.wm.save_userpref()"
    else
        # Blender 4.2 and later: an extension.
        module=bl_ext.user_default.kinescore
        within "$release" blender --command extension validate "$zip" >&2 || fail "$release: Blender refuses the extension"
        within "$release" blender --command extension install-file --repo user_default --enable "$zip" >> "$folder/$release.log" 2>&1 ||
            fail "$release: the extension cannot be installed: $(tail -n 20 "$folder/$release.log")"
    fi
    in_blender "$release" "import bpy
bpy.context.preferences.addons['$module'].preferences.library = '$place'
$make_strip" /try/zip.blend
}

# Kinescore in the editors of this Debian, and a project that melt renders.
try_editors() {
    local release=$1 program=$2 library=$3 editor report
    [[ ${EDITORS:-yes} == yes ]] || { say "SKIPPED: editors in $release (EDITORS=no)"; return 0; }
    say "$release: installing Blender, Kdenlive and melt"
    install_packages "$release" blender kdenlive melt
    # Blender makes the folder of its version when it starts for the first time.
    within "$release" blender --background --python-expr \
        "import bpy; bpy.ops.wm.save_userpref()" >> "$folder/$release.log" 2>&1
    if [[ $program == /* ]]; then
        # A shell does not find the program; so the report names it in a way that a shell can.
        report=$(within "$release" "$program" doctor --editors) || fail "$release: doctor --editors: $report"
        grep -q -F "to install it: '$program' install kdenlive" <<< "$report" ||
            fail "$release: doctor --editors does not say how to start the program"
    fi
    within "$release" "$program" install blender --library "$library" >&2
    within "$release" blender --background --python-expr \
        "import bpy; bpy.ops.preferences.addon_enable(module='kinescore'); bpy.ops.wm.save_userpref()" >> "$folder/$release.log" 2>&1
    within "$release" "$program" install kdenlive >&2
    within "$release" "$program" install ofx >&2
    report=$(within "$release" "$program" doctor --editors) || fail "$release: doctor --editors: $report"
    printf '%s\n' "$report" >&2
    grep -q '^ok OpenFX' <<< "$report" || fail "$release: the OpenFX bundle is not found"
    grep -q 'the add-on is enabled' <<< "$report" || fail "$release: the add-on is not enabled in Blender"

    say "$release: a strip in Blender"
    in_blender "$release" "$make_strip" /try/film.blend
    # Without the sound of the clip itself, so that what is heard is the soundtrack.
    say "$release: a project of melt"
    within "$release" timeout 120 melt -profile atsc_720p_25 /try/walk.mp4 in=0 out=74 audio_index=-1 -consumer xml:/try/film.mlt >> "$folder/$release.log" 2>&1
    within "$release" "$program" timeline add /try/film.mlt >&2
    within "$release" timeout 120 melt /try/film.mlt -consumer avformat:/try/film.wav vn=1 >> "$folder/$release.log" 2>&1
    local peak
    peak=$(peak_of "$folder/$release/try/film.wav") || fail "$release: melt's sound cannot be read"
    ((peak > 3000)) || fail "$release: melt's sound is silent: its peak is $peak of 32768"

    for editor in blender kdenlive ofx; do within "$release" "$program" uninstall "$editor" >&2; done
    ! within "$release" find /home/user/.config/blender /home/user/.local/share/kdenlive /usr/OFX -iname '*kinescore*' 2>/dev/null | grep . ||
        fail "$release: something is left in an editor's folder"
    [[ ! -e $folder/$release/usr/OFX ]] || fail "$release: the empty folder /usr/OFX is left"
}

# Debian 12: the package.
make_debian bookworm
before=$(listing bookworm)
install_packages bookworm "/try/$(basename "$dist"/kinescore_*.deb)"
try_package bookworm
try_documents bookworm /usr
try_program bookworm kinescore
try_editors bookworm kinescore /usr/lib/libkinescore.so
try_zip bookworm ""
within bookworm apt-get purge -y -qq kinescore >> "$folder/bookworm.log" 2>&1
left=$(find "$folder/bookworm/usr" "$folder/bookworm/etc" "$folder/bookworm/opt" -iname '*kinescore*')
[[ -z $left ]] || fail "bookworm: left after the removal: $left"
if [[ ${EDITORS:-yes} != yes ]]; then
    within bookworm apt-get autoremove --purge -y -qq >> "$folder/bookworm.log" 2>&1
    left=$(comm -13 <(printf '%s\n' "$before") <(listing bookworm) | grep -v -e '^home/user/.cache/kinescore' -e '^home/user/.cache$' || true)
    say "bookworm: files of libraries that are left after the removal: $(grep -c . <<< "$left" || true)"
fi

# Debian 13: the tarball, unpacked anywhere. Its only needs are the C and C++ libraries.
make_debian trixie
install_packages trixie zstd
within trixie sh -c 'mkdir -p "/opt/any where" && tar --zstd -xf /try/kinescore-*.tar.zst -C "/opt/any where"'
place="/opt/any where/$(basename "$dist"/kinescore-*-linux-*.tar.zst .tar.zst)"
try_documents trixie "$place"
try_program trixie "$place/bin/kinescore"
cmp "$folder/bookworm.notes" "$folder/trixie.notes" || fail "the notes in Debian 13 are not those in Debian 12"
try_editors trixie "$place/bin/kinescore" "$place/lib/libkinescore.so"
try_zip trixie "$place"
say "passed"
