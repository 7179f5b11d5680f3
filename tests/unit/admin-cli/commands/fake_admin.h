// FakeAdmin: an Admin service with answers that a test gives it, in this process on a unix socket.
//
// Thread: set answers before a call and read what was asked after it; gRPC's threads answer in
// between.
#ifndef CAIRN_TESTS_UNIT_ADMIN_CLI_COMMANDS_FAKE_ADMIN_H_
#define CAIRN_TESTS_UNIT_ADMIN_CLI_COMMANDS_FAKE_ADMIN_H_

#include <absl/status/status.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

class FakeAdmin {
 public:
  FakeAdmin();
  ~FakeAdmin();

  // For --core.
  std::string address() const;

  // ---- answers
  absl::Status refusal;             // of every call, unless OK
  std::atomic<bool> hangs = false;  // every call waits until it is cancelled
  signaling::v1::GetStatusResponse status;
  std::vector<signaling::v1::Peer> peers;  // sent two a message; GetPeer finds its own
  std::string next_page_token;
  std::vector<signaling::v1::Topic> topics;
  std::vector<signaling::v1::EdgeInfo> edges;
  uint64_t disconnected = 0;
  std::vector<signaling::v1::Event> events;  // then the stream stays open
  std::vector<signaling::v1::TraceRecord> records;
  std::vector<signaling::v1::CoreInfo> cores;  // none: ListCores is not known
  std::map<std::string, FakeAdmin*> others;    // by id: cores that calls are passed on to

  // ---- what was asked
  std::string authorization;
  signaling::v1::ListPeersRequest list_peers;
  signaling::v1::ListTopicsRequest list_topics;
  std::vector<signaling::v1::DisconnectRequest> disconnects;
  std::vector<std::string> drained;
  signaling::v1::WatchRequest watch;
  signaling::v1::TraceRequest trace;
  std::string directives;

 private:
  class Service;
  struct Parts;

  const std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::admin

#endif  // CAIRN_TESTS_UNIT_ADMIN_CLI_COMMANDS_FAKE_ADMIN_H_
