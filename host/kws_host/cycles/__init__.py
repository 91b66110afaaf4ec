"""Estimates a core's cycles from the instructions that an emulated board executed, by the core's documented timings.

`trace` runs a board and reads which blocks of instructions it executed, in order; `stages` cuts them where the firmware
reads its counter; `cortex_m4` says what each instruction takes; `flash` adds the waiting for a chip's flash; `estimate`
puts them together. What comes out is an estimate, not a measurement: no chip has been asked.
"""
