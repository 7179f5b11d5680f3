#include "server/process_setup.h"

#include <absl/synchronization/mutex.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <initializer_list>

#include "base/sanitizers.h"

namespace cairn::server {
namespace {

// Each connection is an open file; the soft limit is often 1,024.
void RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// gRPC would use a web proxy from the environment to reach the core, and its traces would put
// callers' tokens into the log.
void IgnoreVariablesOfGrpc() {
  for (const char* variable : {"grpc_proxy", "https_proxy", "http_proxy", "GRPC_TRACE"})
    unsetenv(variable);
}

// Each of malloc's arenas reserves 64 MiB of address space, up to eight per processor: with a limit
// on address space (`ulimit -v`) that would use up most of it before any client connects.
void SaveAddresses() {
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 2);
}

// malloc would raise its bound for memory that goes back to the kernel when it is freed to the
// largest that was freed, up to 32 MiB: what long messages took would be kept then. malloc_trim()
// gives it back too, but walks the whole heap: of 1.2 GiB in three million pieces it took 350 ms,
// and 40 to 110 ms every further time.
void ReturnLargeMemory() {
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

// A core dump would contain tokens, keys and relayed data. Not dumpable also keeps other processes
// of the same user from attaching; sanitizers attach to look for leaks.
void ForbidCoreDumps() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifndef CAIRN_SANITIZED
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

// Debian builds abseil with assertions: each lock of gRPC's would be looked up in a graph of all
// that are held, to find deadlocks. That is a twentieth of the processor time of a core's message.
void TrustLocks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace

void SetUpProcess() {
  std::signal(SIGPIPE, SIG_IGN);
  SaveAddresses();
  ReturnLargeMemory();
  TrustLocks();
  IgnoreVariablesOfGrpc();
  RaiseFileLimit();
  ForbidCoreDumps();
}

}  // namespace cairn::server
