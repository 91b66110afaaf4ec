// Two buffers that a microphone's DMA fills in turn, and the ring behind them. Private to firmware/boards.
//
// While DMA fills one buffer it is told the other. An interrupt copies the full one and has the time of a block for it;
// one that came later would lose a block unseen, but none is masked that long.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kws::board::microphone {

constexpr size_t kBlockSamples = 160;  // 10 ms at 16 kHz

// Begins anew, for DMA that is not running. Returns the first address for it.
uint32_t StartBlocks();

// DMA has taken the last address. Returns the next one for it.
uint32_t NextBlock();

// DMA has filled a block. Returns it, oldest first.
int16_t* FullBlock();

// Puts a full block into the ring; the first ones after StartBlocks() are thrown away, for the microphone settles.
void KeepBlock(const int16_t* block);

// Forgets what was recorded and what was lost. Only while no interrupt comes.
void ForgetBlocks();

}  // namespace kws::board::microphone
