// Arm MPS2 with the FPGA image AN386.
#pragma once

#include "mps/mps2.h"
