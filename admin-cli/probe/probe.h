// Probe: connects two clients to an edge, as real clients do, and exchanges messages between them,
// step by step. The first step that fails ends it.
//
// Thread: one.
#ifndef CAIRN_ADMIN_CLI_PROBE_PROBE_H_
#define CAIRN_ADMIN_CLI_PROBE_PROBE_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin-cli/probe/network.h"
#include "admin-cli/probe/report.h"
#include "admin-cli/probe/url.h"
#include "base/clock.h"

namespace cairn::admin {

struct ProbePlan {
  ProbeUrl url;
  std::string connect_host;  // replaces the URL's
  std::string connect_port;
  std::string token;
  absl::Duration timeout;  // of one step
  absl::Duration idle;     // 0: skip this step
  absl::Duration min_validity;
  uint32_t round_trips = 1;
};

class Probe {
 public:
  Probe(ProbePlan plan, ProbeNetwork& network, const Clock& clock, ProbeReport& report);

  // Every result goes to the report.
  void Run();

 private:
  using Step = std::function<absl::StatusOr<std::string>()>;

  // Runs a step, measures its time and reports it. False when it failed.
  bool Do(const std::string& name, const Step& step);

  absl::StatusOr<std::string> Resolve();
  absl::StatusOr<std::string> Connect(std::unique_ptr<ProbeConnection>& connection);
  absl::StatusOr<std::string> StartTls(ProbeConnection& connection);
  absl::StatusOr<std::string> Upgrade(ProbeConnection& connection);
  absl::StatusOr<std::string> ConnectSecond();
  absl::StatusOr<std::string> Subscribe();
  absl::StatusOr<std::string> Relay();
  absl::StatusOr<std::string> Idle();
  absl::StatusOr<std::string> Close();

  // Sends one numbered message from one client to the other; returns how long it took.
  absl::StatusOr<absl::Duration> RelayOnce(ProbeConnection& from, ProbeConnection& to);

  const ProbePlan plan_;
  const std::string topic_;
  // Borrowed; must outlive this.
  ProbeNetwork& network_;
  const Clock& clock_;
  ProbeReport& report_;

  std::vector<SocketAddress> addresses_;
  std::unique_ptr<ProbeConnection> first_;
  std::unique_ptr<ProbeConnection> second_;
  uint32_t next_number_ = 1;
  bool warned_ = false;  // whether the current step warned
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_PROBE_H_
