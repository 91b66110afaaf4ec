#include "kws/crc32.h"

namespace kws {
namespace {

struct Table {
  uint32_t entries[256];
};

constexpr Table MakeTable() {
  Table table{};
  for (uint32_t index = 0; index < 256; ++index) {
    uint32_t value = index;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? (value >> 1) ^ 0xEDB88320u : value >> 1;
    table.entries[index] = value;
  }
  return table;
}

constexpr Table kTable = MakeTable();

}  // namespace

uint32_t Crc32(const void* data, size_t size, uint32_t crc) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  crc = ~crc;
  for (size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ kTable.entries[(crc ^ bytes[i]) & 0xFF];
  return ~crc;
}

}  // namespace kws
