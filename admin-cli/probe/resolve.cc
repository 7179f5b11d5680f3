#include "admin-cli/probe/resolve.h"

#include <absl/status/status.h>
#include <fmt/format.h>
#include <netdb.h>

#include <chrono>
#include <cstring>
#include <future>
#include <thread>

namespace cairn::admin {
namespace {

using Addresses = absl::StatusOr<std::vector<SocketAddress>>;

Addresses Ask(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (error == EAI_AGAIN) {
    return absl::UnavailableError("the name server does not answer: look at /etc/resolv.conf");
  }
  if (error != 0)
    return absl::NotFoundError(fmt::format("{}: is '{}' right?", gai_strerror(error), host));
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = list; one; one = one->ai_next) {
    sockaddr_storage storage = {};
    std::memcpy(&storage, one->ai_addr, one->ai_addrlen);
    addresses.emplace_back(storage, one->ai_addrlen);
  }
  freeaddrinfo(list);
  return addresses;
}

}  // namespace

Addresses Resolve(const std::string& host, const std::string& port, absl::Duration timeout) {
  std::promise<Addresses> promise;
  std::future<Addresses> answer = promise.get_future();
  std::thread([host, port, promise = std::move(promise)]() mutable {
    promise.set_value(Ask(host, port));
  }).detach();
  if (answer.wait_for(absl::ToChronoMilliseconds(timeout)) != std::future_status::ready) {
    return absl::DeadlineExceededError("the name server does not answer: look at /etc/resolv.conf");
  }
  return answer.get();
}

}  // namespace cairn::admin
