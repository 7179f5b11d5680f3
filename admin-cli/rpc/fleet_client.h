// FleetClient: a whole fleet of cores as if it were one: each call goes to every core, through the
// one that was given, and the answers are put together. A core without a fleet is asked alone.
//
// A core that does not answer is not waited for longer than a second, and is missing in the answer.
//
// Owner:  Run() (admin-cli/commands/run.cc).
// Thread: one; calls to cores run on threads of their own meanwhile.
// Bounds: as AdminClient; lists are merged as they come.
// Errors: as AdminClient, of the core that was given. Another's failure to answer is none.
#ifndef CAIRN_ADMIN_CLI_RPC_FLEET_CLIENT_H_
#define CAIRN_ADMIN_CLI_RPC_FLEET_CLIENT_H_

#include <absl/status/statusor.h>

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "admin-cli/rpc/admin_client.h"
#include "admin-cli/rpc/calls.h"
#include "admin-cli/rpc/connection_options.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

class FleetClient {
 public:
  template <typename Message>
  using Each = AdminClient::Each<Message>;
  // Called once for each core that becomes missing: its name, and why.
  using OnMissing = std::function<void(const std::string& core, const absl::Status& status)>;

  static absl::StatusOr<std::unique_ptr<FleetClient>> Create(const ConnectionOptions& options,
                                                             std::function<bool()> stop);

  void SetOnMissing(OnMissing on_missing) { on_missing_ = std::move(on_missing); }
  // Names of cores that the last call has had no answer of.
  std::vector<std::string> missing() const;

  // One of CAIRN_ADMIN_CALLS: the answers of all cores as one (admin-cli/rpc/fleet_merge.h).
  template <typename Request>
  absl::StatusOr<AnswerTo<Request>> Call(const Request& request);
  // With the status of each core that answers.
  absl::StatusOr<v1::ListCoresResponse> ListCores();
  // Of the one core with this name or id; NOT_FOUND when there is none.
  absl::StatusOr<v1::DrainCoreResponse> DrainCore(const std::string& core,
                                                  const v1::DrainCoreRequest& request);

  // As AdminClient's; a page of a list is of several cores. If topics are sorted by something else
  // than the name, every core has to tell all its topics: what a topic has at several cores is
  // summed. Cores that come are watched too.
  absl::Status Stream(const v1::ListPeersRequest& request, const Each<v1::ListPeersResponse>& each);
  absl::Status Stream(const v1::ListTopicsRequest& request,
                      const Each<v1::ListTopicsResponse>& each);
  absl::Status Stream(const v1::WatchRequest& request, const Each<v1::Event>& each);
  absl::Status Stream(const v1::TraceRequest& request, const Each<v1::TraceRecord>& each);
  // For a screen: of what each core has first. A topic that is first at none is left out.
  absl::Status ListFirstTopics(const v1::ListTopicsRequest& request,
                               const Each<v1::ListTopicsResponse>& each);

 private:
  struct Core {
    v1::CoreInfo info;
    std::unique_ptr<AdminClient> client;
  };
  template <typename Response>
  using Ask = std::function<absl::StatusOr<Response>(AdminClient&)>;
  template <typename Response>
  using Answers = std::vector<std::pair<const v1::CoreInfo*, Response>>;

  FleetClient(std::unique_ptr<AdminClient> client, ConnectionOptions options,
              std::function<bool()> stop);

  // Which cores there are now, that the command is for.
  absl::Status Refresh();
  // The answer of each core that answers. An error that is about the request is returned; NOT_FOUND
  // only if all cores answer so.
  template <typename Response>
  absl::StatusOr<Answers<Response>> AskAll(const Ask<Response>& ask);
  // Whether the status only means that the core is missing; then the core is noted as missing.
  bool IsMissing(const v1::CoreInfo& core, const absl::Status& status);
  template <typename Item, typename Request, typename Items, typename Deliver>
  absl::Status MergeLists(const Request& request, Items items, Deliver deliver);
  template <typename Request>
  absl::Status Follow(const Request& request, const Each<AnswerTo<Request>>& each);

  const ConnectionOptions options_;
  const std::function<bool()> stop_;
  const std::unique_ptr<AdminClient> client_;   // of the core that was given
  v1::ListCoresResponse view_;                  // that core's
  std::vector<Core> cores_;                     // that core first
  std::map<std::string, std::string> missing_;  // of the last call: names by id
  std::set<std::string> said_;                  // ids of cores that on_missing_ knows
  OnMissing on_missing_;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_FLEET_CLIENT_H_
