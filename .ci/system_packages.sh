#!/bin/sh
# Installs the Debian packages that are missing for a purpose; says what to install by hand where it cannot.
#
#   .ci/system_packages.sh venv|demo|web|test|voices
#
# As root it installs; otherwise with sudo, if that asks for no password. Where nothing is missing it does nothing.
set -u
purpose=${1:?usage: .ci/system_packages.sh venv|demo|web|test|voices}
here=$(dirname "$0")
missing=

need() { # PACKAGE, then a command that succeeds when the package is not needed
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
have() { command -v "$1"; }
arm_library() { case $(arm-none-eabi-gcc -print-file-name="$1") in */*) ;; *) return 1 ;; esac; }
fuzzer() { [ -n "$(find "$(clang++ -print-resource-dir)" -name 'libclang_rt.fuzzer*.a' | head -n 1)" ]; }

wasm() { # HEADER: what includes it compiles for WebAssembly
    printf '#include <%s>\nint value;\n' "$1" |
        "${KWS_WASM_CXX:-clang++}" --target=wasm32-wasi -fsyntax-only -x c++ -
}

look() {
    missing=
    case $purpose in
    venv) need python3-venv "${PYTHON:-python3}" -c 'import ensurepip, venv' ;;
    voices | web) ;;
    demo | test)
        need gcc-arm-none-eabi have arm-none-eabi-g++
        need libnewlib-arm-none-eabi arm_library libc.a
        need libstdc++-arm-none-eabi-newlib arm_library libstdc++.a
        need qemu-system-arm have "${KWS_QEMU:-qemu-system-arm}"
        ;;
    *)
        echo "error: .ci/system_packages.sh knows venv, demo, web, test and voices. Received: $purpose" >&2
        exit 2
        ;;
    esac
    if [ "$purpose" = test ]; then
        need g++ have g++
        need valgrind have valgrind
        need clang have clang++
        need cppcheck have cppcheck
        need libclang-rt-dev fuzzer
        need chromium have chromium
    fi
    [ "$purpose" != web ] || need clang have "${KWS_WASM_CXX:-clang++}"
    if [ "$purpose" = test ] || [ "$purpose" = web ]; then
        need lld have wasm-ld
        need wasi-libc wasm string.h
        need libc++-dev-wasm32 wasm algorithm
    fi
    if [ "$purpose" = test ] || [ "$purpose" = voices ]; then
        need espeak-ng have espeak-ng
        need flite have flite
    fi
}

look
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "error: missing here:$missing (Debian's names). Install them by hand with this system's own means, then run" \
        "the same command again." >&2
    exit 2
fi
if [ "$(id -u)" -eq 0 ]; then
    root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    root="sudo -n"
else
    echo "error: missing packages, and neither root nor sudo without a password. Run:" \
        "sudo apt-get install --no-install-recommends$missing" >&2
    exit 2
fi
install="$root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120"
# shellcheck disable=SC2086  # the words are meant to be split
"$here/quiet.sh" "Updating the package lists" build/logs/apt-update.log $install update || exit 2
# shellcheck disable=SC2086
"$here/quiet.sh" "Installing$missing" build/logs/apt-install.log \
    $install install -y --no-install-recommends $missing || exit 2
look
if [ -n "$missing" ]; then
    echo "error: still missing after their installation:$missing. Look into build/logs/apt-install.log." >&2
    exit 2
fi
