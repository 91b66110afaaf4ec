#include "app/detector_control.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kws/crc32.h"
#include "kws/settings.h"
#include "model_info.h"

namespace kws::app {
namespace {

constexpr uint32_t kKeptMagic = 0x3144574B;  // "KWD1": another layout has another number

// As it lies in the board's memory, little-endian as every core is.
struct Kept {
  uint32_t magic;
  uint8_t model_sha256[32];  // whose settings they are
  DetectorSettings settings;
  uint32_t crc;  // of everything before it
};
static_assert(sizeof(DetectorSettings) == 6 + 8 * Detector::kLabelCount, "padding would be noise");

uint32_t CrcOf(const Kept& kept) { return Crc32(&kept, offsetof(Kept, crc)); }

bool Load(DetectorSettings* settings) {
  Kept kept;
  if (board::LoadSettings(reinterpret_cast<uint8_t*>(&kept), sizeof(kept)) != sizeof(kept)) return false;
  if (kept.magic != kKeptMagic || kept.crc != CrcOf(kept)) return false;
  if (std::memcmp(kept.model_sha256, model::kModelSha256, sizeof(kept.model_sha256)) != 0) return false;
  *settings = kept.settings;
  return true;
}

Status Save(const DetectorSettings& settings) {
  Kept kept;
  std::memset(&kept, 0, sizeof(kept));  // also what lies between the fields
  kept.magic = kKeptMagic;
  std::memcpy(kept.model_sha256, model::kModelSha256, sizeof(kept.model_sha256));
  kept.settings = settings;
  kept.crc = CrcOf(kept);
  return board::SaveSettings(reinterpret_cast<const uint8_t*>(&kept), sizeof(kept));
}

}  // namespace

void DetectorControl::Start() {
  DetectorSettings settings;
  is_kept_ = Load(&settings) && Detector::Takes(settings);
  (void)pipeline_.ConfigureDetector(is_kept_ ? settings : DetectorSettings::Generated());
  origin_ = is_kept_ ? SettingsOrigin::kKept : SettingsOrigin::kGenerated;
}

Status DetectorControl::Use(const DetectorSettings& settings) {
  const Status status = pipeline_.ConfigureDetector(settings);
  if (IsOk(status)) origin_ = SettingsOrigin::kSet;
  return status;
}

Status DetectorControl::Keep(const DetectorSettings& settings) {
  if (!Detector::Takes(settings)) return Status::kInvalidArgument;
  if (const Status status = Save(settings); !IsOk(status)) return status;
  is_kept_ = true;
  origin_ = SettingsOrigin::kKept;
  return pipeline_.ConfigureDetector(settings);
}

Status DetectorControl::Forget() {
  if (is_kept_) {
    if (const Status status = board::SaveSettings(nullptr, 0); !IsOk(status)) return status;
  }
  is_kept_ = false;
  origin_ = SettingsOrigin::kGenerated;
  return pipeline_.ConfigureDetector(DetectorSettings::Generated());
}

}  // namespace kws::app
