// Dialer: connects a socket to the first address of a core that answers.
//
// Addresses are tried one after the other (CoreOrder). The next one is tried when one fails, or has
// not answered within kHeadStart; earlier attempts continue, and the first that connects is used
// (RFC 8305). There is no time-out: the owner destroys the dialer.
//
// Owner:  one Http2CoreStream.
// Thread: its loop.
// Bounds: a socket for each address, NameLookup::kMaxAddresses.
// Errors: UNAVAILABLE with the reason of the last address that failed.
#ifndef CAIRN_EDGE_DIALER_H_
#define CAIRN_EDGE_DIALER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "edge/core_order.h"
#include "edge/core_target.h"
#include "edge/link_factory.h"
#include "edge/name_lookup.h"

namespace cairn::edge {

class Dialer {
 public:
  static constexpr absl::Duration kHeadStart = absl::Milliseconds(250);

  struct Connected {
    UniqueFd fd;          // non-blocking
    std::string address;  // for people
    // Of the addresses of its family: none is preferred to it; there is no other.
    bool preferred = true;
    bool alone = true;
  };
  struct Wishes {
    CoreOrder order;
    // Addresses (Connected::address) that are tried before and after all others; empty: none.
    std::string first;
    std::string last;
  };
  using Done = std::function<void(absl::StatusOr<Connected>)>;

  // Starts at once; `done` is called once, on the loop, never from within this call. `target` and
  // `lookup` must outlive the dialer.
  Dialer(LoopExecutor& executor, const CoreTarget& target, NameLookup& lookup, Wishes wishes,
         Done done);
  // Cancels; `done` is not called.
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

 private:
  class Attempt;
  struct Untried {
    SocketAddress address;
    Connected connected;  // if it connects
  };

  void Begin();
  void OnAddresses(absl::StatusOr<NameLookup::Addresses> addresses);
  // Tries the next address; if there is none and no attempt is in progress, the dialer has failed.
  void TryNext();
  void OnAttempt(Attempt& attempt, int error);
  void Finish(absl::StatusOr<Connected> result);
  // Runs `task` later, unless the dialer has been destroyed by then.
  void Later(absl::Duration wait, void (Dialer::*task)());

  // Borrowed; must outlive this.
  LoopExecutor& executor_;
  const CoreTarget& target_;
  NameLookup& lookup_;
  // Loop thread only.
  const Wishes wishes_;
  Done done_;
  std::deque<Untried> untried_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  absl::Status failure_;
  const std::shared_ptr<Dialer*> self_;  // null inside: the dialer has been destroyed
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_DIALER_H_
