// Arm MPS2 with the FPGA image AN500.
#pragma once

#include "mps/mps2.h"
