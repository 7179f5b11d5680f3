#include "edge/name_lookup.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "base/thread_annotations.h"

namespace cairn::edge {

struct NameLookup::Shared : std::enable_shared_from_this<Shared> {
  explicit Shared(NameLookup& lookup) : owner(&lookup), executor(&lookup.executor_) {}

  // Any thread.
  void Answer(absl::StatusOr<Addresses> answer);

  NameLookup* owner;  // loop thread only; null: the owner has been destroyed
  Mutex mu;
  LoopExecutor* executor ABSL_GUARDED_BY(mu);  // null: the owner has been destroyed
};

void NameLookup::Shared::Answer(absl::StatusOr<Addresses> answer) {
  MutexLock lock(mu);
  if (!executor) return;
  executor->Post([shared = shared_from_this(), answer = std::move(answer)]() mutable {
    if (shared->owner) shared->owner->OnAnswer(std::move(answer));
  });
}

NameLookup::NameLookup(LoopExecutor& executor)
    : executor_(executor), shared_(std::make_shared<Shared>(*this)) {}

NameLookup::~NameLookup() {
  shared_->owner = nullptr;
  MutexLock lock(shared_->mu);
  shared_->executor = nullptr;
}

void NameLookup::Ask(const std::string& host, const std::string& port, Tell tell) {
  tell_ = std::move(tell);
  if (std::exchange(under_way_, true)) return;
  const auto look_up = [shared = shared_, host, port] { shared->Answer(LookUp(host, port)); };
  try {
    std::thread(look_up).detach();
  } catch (const std::system_error& error) {
    // At a limit of threads or memory: tried again like a name that cannot be looked up.
    shared_->Answer(absl::UnavailableError(
        absl::StrCat("cannot look up '", host, ":", port, "': ", error.code().message())));
  }
}

void NameLookup::OnAnswer(absl::StatusOr<Addresses> answer) {
  under_way_ = false;
  if (tell_) std::exchange(tell_, nullptr)(std::move(answer));
}

absl::StatusOr<NameLookup::Addresses> NameLookup::LookUp(const std::string& host,
                                                         const std::string& port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot look up '", host, ":", port,
                     "': ", error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error)));
  }
  Addresses addresses;
  for (const addrinfo* one = found; one && addresses.size() < kMaxAddresses; one = one->ai_next) {
    sockaddr_storage storage = {};
    std::memcpy(&storage, one->ai_addr, one->ai_addrlen);
    addresses.emplace_back(storage, one->ai_addrlen);
  }
  freeaddrinfo(found);
  return addresses;
}

}  // namespace cairn::edge
