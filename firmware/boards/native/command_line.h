// What the program's own arguments tell semihosting. Private to board `native`.
#pragma once

namespace kws::semihosting {

// Sets what CommandWords() splits; null: an empty one. `text` must outlive the program's use of it.
void SetCommandLine(const char* text);

}  // namespace kws::semihosting
