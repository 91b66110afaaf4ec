// Units of flash that cannot be read: what the non-maskable interrupt and the reader of kept settings tell one another.
#pragma once

// Whether such a unit may be read now: the interrupt is expected.
extern "C" volatile bool g_reads_torn_units;

// The interrupt came while it was expected.
extern "C" void KwsTornUnit();
