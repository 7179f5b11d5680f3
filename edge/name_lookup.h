// NameLookup: asks the system for the addresses of a host, without holding up the loop.
//
// getaddrinfo() blocks, for many seconds when a name server is silent, and cannot be cancelled. So
// it runs on a thread of its own that nobody waits for: whoever asked may be gone by then. (Asio's
// resolver waits for its thread when it is destroyed.)
//
// Owner:  one Http2CoreStreamOpener.
// Thread: its loop.
// Bounds: one look-up under way, kMaxAddresses of its answer.
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
  // Tells nobody any more.
  ~NameLookup();

  // Tells on the loop, once, never from within this call. Takes the place of a wish that is not
  // answered: if a look-up is still under way, its answer is this one's too.
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
