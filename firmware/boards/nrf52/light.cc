// The board's light shows a detection.
#include "board_config.h"
#include "kws/board.h"
#include "nrf52/pin.h"

namespace kws::board {

void ShowDetection(bool detected) {
  MakeOutput(kLightPin, detected == kLightIsHigh);
  if (kLightHasGround) MakeOutput(kLightGround, false);
}

}  // namespace kws::board
