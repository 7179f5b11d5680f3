// One struct for each command: its arguments, filled by ParseOptions().
//
// A duration of 0 means that the option was not given, unless noted otherwise.
#ifndef CAIRN_ADMIN_CLI_COMMAND_LINE_COMMANDS_H_
#define CAIRN_ADMIN_CLI_COMMAND_LINE_COMMANDS_H_

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <variant>

#include "admin-cli/printing/thresholds.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

namespace v1 = ::cairn::signaling::v1;

struct StatusCommand {
  absl::Duration every;  // --watch
};

struct PeersListCommand {
  v1::ListPeersRequest request;  // without its times, which count from when the command runs
  absl::Duration since;
  absl::Duration before;
  absl::Duration every;
};

struct PeersShowCommand {
  std::string id;
};

struct PeersKickCommand {
  v1::DisconnectRequest request;
  bool yes = false;
  bool dry_run = false;
};

struct TopicsListCommand {
  v1::ListTopicsRequest request;
  absl::Duration every;
};

struct TopicsShowCommand {
  std::string name;
};

struct EdgesListCommand {
  absl::Duration every;
};

struct EdgesShowCommand {
  std::string edge;
};

struct EdgesDrainCommand {
  std::string edge;
  bool yes = false;
};

struct CoresListCommand {
  absl::Duration every;
};

struct CoresDrainCommand {
  std::string core;
  bool undo = false;
  bool yes = false;
};

struct WatchCommand {
  v1::WatchRequest request;
  uint64_t limit = 0;  // 0: until interrupted
};

struct TraceCommand {
  v1::TraceRequest request;
  uint64_t limit = 0;  // 0: until interrupted
};

struct TopCommand {
  absl::Duration every = absl::Seconds(2);
};

struct LogLevelCommand {
  std::string directives;
};

struct CheckCommand {
  Thresholds thresholds;
};

struct ProbeCommand {
  std::string url;
  std::string auth_token;  // a client's token, never the operator's
  std::string auth_token_file;
  std::string ca;       // PEM file; "": the system's authorities
  std::string connect;  // HOST:PORT to connect to instead of the URL's
  absl::Duration idle;
  absl::Duration min_validity;  // a certificate that expires sooner is a failure
  uint32_t round_trips = 5;
};

struct CompletionCommand {
  std::string shell;
};

struct VersionCommand {};

using Command =
    std::variant<VersionCommand, StatusCommand, PeersListCommand, PeersShowCommand,
                 PeersKickCommand, TopicsListCommand, TopicsShowCommand, EdgesListCommand,
                 EdgesShowCommand, EdgesDrainCommand, CoresListCommand, CoresDrainCommand,
                 WatchCommand, TraceCommand, TopCommand, LogLevelCommand, CheckCommand,
                 ProbeCommand, CompletionCommand>;

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_COMMAND_LINE_COMMANDS_H_
