// NameLookup: resolves the addresses of a host without blocking the loop.
//
// getaddrinfo() blocks, for many seconds when a name server does not answer, and cannot be
// cancelled. So it runs on a thread that is never waited for: the caller may have been destroyed by
// then. (Asio's resolver waits for its thread when it is destroyed.)
//
// Owner:  one Http2CoreStreamOpener.
// Thread: its loop.
// Bounds: one look-up in progress, kMaxAddresses of its result.
// Errors: UNAVAILABLE with the resolver's reason.
#ifndef CAIRN_EDGE_NAME_LOOKUP_H_
#define CAIRN_EDGE_NAME_LOOKUP_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "edge/link_factory.h"

namespace cairn::edge {

class NameLookup {
 public:
  static constexpr size_t kMaxAddresses = 32;

  using Addresses = std::vector<SocketAddress>;  // in the order in which they should be tried
  using Tell = std::function<void(absl::StatusOr<Addresses>)>;

  explicit NameLookup(LoopExecutor& executor);
  // Cancels: no callback is called any more.
  ~NameLookup();

  // Calls back on the loop, once, never from within this call. Replaces a request that is not
  // answered yet: if a look-up is still in progress, its result is used for this request too.
  void Ask(const std::string& host, const std::string& port, Tell tell);
  void Forget() { tell_ = nullptr; }

 private:
  struct Shared;

  static absl::StatusOr<Addresses> LookUp(const std::string& host, const std::string& port);
  void OnAnswer(absl::StatusOr<Addresses> answer);

  // Borrowed; must outlive this.
  LoopExecutor& executor_;
  // Loop thread only.
  Tell tell_;
  bool under_way_ = false;
  // Shared with the thread.
  const std::shared_ptr<Shared> shared_;
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_NAME_LOOKUP_H_
