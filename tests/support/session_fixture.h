// SessionTest: a session between a fake client and a lane with a fake link.
#ifndef CAIRN_TESTS_SUPPORT_SESSION_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/session.h"
#include "tests/support/client_frames.h"
#include "tests/support/edge_bed.h"
#include "tests/support/fake_client.h"

namespace cairn::edge {

class SessionTest : public testing::Test, protected EdgeBed {
 protected:
  static constexpr uint64_t kPeer = 1;

  SessionTest() {
    limits_.max_message_bytes = 1000;
    limits_.max_topic_bytes = 100;
    limits_.max_topics = 3;
    lane_.Connect(&link_);
    Open();
  }

  void Open(wire::Dialect dialect = wire::Dialect::kNative) {
    session_.reset();
    Lane::PeerFacts facts;
    facts.connected_since_us = 5'000'999;
    facts.dialect = dialect;
    session_.emplace(context_, client_, kPeer, std::move(facts));
    Said();
  }
  void Receive(std::string bytes) { session_->OnBytes({bytes.data(), bytes.size()}); }
  void ReceiveText(std::string_view text) { Receive(ClientFrame(wire::WsOpcode::kText, text)); }
  void ReceiveBinary(std::string_view data) { Receive(ClientFrame(wire::WsOpcode::kBinary, data)); }

  // The events that the session has sent to the core since the last call: "kind topic payload".
  std::vector<std::string> Said() {
    lane_.Flush();
    std::vector<std::string> words;
    for (const signaling::v1::LaneEvent& event : link_.TakeEvents()) {
      std::string word =
          signaling::v1::LaneEvent::Kind_Name(event.kind()).substr(5) + " " + event.topic();
      words.push_back(event.payload().empty() ? word : word + " " + event.payload());
    }
    return words;
  }
  uint64_t Dropped(DropReason reason) const {
    return counters_.drops[static_cast<size_t>(reason)].Get();
  }

  FakeClient client_;
  std::optional<Session> session_;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_SESSION_FIXTURE_H_
