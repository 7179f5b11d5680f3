// Commands against a fleet of three cores whose answers are known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <sstream>
#include <string>

#include "admin-cli/commands/run.h"
#include "admin-cli/rpc/fleet_client.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/admin-cli/commands/fake_admin.h"

namespace cairn::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class FleetTest : public ::testing::Test {
 protected:
  FleetTest() {
    options_.connection.core = cores_[0].address();
    options_.connection.timeout = absl::Seconds(20);
    options_.output.form = Form::kJson;
    for (size_t i = 0; i < cores_.size(); ++i) {
      v1::CoreInfo core;
      core.set_core_id("id-" + std::to_string(i));
      core.set_name("core-" + std::to_string(i));
      core.set_is_self(i == 0);
      cores_[0].cores.push_back(core);
      if (i > 0) cores_[0].others[core.core_id()] = &cores_[i];
      cores_[i].status.set_peers(i + 1);
    }
  }
  // Each of the cores has every third peer.
  void AddPeers(int count) {
    for (int i = 0; i < count; ++i) {
      v1::Peer peer;
      peer.set_id("p" + std::to_string(1000 + i));
      peer.set_bytes_in(static_cast<uint64_t>(i));
      cores_[static_cast<size_t>(i) % 3].peers.push_back(peer);
    }
  }
  template <typename Command>
  int Run(const Command& command) {
    absl::StatusOr<std::unique_ptr<FleetClient>> client =
        FleetClient::Create(options_.connection, [] { return false; });
    EXPECT_TRUE(client.ok()) << client.status();
    std::ostringstream out, err;
    std::istringstream in;
    CommandContext context{**client, options_, &out, err, in, clock_, Style(), false, false};
    const int code = WithMissing(context, RunCommand(context, command));
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  std::vector<std::string> Peers(const v1::ListPeersRequest& request) {
    absl::StatusOr<std::unique_ptr<FleetClient>> client =
        FleetClient::Create(options_.connection, [] { return false; });
    std::vector<std::string> ids;
    token_.clear();
    EXPECT_TRUE((*client)
                    ->Stream(request,
                             [&](const v1::ListPeersResponse& page) {
                               for (const v1::Peer& peer : page.peers()) ids.push_back(peer.id());
                               token_ = page.next_page_token();
                               return true;
                             })
                    .ok());
    return ids;
  }

  std::array<FakeAdmin, 3> cores_;
  FakeClock clock_;
  Options options_;
  std::string token_, out_, err_;
};

TEST_F(FleetTest, StatusIsOfAllCores) {
  EXPECT_EQ(Run(StatusCommand()), kOk);
  EXPECT_THAT(out_, HasSubstr("\"peers\":6"));
  options_.connection.on = "core-1";
  EXPECT_EQ(Run(StatusCommand()), kOk);
  EXPECT_THAT(out_, HasSubstr("\"peers\":2"));
  options_.connection.on = "core-9";
  EXPECT_EQ(Run(StatusCommand()), kBadUsage);
  EXPECT_THAT(err_, HasSubstr("there is no core 'core-9'"));
}

TEST_F(FleetTest, PeersOfAllCoresComeInOneOrder) {
  AddPeers(400);
  const std::vector<std::string> ids = Peers({});
  ASSERT_THAT(ids, SizeIs(400));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST_F(FleetTest, ALimitIsOfTheWholeAndGoesOnAfterTheLast) {
  AddPeers(9);
  v1::ListPeersRequest request;
  request.set_limit(4);
  EXPECT_THAT(Peers(request), ElementsAre("p1000", "p1001", "p1002", "p1003"));
  EXPECT_EQ(token_, "p1003");
  EXPECT_EQ(cores_[2].list_peers.limit(), 4u);
  request.set_limit(9);
  EXPECT_THAT(Peers(request), SizeIs(9));
  EXPECT_EQ(token_, "");
}

TEST_F(FleetTest, ATopicOfSeveralCoresIsOneTopic) {
  for (size_t i = 0; i < 3; ++i) {
    for (const std::string& name : {std::string("a-big"), "b" + std::to_string(i)}) {
      v1::Topic topic;
      topic.set_name(name);
      topic.set_subscribers(i + 1);
      cores_[i].topics.push_back(topic);
    }
  }
  TopicsListCommand command;
  command.request.set_sort(v1::ListTopicsRequest::SORT_SUBSCRIBERS);
  command.request.set_descending(true);
  command.request.set_limit(2);
  EXPECT_EQ(Run(command), kOk);
  EXPECT_THAT(out_, HasSubstr("{\"name\":\"a-big\",\"subscribers\":6"));
  EXPECT_THAT(out_, HasSubstr("{\"name\":\"b2\",\"subscribers\":3"));
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 2);
  // What is first over all may be first at none.
  EXPECT_EQ(cores_[1].list_topics.limit(), 0u);
}

TEST_F(FleetTest, ACoreThatWasGivenUpIsShownAndNotAsked) {
  cores_[0].cores[1].set_given_up("core_timeout");
  cores_[0].cores[1].set_given_up_us(90'000'000);
  cores_[1].refusal = absl::UnavailableError("asked");
  EXPECT_EQ(Run(StatusCommand()), kOk);
  EXPECT_THAT(out_, HasSubstr("\"peers\":4"));
  EXPECT_EQ(Run(CoresListCommand()), kOk);
  EXPECT_THAT(out_, HasSubstr("\"given_up\":\"core_timeout\""));
  options_.output.form = Form::kTable;
  EXPECT_EQ(Run(CoresListCommand()), kOk);
  EXPECT_THAT(out_, HasSubstr("given up 1m"));
}

TEST_F(FleetTest, ACoreThatDoesNotAnswerIsNamedAndCostsItsPartOnly) {
  AddPeers(9);
  cores_[1].refusal = absl::UnavailableError("the core id-1 does not answer");
  EXPECT_EQ(Run(StatusCommand()), kIncomplete);
  EXPECT_THAT(out_, HasSubstr("\"peers\":4"));
  EXPECT_THAT(out_, HasSubstr("\"missing_cores\":[\"core-1\"]"));
  EXPECT_EQ(err_, "cairn-admin: this is without core core-1, which did not answer\n");
  EXPECT_EQ(Run(PeersShowCommand{"p1000"}), kIncomplete);
  EXPECT_THAT(out_, HasSubstr("p1000"));
  // It may be there.
  EXPECT_EQ(Run(PeersShowCommand{"p9999"}), kIncomplete);
}

TEST_F(FleetTest, TheCoreThatIsAskedCannotBeMissing) {
  cores_[0].refusal = absl::UnavailableError("gone");
  EXPECT_EQ(Run(StatusCommand()), kUnreachable);
}

TEST_F(FleetTest, AKickIsTheSumOfAllCores) {
  for (FakeAdmin& core : cores_) core.disconnected = 2;
  PeersKickCommand command;
  command.request.set_topic("t");
  command.yes = true;
  EXPECT_EQ(Run(command), kOk);
  EXPECT_THAT(out_, HasSubstr("\"disconnected\":6"));
  EXPECT_THAT(cores_[2].disconnects, SizeIs(1));
}

TEST_F(FleetTest, WatchIsOfAllCores) {
  for (size_t i = 0; i < 3; ++i) {
    v1::Event event;
    event.set_edge("edge-" + std::to_string(i));
    cores_[i].events.push_back(event);
  }
  WatchCommand command;
  command.limit = 3;
  EXPECT_EQ(Run(command), kOk);
  for (const char* edge : {"edge-0", "edge-1", "edge-2"}) EXPECT_THAT(out_, HasSubstr(edge));
}

}  // namespace
}  // namespace cairn::admin
