// Versions of the firmware: of its release, and of what it expects of generated code.
#pragma once

// The contract between generated code and the hand-written sources: which constants, tables, kernels and buffers
// generated files define and use, and what they mean. Grows with every change of it. Generated files refuse to be
// compiled with another number than their generator's, CONTRACT_VERSION in codegen/kws_codegen/version.py (a test holds
// the two equal). A macro, so that a firmware that lacks it is told apart too.
#define KWS_CONTRACT_VERSION 8

namespace kws {

// Equal to the Python distribution's version (a test holds this).
inline constexpr char kFirmwareVersion[] = "0.1.0";

}  // namespace kws
