// What start-up does before anything else, on a model of the core's registers.
#include "cases.h"
#include "cortex_m/leftovers.h"
#include "register_model.h"

namespace {

using kws::board::kIcsr;
using kws::board::kSysTickControl;
using kws::model::Check;
using kws::model::Chip;

// A boot loader has left lines enabled and pending, and the core's timer running.
void NothingOfABootLoaderInterrupts() {
  Chip& chip = Chip::Get();
  chip.Reset();
  static bool ticks;
  ticks = true;
  chip.Set(kSysTickControl, 7);
  chip.OnWrite(kIcsr, [](uint32_t value) {
    if (Chip::Get().word(kSysTickControl) == 0 && (value >> 25 & 1) != 0) ticks = false;
    Check((value & (1u << 26 | 1u << 28 | 1u << 31)) == 0, "an exception was made pending");
    Check((value >> 27 & 1) != 0, "a pending call of an earlier program is left");
  });
  chip.SetMasked(true);
  for (const uint32_t line : {0u, 31u, 32u, 81u}) {
    kws::board::EnableInterruptLine(line);
    chip.Raise(line);
  }
  kws::board::ClearLeftovers(82);
  Check(!ticks && chip.word(kSysTickControl) == 0, "the core's timer runs on, or its interrupt is pending");
  for (const uint32_t line : {0u, 31u, 32u, 81u}) Check(!chip.IsEnabled(line), "a line is enabled");
  for (const uint32_t line : {0u, 31u, 32u, 81u}) kws::board::EnableInterruptLine(line);
  chip.SetMasked(false);  // the model ends the test where one of them is pending: none has a handler
}

constexpr Case kCases[] = {
    {"nothing_of_a_boot_loader_interrupts", &NothingOfABootLoaderInterrupts},
};

}  // namespace

int main(int argc, char** argv) { return RunCase(argc, argv, kCases); }
