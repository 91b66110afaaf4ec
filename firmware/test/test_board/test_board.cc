// The board itself: counter, stack painting, faults. Faults end in a restart, so the suite is a chain of runs: memory
// that survives the restart holds the step that comes next and what the fault handler saw.
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "../kws_test.h"
#include "board_config.h"
#include "cortex_m/core.h"
#include "cortex_m/registers.h"
#include "disco_l475vg_iot01a/non_maskable.cc"  // NOLINT(bugprone-suspicious-include): no emulated board has it
#include "kws/board.h"
#include "kws/semihosting.h"

volatile bool g_reads_torn_units;

namespace kws {
namespace {

volatile uint32_t g_torn_units;

constexpr uint32_t kMagic = 0x4B575331;

enum Step : uint32_t {
  kPlain = 0,
  kUndefinedInstruction,
  kBadAddress,
  kDivideByZero,
  kNonMaskable,
  kStackOverflow,
  kFaultInsideReport,
  kFinish,
};

struct Memory {
  uint32_t magic;
  uint32_t step;
  uint32_t failures;
  uint32_t faults;  // reports seen, over all runs
  uint32_t faulting_address;
  FaultRecord record;
};

__attribute__((section(".noinit"))) Memory g_memory;

uint32_t g_data_word = 0x12345678;  // initialised data: copied at every start
uint32_t g_zero_word;

// At least `bytes` of stack, all written.
__attribute__((noinline)) uint32_t UseStack(uint32_t bytes) {
  volatile uint8_t block[256];
  for (size_t i = 0; i < sizeof block; ++i) block[i] = static_cast<uint8_t>(bytes + i);
  uint32_t sum = block[bytes % sizeof block];
  if (bytes > sizeof block) sum += UseStack(bytes - sizeof block);
  return sum + block[7];
}

void TestPlain() {
  test::Print(board::Name());
  test::Print("\n");
  test::CheckEqual("start_data_copied", g_data_word, 0x12345678);
  test::CheckEqual("start_bss_cleared", g_zero_word, 0);
  g_data_word = 1;
  g_zero_word = 1;

  const board::TickInfo clock = board::Clock();
  test::CheckTrue("clock_has_unit", clock.kind != board::TickInfo::kNone);
  for (const uint32_t instructions : {1000u, 100000u, 3000000u}) {
    const uint32_t before = board::Ticks();
    board::SpinInstructions(instructions);
    const uint32_t ticks = board::Ticks() - before;
    const int64_t units = clock.Units(ticks);
    test::Note("ticks", ticks);
    if (clock.kind == board::TickInfo::kInstructions) {
      const int64_t extra = units - instructions;  // calls
      test::Check("clock_counts_instructions", extra >= 0 && extra < 40, units, instructions);
    }
  }

  test::CheckTrue("stack_size_plausible", board::StackSizeBytes() >= 2048);
  board::PaintStack();
  const uint32_t shallow = board::StackUsedBytes();
  (void)UseStack(1024);
  const uint32_t deep = board::StackUsedBytes();
  test::Note("stack_shallow", shallow);
  test::Note("stack_deep", deep);
  test::CheckTrue("stack_high_water_grows", deep >= shallow + 768 && deep < shallow + 1536);
  board::PaintStack();
  test::CheckTrue("stack_repaint_forgets", board::StackUsedBytes() < deep - 512);
  test::CheckTrue("stack_guard_intact", board::StackGuardIntact());
  test::CheckEqual("serial_no_overrun", board::SerialOverruns(), 0);

  const char* words[1] = {nullptr};
  size_t count = 0;
  test::CheckTrue("semihosting_command_line",
                  IsOk(semihosting::CommandWords(words, 1, &count)) && count >= 1 && words[0][0] != '\0');
  semihosting::File file;
  test::CheckTrue("semihosting_missing_file_refused",
                  semihosting::Open("no/such/folder/x", semihosting::Mode::kRead, &file) == Status::kInvalidArgument);
  uint8_t byte;
  size_t read = 1;
  test::CheckTrue("semihosting_closed_file_refused",
                  semihosting::Read(file, &byte, 1, &read) == Status::kFailedPrecondition && read == 0);
}

constexpr uint32_t kNonMaskableException = 2;

// The board's vectors, but for the non-maskable interrupt, which an STM32L475 has a handler for.
alignas(1024) uint32_t g_vectors[256];
static_assert(16 + board::kInterruptLines <= 256);

void UseNonMaskableHandler() {
  const auto* vectors = reinterpret_cast<const uint32_t*>(board::Register(board::kVtor));
  for (uint32_t i = 0; i < 16 + board::kInterruptLines; ++i) g_vectors[i] = vectors[i];
  g_vectors[kNonMaskableException] = reinterpret_cast<uint32_t>(&KwsNonMaskableInterrupt);
  board::Register(board::kVtor) = reinterpret_cast<uint32_t>(&g_vectors);
  board::SynchronizationBarrier();
}

__attribute__((noinline)) void RaiseNonMaskable() {
  board::Register(board::kIcsr) = 1u << 31;
  board::SynchronizationBarrier();
}

void TestNonMaskableThatIsExpected() {
  UseNonMaskableHandler();
  g_reads_torn_units = true;
  for (uint32_t round = 1; round <= 3; ++round) {
    RaiseNonMaskable();
    test::CheckEqual("non_maskable_expected_is_told", g_torn_units, round);
  }
  g_reads_torn_units = false;
}

// Each of the next never returns.

__attribute__((noinline)) void FaultUndefined() { __asm volatile("udf #1"); }

__attribute__((noinline)) void FaultBadAddress() {
  // Not decoded by any of the boards.
  *reinterpret_cast<volatile uint32_t*>(0xF0000000u);
}

__attribute__((noinline)) uint32_t FaultDivide(uint32_t divisor) {
  uint32_t result;
  __asm volatile("udiv %0, %1, %2" : "=r"(result) : "r"(1000u), "r"(divisor));
  return result;
}

__attribute__((noinline)) uint32_t FaultOverflow(uint32_t depth) {
  volatile uint32_t block[16];
  for (volatile uint32_t& word : block) word = depth;
  if (depth == UINT32_MAX) return block[0];  // never reached
  return FaultOverflow(depth + 1) + block[depth % 16];
}

bool InFunction(uint32_t pc, uintptr_t function) {
  const uint32_t start = static_cast<uint32_t>(function) & ~1u;
  return pc >= start && pc < start + 32;
}

void CheckRecord(uint32_t step) {
  const FaultRecord& record = g_memory.record;
  switch (step) {
    case kUndefinedInstruction:
      test::CheckEqual("fault_undefined_type", record.type, kFaultUsage);
      test::CheckTrue("fault_undefined_place", InFunction(record.pc, reinterpret_cast<uintptr_t>(&FaultUndefined)));
      test::CheckTrue("fault_undefined_cause", (record.cfsr & (1u << 16)) != 0);
      break;
    case kBadAddress:
      test::CheckEqual("fault_address_type", record.type, kFaultBus);
      test::CheckTrue("fault_address_place", InFunction(record.pc, reinterpret_cast<uintptr_t>(&FaultBadAddress)));
      test::CheckEqual("fault_address_reported", record.bfar, 0xF0000000u);
      break;
    case kDivideByZero:
      test::CheckEqual("fault_divide_type", record.type, kFaultUsage);
      test::CheckTrue("fault_divide_cause", (record.cfsr & (1u << 25)) != 0);
      break;
    case kNonMaskable:
      test::CheckEqual("fault_non_maskable_type", record.type, kNonMaskableException);
      test::CheckTrue("fault_non_maskable_place",
                      InFunction(record.pc, reinterpret_cast<uintptr_t>(&RaiseNonMaskable)));
      break;
    case kStackOverflow:
      test::CheckEqual("fault_overflow_type", record.type, kFaultStackOverflow);
      break;
    default:
      break;
  }
}

}  // namespace

extern "C" void KwsTornUnit() { g_torn_units = g_torn_units + 1; }

void app::OnFault(const FaultRecord& record) {
  ++g_memory.faults;
  g_memory.record = record;
  if (g_memory.step == kFaultInsideReport) FaultUndefined();
}

}  // namespace kws

int main() {
  using namespace kws;
  if (g_memory.magic != kMagic) {
    g_memory = {};
    g_memory.magic = kMagic;
    TestPlain();
    TestNonMaskableThatIsExpected();
  } else {
    CheckRecord(g_memory.step);
    if (g_memory.step == kUndefinedInstruction) {
      test::CheckEqual("restart_data_copied_again", g_data_word, 0x12345678);
      test::CheckEqual("restart_bss_cleared_again", g_zero_word, 0);
    }
  }
  test::g_failures += static_cast<int>(g_memory.failures);
  g_memory.failures = static_cast<uint32_t>(test::g_failures);
  ++g_memory.step;
  switch (g_memory.step) {
    case kUndefinedInstruction:
      FaultUndefined();
      break;
    case kBadAddress:
      FaultBadAddress();
      break;
    case kDivideByZero:
      (void)FaultDivide(0);
      break;
    case kNonMaskable:
      UseNonMaskableHandler();
      RaiseNonMaskable();
      break;
    case kStackOverflow:
      (void)FaultOverflow(0);
      break;
    case kFaultInsideReport:
      FaultUndefined();
      break;
    default:
      break;
  }
  test::CheckEqual("faults_reported_once_each", g_memory.faults, kFinish - 1);
  g_memory.magic = 0;
  test::Done();
}
