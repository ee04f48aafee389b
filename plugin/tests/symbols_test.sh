#!/bin/sh
# Checks that the OpenFX plugin loads in a host that brings another C++ runtime (DaVinci Resolve
# does): it needs only the C library, neither takes C++ symbols from elsewhere nor offers any, and
# exports what OpenFX asks for and nothing else.
#
#   symbols_test.sh FILE.ofx
#
# Exit code: 0 when all of this holds, 1 otherwise.
set -eu
export LC_ALL=C
plugin=$1
bad=0
complain() {
    printf '%s: %s\n' "$plugin" "$*" >&2
    bad=1
}

needed=$(readelf --dynamic --wide "$plugin" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$needed" ] || complain "readelf lists no library that it needs; is it a shared library?"
for library in $needed; do
    case $library in
        libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | ld-linux*) ;;
        *) complain "needs $library; only the C library, libm and libdl are allowed" ;;
    esac
done

# A weak symbol may be missing: the C++ library asks so for transactional memory, which nobody uses.
# Lines of readelf: number, value, size, type, binding, visibility, section, name.
symbols=$(readelf --dyn-syms --wide "$plugin" | awk '$1 ~ /^[0-9]+:$/ && $8 != "" { sub(/@.*/, "", $8); print $7, $8, $5 }')
offered=$(printf '%s\n' "$symbols" | awk '$1 != "UND" && $1 != "ABS" { print $2 }' | sort)
wanted=$(printf 'OfxGetNumberOfPlugins\nOfxGetPlugin\nOfxSetHost')
[ "$offered" = "$wanted" ] || complain "exports $(echo $offered); expected $(echo $wanted)"
for symbol in $(printf '%s\n' "$symbols" | awk '$1 == "UND" && $3 != "WEAK" { print $2 }'); do
    case $symbol in
        # Static libstdc++ asks for its own thread exit function by this name, which is the C library's.
        __cxa_thread_atexit_impl | __cxa_finalize | __cxa_atexit) ;;
        _Z* | __cxa_* | __gxx_* | _Unwind_*) complain "takes the C++ symbol $symbol from elsewhere" ;;
    esac
done
exit $bad
