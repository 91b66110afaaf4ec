// Kept settings in two areas of flash, behind one another: what is saved last counts. An area is erased when it has
// nothing that counts any more, so that a power cut at any moment leaves what was saved before, or what was being
// saved.
//
//   unit 0    sequence, size: one more with each save, over both areas; bytes behind it, their complement above
//   units     the bytes, the last unit filled up with ones
//
// The first unit is written last. Nothing is written behind what was begun and not ended: the area is full then.
#include <cstring>

#include "board_config.h"
#include "kws/settings.h"
#include "settings_log/settings_flash.h"

namespace kws::board {
namespace {

constexpr uint32_t kMostBytes = kSettingsAreaBytes - kUnitBytes;
static_assert(kMostBytes < 0xFFFF, "a size has 16 bits, and all ones are erased flash");

constexpr uint32_t UnitsOf(size_t size) { return (static_cast<uint32_t>(size) + kUnitBytes - 1) / kUnitBytes; }

struct Record {
  uintptr_t address = 0;  // 0: none
  uint32_t sequence = 0;
  uint32_t size = 0;
};

// What an area holds, offsets in bytes.
struct Area {
  Record newest;
  uint32_t used = 0;  // where the next record has room; kSettingsAreaBytes: nowhere
  bool is_erased = false;
};

Unit HeadOf(uint32_t sequence, uint32_t size) { return {{sequence, (~size << 16) | size}}; }

bool IsErased(uintptr_t from, uintptr_t end) {
  for (uintptr_t address = from; address < end; address += kUnitBytes) {
    Unit unit;
    if (!ReadUnit(address, &unit) || !unit.IsErased()) return false;
  }
  return true;
}

Area Scan(uintptr_t begin) {
  const uintptr_t end = begin + kSettingsAreaBytes;
  Area area;
  uintptr_t at = begin;
  for (Unit head; at < end && ReadUnit(at, &head);) {
    const uint32_t size = head.words[1] & 0xFFFF;
    const uintptr_t bytes = (1 + UnitsOf(size)) * kUnitBytes;
    if (!(head == HeadOf(head.words[0], size)) || bytes > end - at) break;
    area.newest = {at, head.words[0], size};
    at += bytes;
  }
  const bool is_free = IsErased(at, end);
  area.is_erased = is_free && at == begin;
  area.used = is_free ? static_cast<uint32_t>(at - begin) : kSettingsAreaBytes;
  return area;
}

// Both areas, and which of them has what counts.
struct Log {
  Area areas[2];
  int current = 0;

  const Record& newest() const { return areas[current].newest; }
};

Log ScanAll() {
  Log log;
  for (int i = 0; i < 2; ++i) log.areas[i] = Scan(kSettingsAreas[i]);
  const Record &first = log.areas[0].newest, &second = log.areas[1].newest;
  if (second.address != 0 && (first.address == 0 || second.sequence > first.sequence)) log.current = 1;
  return log;
}

// The unit of `data` from byte `at` on, ones behind its end.
Unit UnitOf(const uint8_t* data, size_t size, size_t at) {
  Unit unit{{UINT32_MAX, UINT32_MAX}};
  std::memcpy(unit.words, data + at, size - at < kUnitBytes ? size - at : kUnitBytes);
  return unit;
}

bool WriteAndCompare(uintptr_t address, const Unit& unit) {
  Unit written;
  return WriteUnit(address, unit) && ReadUnit(address, &written) && written == unit;
}

bool WriteRecord(uintptr_t address, uint32_t sequence, const uint8_t* data, size_t size) {
  for (size_t at = 0; at < size; at += kUnitBytes) {
    if (!WriteAndCompare(address + kUnitBytes + at, UnitOf(data, size, at))) return false;
  }
  return WriteAndCompare(address, HeadOf(sequence, static_cast<uint32_t>(size)));
}

// Behind what counts, or at the beginning of the other area. Returns false where that cannot be erased.
bool FindRoom(const Log& log, size_t size, uintptr_t* room) {
  const Area& current = log.areas[log.current];
  if ((1 + UnitsOf(size)) * kUnitBytes <= kSettingsAreaBytes - current.used) {
    *room = kSettingsAreas[log.current] + current.used;
    return true;
  }
  const int other = 1 - log.current;
  *room = kSettingsAreas[other];
  return log.areas[other].is_erased || EraseSettingsArea(*room);
}

}  // namespace

size_t LoadSettings(uint8_t* out, size_t capacity_bytes) {
  const Record newest = ScanAll().newest();
  if (newest.size > capacity_bytes) return 0;
  for (uint32_t at = 0; at < newest.size; at += kUnitBytes) {
    Unit unit;
    if (!ReadUnit(newest.address + kUnitBytes + at, &unit)) return 0;
    std::memcpy(out + at, unit.words, newest.size - at < kUnitBytes ? newest.size - at : kUnitBytes);
  }
  return newest.size;
}

Status SaveSettings(const uint8_t* data, size_t size) {
  if (size > kMostBytes) return Status::kOutOfRange;
  const Log log = ScanAll();
  uintptr_t room = 0;
  const bool done =
      OpenSettingsFlash() && FindRoom(log, size, &room) && WriteRecord(room, log.newest().sequence + 1, data, size);
  CloseSettingsFlash();
  return done ? Status::kOk : Status::kDataLoss;
}

}  // namespace kws::board
