// Everything that generated code needs besides CMSIS-NN.
#pragma once

#include "engine/aot/add.h"
#include "engine/aot/copy.h"
#include "engine/aot/depthwise.h"
#include "engine/aot/pointwise.h"
#include "engine/aot/pool.h"
#include "engine/aot/profiler.h"
#include "engine/aot/window.h"
