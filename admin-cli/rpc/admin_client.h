// AdminClient: calls of the core's Admin service (admin-cli/rpc/calls.h). The adapter to gRPC.
//
// Every call ends within the time-out, except feeds, which have none. Every call asks
// `stop` ten times a second and ends with CANCELLED when it returns true.
//
// Owner:  FleetClient.
// Thread: one.
// Bounds: answers of at most 64 MiB a message.
// Errors: the core's status as absl::Status (the codes are the same); UNAVAILABLE when the core
//         cannot be reached, DEADLINE_EXCEEDED when it does not answer.
#ifndef CAIRN_ADMIN_CLI_RPC_ADMIN_CLIENT_H_
#define CAIRN_ADMIN_CLI_RPC_ADMIN_CLIENT_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>

#include "admin-cli/rpc/calls.h"
#include "admin-cli/rpc/connection_options.h"

namespace cairn::admin {

class AdminClient {
 public:
  // Does not connect yet. INVALID_ARGUMENT names the option that is invalid.
  static absl::StatusOr<std::unique_ptr<AdminClient>> Create(const ConnectionOptions& options,
                                                             std::function<bool()> stop);
  ~AdminClient();

  // The same connection, for another core of the fleet; "": for the one that it leads to.
  std::unique_ptr<AdminClient> ForCore(const std::string& core_id,
                                       std::function<bool()> stop) const;

  // A call with one answer.
  template <typename Request>
  absl::StatusOr<AnswerTo<Request>> Call(const Request& request);

  // A call with many answers: `each` is called with every one, in order. If it returns false, the
  // call ends with OK. The time-out applies to each answer of a list; a feed lasts until `each` or
  // `stop` ends it, or the core does.
  template <typename Message>
  using Each = std::function<bool(const Message&)>;
  template <typename Request>
  absl::Status Stream(const Request& request, const Each<AnswerTo<Request>>& each);

 private:
  struct Parts;

  explicit AdminClient(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_ADMIN_CLIENT_H_
