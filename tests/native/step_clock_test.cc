// Prints what kws::StepClock makes of each line of the standard input, "window hop frames_per_step samples step":
// "steps_in end_samples".
#include <cinttypes>
#include <cstdio>

#include "kws/step_clock.h"

static_assert(kws::StepClock{480, 160, 2}.StepsIn(639) == 0 && kws::StepClock{480, 160, 2}.StepsIn(640) == 1);
static_assert(kws::StepClock{480, 160, 2}.EndSamples(0) == 640 && kws::StepClock{480, 160, 2}.EndSamples(1) == 960);

int main() {
  kws::StepClock clock{};
  uint32_t samples, step;
  while (std::scanf("%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, &clock.window_samples,
                    &clock.hop_samples, &clock.frames_per_step, &samples, &step) == 5) {
    std::printf("%" PRIu32 " %" PRIu64 "\n", clock.StepsIn(samples), clock.EndSamples(step));
  }
}
