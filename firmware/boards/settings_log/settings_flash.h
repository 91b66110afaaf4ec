// What settings_log.cc wants of a chip: two areas of flash that are erased each as a whole and written eight bytes at a
// time. Private to firmware/boards.
//
// board_config.h says where they lie: kSettingsAreas, an array of two addresses, and kSettingsAreaBytes of each, a
// multiple of 8 and at most 65,536.
#pragma once

#include <cstdint>

namespace kws::board {

// The unit in which flash is written: at once, and once only after its area was erased.
constexpr uint32_t kUnitBytes = 8;
struct Unit {
  uint32_t words[2];

  bool IsErased() const { return (words[0] & words[1]) == UINT32_MAX; }
  bool operator==(const Unit& other) const { return words[0] == other.words[0] && words[1] == other.words[1]; }
};

// Around writing and erasing. What stands between them may fail; CloseSettingsFlash() is called all the same.
bool OpenSettingsFlash();
void CloseSettingsFlash();

// Returns false where the unit is not what anybody wrote: power failed while it was written or erased, and the chip
// can tell.
bool ReadUnit(uintptr_t address, Unit* unit);

// Returns false where the chip says that it could not.
bool WriteUnit(uintptr_t address, const Unit& unit);
bool EraseSettingsArea(uintptr_t address);

}  // namespace kws::board
