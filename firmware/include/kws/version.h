// Version of the firmware's release, equal to the Python distribution's (a test holds this).
#pragma once

namespace kws {

inline constexpr char kFirmwareVersion[] = "0.1.0";

}  // namespace kws
