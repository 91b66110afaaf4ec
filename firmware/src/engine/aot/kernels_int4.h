// What generated code of a model with 4-bit weights needs besides kernels.h.
#pragma once

#include "engine/aot/depthwise_int4.h"
#include "engine/aot/pointwise_int4.h"
