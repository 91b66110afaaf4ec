// The firmware as a program of the development machine, for fast tests and fuzzing: the serial port is a TCP server on
// 127.0.0.1 or stdin and stdout, semihosting (semihosting.cc) is the machine itself.
//
//   firmware --port PORT          listens (0 chooses a port) and says "listening on 127.0.0.1:PORT" on stderr
//   firmware --stdio              the serial port is stdin and stdout; ends with stdin
//   firmware --command-line TEXT  what semihosting::CommandWords() splits, for example "bulk in.bin out.bin"
//
// main.cc is compiled with -DKWS_BOARD_HAS_MAIN, so that Restart() can start it again, with .noinit memory left as it
// was. Static memory other than .noinit is not cleared by that: the application's Start functions reset it anyhow.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#include "kws/board.h"
#include "native/command_line.h"

namespace kws {
namespace {

sigjmp_buf g_start;
bool g_started;
int g_listener = -1;
int g_in = -1;   // serial port, -1: nobody is connected
int g_out = -1;
int g_rejected = -1;  // the last one that came while somebody was connected
bool g_stdio;

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "firmware: %s: %s\n", what, std::strerror(errno));
  std::_Exit(2);
}

void CloseClient() {
  if (g_stdio) std::_Exit(0);
  close(g_in);
  g_in = g_out = -1;
}

bool IsReadable(int descriptor) {
  pollfd ready{descriptor, POLLIN, 0};  // a negative descriptor is ignored
  return poll(&ready, 1, 0) > 0;
}

// Whoever waits may have come after the connected one left: that one is read to its end first, or the next would be
// told "in use" for ever. In this order: nothing to be read after somebody waits means that he came to a port in use.
void AcceptClient() {
  if (!IsReadable(g_listener) || IsReadable(g_in)) return;
  const int client = accept(g_listener, nullptr, nullptr);
  if (client < 0) return;
  if (g_in >= 0) {
    if (g_rejected >= 0) close(g_rejected);
    g_rejected = client;
    return;
  }
  const int one = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  g_in = g_out = client;
}

// A serial port has one user: whatever a second one sends is answered by that text, so that it need not guess.
void AnswerRejected() {
  if (!IsReadable(g_rejected)) return;
  constexpr char kText[] = "this serial port is in use by another program\r\n";
  char received[256];
  if (read(g_rejected, received, sizeof(received)) <= 0 || write(g_rejected, kText, sizeof(kText) - 1) < 0) {
    close(g_rejected);
    g_rejected = -1;
  }
}

void Listen(int port) {
  g_listener = socket(AF_INET, SOCK_STREAM, 0);
  if (g_listener < 0) Die("socket");
  const int one = 1;
  setsockopt(g_listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(g_listener, generic, sizeof(address)) != 0 || listen(g_listener, 4) != 0) Die("cannot listen");
  socklen_t size = sizeof(address);
  getsockname(g_listener, generic, &size);
  fcntl(g_listener, F_SETFL, O_NONBLOCK);
  std::fprintf(stderr, "listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
}

void HandleSignal(int number) {
  FaultRecord record{};
  record.type = kFaultHard;
  record.cfsr = static_cast<uint32_t>(number);  // the closest thing to a cause that a process has
  app::OnFault(record);
  board::Restart();
}

void CatchFaults() {
  static uint8_t stack[65536];
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof(stack);
  sigaltstack(&alternative, nullptr);
  struct sigaction action{};
  action.sa_handler = &HandleSignal;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  for (const int number : {SIGSEGV, SIGILL, SIGBUS, SIGFPE}) sigaction(number, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

namespace board {

void Init() {
  CatchFaults();
  if (g_stdio) {
    g_in = STDIN_FILENO;
    g_out = STDOUT_FILENO;
  }
}

size_t ReadSerial(uint8_t* out, size_t capacity) {
  if (!g_stdio) {
    AcceptClient();
    AnswerRejected();
  }
  if (!IsReadable(g_in)) return 0;
  const ssize_t count = read(g_in, out, capacity);
  if (count <= 0) CloseClient();
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void WriteSerial(const uint8_t* data, size_t size) {
  while (size != 0 && g_out >= 0) {
    const ssize_t count = write(g_out, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return CloseClient();
    data += count;
    size -= static_cast<size_t>(count);
  }
}

uint32_t SerialOverruns() { return 0; }

uint32_t Idle() {
  pollfd ready[2] = {{g_listener, POLLIN, 0}, {g_in, POLLIN, 0}};  // negative descriptors are ignored
  poll(ready, 2, 1);
  return Ticks();
}

#if defined(__x86_64__) || defined(__i386__)
uint32_t Ticks() { return static_cast<uint32_t>(__rdtsc()); }
TickInfo Clock() { return {TickInfo::kCycles, 1, 1}; }
#else
uint32_t Ticks() { return 0; }
TickInfo Clock() { return {TickInfo::kNone, 1, 1}; }
#endif

const char* Name() { return KWS_BOARD_NAME; }
uint32_t StackSizeBytes() { return 0; }
uint32_t StackUsedBytes() { return 0; }
void PaintStack() {}
bool StackGuardIntact() { return true; }

void Exit(int code) { std::_Exit(code); }

void Restart() {
  if (!g_started) std::_Exit(3);
  siglongjmp(g_start, 1);
}

}  // namespace board

}  // namespace kws

int main(int argc, char** argv) {
  int port = -1;
  const char* command_line = nullptr;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--stdio") == 0) {
      kws::g_stdio = true;
    } else if (std::strcmp(argv[i], "--port") == 0 && has_value) {
      port = static_cast<int>(std::strtol(argv[++i], nullptr, 10));
    } else if (std::strcmp(argv[i], "--command-line") == 0 && has_value) {
      command_line = argv[++i];
    } else {
      std::fprintf(stderr, "usage: firmware --port PORT | --stdio | --command-line TEXT\n");
      return 2;
    }
  }
  kws::semihosting::SetCommandLine(command_line);
  if (port >= 0) {
    kws::Listen(port);
  } else if (!kws::g_stdio && command_line == nullptr) {
    std::fprintf(stderr, "usage: firmware --port PORT | --stdio | --command-line TEXT\n");
    return 2;
  }
  sigsetjmp(kws::g_start, 1);
  kws::g_started = true;
  kws::board::Init();
  return kws::app::Main();
}
