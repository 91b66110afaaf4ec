// Prints what a generated op resolver holds in the stand-in tree: the places that it has, then each operator, and
// whether its registration is for int8 alone.
#include <cstdio>

#include "tflm_model.h"

namespace {

kws::tflm_model::OpResolver g_resolver;

template <unsigned int kPlaces>
constexpr unsigned int Places(const tflite::MicroMutableOpResolver<kPlaces>&) {
  return kPlaces;
}

}  // namespace

int main() {
  if (kws::tflm_model::RegisterOps(g_resolver) != kTfLiteOk) return 1;
  std::printf("%u\n", Places(g_resolver));
  for (unsigned int i = 0; i < g_resolver.size(); ++i) {
    std::printf("%s %d\n", g_resolver.registration(i).op, g_resolver.registration(i).int8_only);
  }
  return 0;
}
