// The model of registers keeps its promises: a driver's mistakes show. The argument names a mistake to make.
#include "register_model.h"

#include <cstring>

#include "cortex_m/registers.h"

namespace {

using kws::board::Register;
using kws::model::Check;
using kws::model::Chip;

constexpr uintptr_t kBase = 0x40000000;
constexpr uintptr_t kEvent = kBase + 0x100;
constexpr uint32_t kLine = 37;

uint32_t g_handled;

void Handle() {
  ++g_handled;
  Register(kEvent) = 0;
}

void Start() {
  Chip& chip = Chip::Get();
  chip.Reset();
  chip.Map(kBase, 0x1000);
  chip.SetHandler(kLine, &Handle);
  chip.SetLevel(kLine, [] { return Chip::Get().word(kEvent) != 0; });
  g_handled = 0;
}

void RegistersRememberAndAreLogged() {
  Start();
  Chip& chip = Chip::Get();
  chip.OnWrite(kBase + 4, [](uint32_t value) { Chip::Get().Set(kBase + 8, value + 1); });
  chip.OnRead(kBase + 12, [] { return 99u; });
  Register(kBase + 4) = 6;
  Register(kBase + 4) |= 1;
  Check(Register(kBase + 8) == 8 && Register(kBase + 12) == 99, "a function of the hardware was not asked");
  Check(chip.Writes(kBase + 4) == 2 && chip.FirstWrite(kBase + 4, 7) == 2, "the log is wrong");
  Check(chip.FirstWrite(kBase + 4, 8) == chip.log().size(), "the log holds what never was");
}

void LinesAreEnabledMaskedAndCleared() {
  Start();
  Chip& chip = Chip::Get();
  chip.Set(kEvent, 1);
  Register(kBase) = 0;
  Check(g_handled == 0, "a line that is not enabled interrupted");
  kws::board::MaskInterrupts();
  kws::board::EnableInterruptLine(kLine);
  Check(g_handled == 0 && chip.IsEnabled(kLine), "an interrupt while they are masked");
  kws::board::WaitForInterrupt();
  Check(g_handled == 0 && chip.sleeps() == 1, "masked, a pending line only ends sleep");
  kws::board::UnmaskInterrupts();
  Check(g_handled == 1 && chip.word(kEvent) == 0, "the handler did not run");
  kws::board::DisableInterruptLine(kLine);
  chip.Raise(kLine);
  Check(g_handled == 1, "a disabled line interrupted");
  kws::board::ClearPendingLine(kLine);
  kws::board::EnableInterruptLine(kLine);
  Check(g_handled == 1, "a line that was cleared interrupted");
  chip.OnSleep([] { Chip::Get().Set(kEvent, 1); });
  kws::board::WaitForInterrupt();
  Check(g_handled == 2, "what happens in sleep did not wake the core");
}

void DmaFindsMemory() {
  static uint16_t buffer[8];
  Chip& chip = Chip::Get();
  chip.Reset();
  const uint32_t address = kws::board::DmaAddress(buffer);
  *chip.Memory<uint16_t>(address + 6) = 7;
  Check(buffer[3] == 7, "DMA went astray");
}

void Mistake(const char* name) {
  Start();
  if (std::strcmp(name, "nothing") == 0) Register(kBase + 0x1000) = 1;
  if (std::strcmp(name, "odd") == 0) Register(kBase + 2) = 1;
  if (std::strcmp(name, "sleep") == 0) kws::board::WaitForInterrupt();
  if (std::strcmp(name, "standing") == 0) {
    Chip::Get().SetLevel(kLine, [] { return true; });
    kws::board::EnableInterruptLine(kLine);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) {
    Mistake(argv[1]);
    return 0;
  }
  RegistersRememberAndAreLogged();
  LinesAreEnabledMaskedAndCleared();
  DmaFindsMemory();
}
