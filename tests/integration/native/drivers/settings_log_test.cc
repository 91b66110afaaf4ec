// Kept settings in a model of each chip's flash: settings_log.cc with the chip's own settings_flash.cc below it.
#include <cstdint>
#include <vector>

#include "board_config.h"
#include "cases.h"
#include "flash_model.h"
#include "kws/settings.h"
#include "register_model.h"

namespace kws::model {
namespace {

using board::LoadSettings;
using board::SaveSettings;

constexpr uint32_t kSlowestLooks = 1500000;
constexpr size_t kMostBytes = kSettingsAreaBytes - 8;

using Bytes = std::vector<uint8_t>;

Bytes Some(size_t size, uint32_t seed) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(((seed + 1) * 2654435761u + i * 40503u) >> 8);
  return bytes;
}

Bytes Loaded() {
  Bytes bytes(kSettingsAreaBytes, 0xAA);
  const size_t size = LoadSettings(bytes.data(), bytes.size());
  for (size_t i = size; i < bytes.size(); ++i) Check(bytes[i] == 0xAA, "bytes behind the settings are left alone");
  bytes.resize(size);
  return bytes;
}

Status Save(const Bytes& bytes) {
  const Status status = SaveSettings(bytes.data(), bytes.size());
  CheckAtRest();
  return status;
}

void NewChipHasNone() {
  NewChip();
  Check(Loaded().empty(), "settings of a new chip");
  Check(TimesOpened() == 0, "loading changes flash");
}

void WhatWasSavedLastIsLoaded() {
  NewChip();
  for (uint32_t round = 0; round < 40; ++round) {
    const Bytes bytes = Some(round % 3 == 0 ? 7 : 64 + round, round);
    Check(Save(bytes) == Status::kOk, "saved");
    Check(Loaded() == bytes, "loaded at once");
    PowerUp();
    Check(Loaded() == bytes, "loaded after a start");
  }
}

void SavingNoneForgets() {
  NewChip();
  Check(Save(Some(9, 1)) == Status::kOk, "some");
  Check(Save({}) == Status::kOk, "none");
  PowerUp();
  Check(Loaded().empty(), "forgotten");
  Check(Save(Some(10, 2)) == Status::kOk && Loaded() == Some(10, 2), "others");
}

void AreasAreErasedInTurnAndSeldom() {
  NewChip();
  const size_t size = kSettingsAreaBytes / 8 - 8;  // eight have room
  uint32_t erased = 0;
  for (uint32_t round = 0; round < 80; ++round) {
    Check(Save(Some(size, round)) == Status::kOk, "saved");
    erased = g_erased;
  }
  Check(Loaded() == Some(size, 79), "the last");
  Check(erased == 8, "80 times eight to an area, two of which were new");
}

void TooLargeIsRefusedAndTooSmallIsNotFilled() {
  NewChip();
  Check(Save(Some(kMostBytes + 1, 1)) == Status::kOutOfRange, "a byte more than there is room for");
  Check(TimesOpened() == 0, "nothing is touched for what has no room");
  Check(Save(Some(kMostBytes, 1)) == Status::kOk && Loaded() == Some(kMostBytes, 1), "all there is room for");
  Bytes small(kMostBytes - 1);
  Check(LoadSettings(small.data(), small.size()) == 0, "room for a byte less");
  Check(Save(Some(kMostBytes, 2)) == Status::kOk && Loaded() == Some(kMostBytes, 2), "and again");
}

// Wherever the power fails there are the settings of before or the new ones, and others can be saved.
void PowerFailsAnywhere() {
  NewChip();
  const size_t size = kSettingsAreaBytes / 7;
  const uint32_t writes = static_cast<uint32_t>((size + 7) / 8 + 1) * kWritesOfAUnit + 1;  // and an erasure
  Bytes before;
  uint32_t fails_in_an_erasure = 0;
  for (uint32_t round = 0; round < 30; ++round) {
    const Bytes after = Some(size, round);
    const Memory kept = g_memory;
    for (uint32_t left = 1; left <= writes; left += left < 6 || left + 6 > writes ? 1 : 1 + writes / 12) {
      g_memory = kept;
      PowerUp();
      g_power_left = left;
      (void)Save(after);
      fails_in_an_erasure += g_erased != 0 && left == 1 ? 1 : 0;
      PowerUp();
      const Bytes found = Loaded();
      Check(found == before || found == after, "neither the settings of before nor the new ones");
      for (int look = 0; look < 4; ++look) Check(Loaded() == found, "what half of was written is read as it happens");
      const Bytes third = Some(size, round + 1000);
      Check(Save(third) == Status::kOk && Loaded() == third, "nothing can be saved any more");
      PowerUp();
      Check(Loaded() == third, "what was saved behind a power cut is lost");
    }
    g_memory = kept;
    PowerUp();
    Check(Save(after) == Status::kOk, "without a power cut");
    before = after;
  }
  Check(fails_in_an_erasure >= 3, "the power failed in no erasure: the case is none");
}

void FlashThatDoesNotTakeThemSaysSo() {
  NewChip();
  Check(Save(Some(20, 1)) == Status::kOk, "before it was worn");
  g_writes_fail = true;
  Check(Save(Some(20, 2)) == Status::kDataLoss, "worn flash");
  Check(Loaded() == Some(20, 1), "what was there before");
}

void SlowEraseIsWaitedFor() {
  NewChip();
  const Bytes large = Some(kMostBytes, 1);
  for (int i = 0; i < 6 && g_erased == 0; ++i) {
    g_erase_looks = kSlowestLooks;
    Check(Save(large) == Status::kOk, "an erasure that takes long");
  }
  Check(g_erased != 0 && Loaded() == large, "and what was saved behind it");
}

void ErrorsOfBeforeAreCleared() {
  NewChip();
  LeaveErrors();
  Check(Save(Some(20, 1)) == Status::kOk, "errors that others left");
}

// Another program's bytes, in the form of a record that is longer than an area: none, and the area is used in its turn.
void WhatOthersLeftIsNoRecord() {
  NewChip();
  g_memory.words[0] = 7;
  g_memory.words[1] = (~0xF000u << 16) | 0xF000u;
  for (uint32_t i = kAreaWords; i < 2 * kAreaWords; ++i) g_memory.words[i] = Noise();
  Check(Loaded().empty(), "another program's bytes");
  for (uint32_t round = 0; round < 20; ++round) {
    Check(Save(Some(kSettingsAreaBytes / 5, round)) == Status::kOk, "saved");
    Check(Loaded() == Some(kSettingsAreaBytes / 5, round), "loaded");
  }
}

constexpr Case kCases[] = {
    {"new_chip_has_none", &NewChipHasNone},
    {"what_was_saved_last_is_loaded", &WhatWasSavedLastIsLoaded},
    {"saving_none_forgets", &SavingNoneForgets},
    {"areas_are_erased_in_turn_and_seldom", &AreasAreErasedInTurnAndSeldom},
    {"too_large_is_refused", &TooLargeIsRefusedAndTooSmallIsNotFilled},
    {"power_fails_anywhere", &PowerFailsAnywhere},
    {"worn_flash_says_so", &FlashThatDoesNotTakeThemSaysSo},
    {"slow_erase_is_waited_for", &SlowEraseIsWaitedFor},
    {"errors_of_before_are_cleared", &ErrorsOfBeforeAreCleared},
    {"what_others_left_is_no_record", &WhatOthersLeftIsNoRecord},
};

}  // namespace
}  // namespace kws::model

int main(int argc, char** argv) { return RunCase(argc, argv, kws::model::kCases); }
