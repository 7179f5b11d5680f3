#include "tests/bench/core_process.h"

#include <fcntl.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "base/resident_memory.h"

namespace cairn::bench {
namespace {

constexpr std::chrono::seconds kPatience{10};

// Does not return.
void Become(const std::string& program, const std::string& address) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  execl(program.c_str(), program.c_str(), "--role", "core", "--grpc-listen-addr", address.c_str(),
        nullptr);
  _exit(127);
}

}  // namespace

std::unique_ptr<CoreProcess> CoreProcess::Start(const std::string& program) {
  std::string directory = "/tmp/cairn-XXXXXX";
  if (!mkdtemp(directory.data())) return nullptr;
  const std::string address = "unix:" + directory + "/core";
  const pid_t pid = fork();
  if (pid == 0) Become(program, address);
  std::unique_ptr<CoreProcess> core(new CoreProcess(directory, pid));
  const auto deadline = std::chrono::system_clock::now() + kPatience;
  if (pid < 0 || !core->Connect()->WaitForConnected(deadline)) {
    std::fprintf(stderr, "inspection_bench: '%s' does not answer on %s\n", program.c_str(),
                 address.c_str());
    return nullptr;
  }
  return core;
}

CoreProcess::~CoreProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  unlink((directory_ + "/core").c_str());
  rmdir(directory_.c_str());
}

std::shared_ptr<grpc::Channel> CoreProcess::Connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
}

uint64_t CoreProcess::ResidentBytes() const { return cairn::ResidentBytes(pid_); }

}  // namespace cairn::bench
