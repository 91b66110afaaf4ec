// Tests of drivers: a program with a table of cases, of which the command line names one; each has a process of its
// own, for drivers keep their state. Without a name it lists them.
#pragma once

#include <cstdio>
#include <cstring>

struct Case {
  const char* name;
  void (*run)();
};

template <size_t kCount>
int RunCase(int argc, char** argv, const Case (&cases)[kCount]) {
  for (const Case& one : cases) {
    if (argc < 2) std::printf("%s\n", one.name);
    if (argc == 2 && std::strcmp(argv[1], one.name) == 0) {
      one.run();
      return 0;
    }
  }
  return argc < 2 ? 0 : 2;
}
