// Prints what kws::StepClock makes of each line of the standard input, "window hop frames_per_step samples step":
// "steps_in end_samples".
#include "kws/step_clock.h"

#include <iostream>

static_assert(kws::StepClock{480, 160, 2}.StepsIn(639) == 0 && kws::StepClock{480, 160, 2}.StepsIn(640) == 1);
static_assert(kws::StepClock{480, 160, 2}.EndSamples(0) == 640 && kws::StepClock{480, 160, 2}.EndSamples(1) == 960);

int main() {
  kws::StepClock clock{};
  uint32_t samples = 0;
  uint32_t step = 0;
  while (std::cin >> clock.window_samples >> clock.hop_samples >> clock.frames_per_step >> samples >> step) {
    if (clock.hop_samples == 0 || clock.frames_per_step == 0) return 2;
    std::cout << clock.StepsIn(samples) << " " << clock.EndSamples(step) << "\n";
  }
}
