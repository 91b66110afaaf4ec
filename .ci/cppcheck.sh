#!/bin/sh
# Looks through our C++ with cppcheck, beside clang-tidy: every source of the firmware as a Cortex-M4 compiles it, then as
# one with Helium does, but not what is generated, whose tables of weights take it a quarter of an hour. Exit 1 with what
# was found.
set -eu
cd "$(dirname "$0")/.."
look() {
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --std=c++17 --language=c++ \
        --platform=unix32 --suppressions-list=.cppcheck-suppressions --template='{file}:{line}: {severity} {id}: {message}' \
        '-DKWS_BOARD_NAME="board"' -DKWS_CLOCK_HZ=25000000 -DKWS_ICOUNT_SHIFT=9 -DNDEBUG -D__ARM_FP=1 -D__ARM_FEATURE_DSP=1 -D__CORTEX_M=4 \
        -Ifirmware/include -Ifirmware/src -Ifirmware/boards -Ifirmware/generated "$@" firmware/src firmware/boards
}
look -D__ARM_ARCH_7EM__=1 -Ifirmware/boards/mps2_an386
look -D__ARM_ARCH_8_1M_MAIN__=1 -D__ARM_FEATURE_MVE=1 -Ifirmware/boards/mps3_an547
