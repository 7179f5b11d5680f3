// Every command against a core whose answers are known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "admin-cli/commands/run.h"
#include "admin-cli/rpc/admin_client.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/admin-cli/commands/fake_admin.h"

namespace cairn::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class CommandsTest : public ::testing::Test {
 protected:
  CommandsTest() {
    setenv("TZ", "UTC", 1);
    options_.connection.core = fake_.address();
    options_.connection.timeout = absl::Seconds(20);
    for (int i = 1; i <= 3; ++i) {
      v1::Peer peer;
      peer.set_id("000000000000000" + std::to_string(i));
      peer.set_edge("edge-1");
      peer.set_remote_address("192.0.2." + std::to_string(i) + ":51000");
      peer.set_dialect("cbor");
      peer.set_connected_since_us(clock_.WallTimeUs() - 192'000'000);
      peer.set_bytes_in(1'258'291);
      fake_.peers.push_back(peer);
    }
    v1::Topic topic;
    topic.set_name("room");
    topic.set_subscribers(3);
    topic.add_peers("0000000000000001");
    fake_.topics.push_back(topic);
    v1::EdgeInfo edge;
    edge.set_edge("edge-1");
    edge.set_version("0.3.0");
    edge.set_peers(3);
    fake_.edges.push_back(edge);
  }

  template <typename Command>
  int Run(const Command& command) {
    absl::StatusOr<std::unique_ptr<FleetClient>> client =
        FleetClient::Create(options_.connection, stop_);
    EXPECT_TRUE(client.ok()) << client.status();
    std::ostringstream out, err;
    std::istringstream in(answer_);
    CommandContext context{**client, options_,        &out, err, in, clock_, Style(),
                           false,    !answer_.empty()};
    const int code = WithMissing(context, RunCommand(context, command));
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  size_t Lines() const { return static_cast<size_t>(std::count(out_.begin(), out_.end(), '\n')); }

  FakeAdmin fake_;
  FakeClock clock_;
  Options options_;
  std::function<bool()> stop_ = [] { return false; };
  std::string answer_;  // what a person types; "": there is none
  std::string out_, err_;
};

TEST_F(CommandsTest, StatusIsForPeople) {
  fake_.status.set_version("0.3.0");
  fake_.status.set_peers(1234);
  fake_.status.set_edges(1);
  v1::ReasonCount& close = *fake_.status.add_closes();
  close.set_reason("slow_reader");
  close.set_count(7);
  EXPECT_EQ(Run(StatusCommand()), 0);
  EXPECT_THAT(out_, HasSubstr("peers        1,234 on 1 edge (0 lanes)"));
  EXPECT_THAT(out_, HasSubstr("closes       slow_reader 7\n"));
}

TEST_F(CommandsTest, StatusInJsonIsOneLine) {
  options_.output.form = Form::kJson;
  fake_.status.set_peers(1234);
  EXPECT_EQ(Run(StatusCommand()), 0);
  EXPECT_EQ(Lines(), 1u);
  EXPECT_THAT(out_, HasSubstr("\"peers\":1234,"));
}

TEST_F(CommandsTest, PeersOfAllPagesAreInOneTable) {
  EXPECT_EQ(Run(PeersListCommand()), 0);
  EXPECT_EQ(Lines(), 4u);
  EXPECT_THAT(out_, StartsWith("ID                EDGE    ADDRESS             UP"));
  EXPECT_THAT(out_, HasSubstr("0000000000000003  edge-1  192.0.2.3:51000  3m12s"));
  EXPECT_THAT(out_, HasSubstr("1.2 MiB"));
}

TEST_F(CommandsTest, PeersInJsonAreAnObjectALine) {
  options_.output.form = Form::kJson;
  EXPECT_EQ(Run(PeersListCommand()), 0);
  EXPECT_EQ(Lines(), 3u);
  EXPECT_THAT(out_, StartsWith("{\"id\":\"0000000000000001\",\"edge\":\"edge-1\""));
}

TEST_F(CommandsTest, TimesOfAFilterCountFromNow) {
  PeersListCommand command;
  command.since = absl::Minutes(10);
  command.before = absl::Minutes(1);
  command.request.mutable_filter()->set_topic("room");
  EXPECT_EQ(Run(command), 0);
  EXPECT_EQ(fake_.list_peers.filter().topic(), "room");
  EXPECT_EQ(fake_.list_peers.filter().connected_after_us(), clock_.WallTimeUs() - 600'000'000);
  EXPECT_EQ(fake_.list_peers.filter().connected_before_us(), clock_.WallTimeUs() - 60'000'000);
}

TEST_F(CommandsTest, AListThatWasCutSaysHowToContinue) {
  fake_.next_page_token = "abc";
  EXPECT_EQ(Run(PeersListCommand()), 0);
  EXPECT_EQ(err_, "cairn-admin: there are more peers; go on with --after abc\n");
}

TEST_F(CommandsTest, ClosedPeersSayWhenAndWhy) {
  fake_.peers.resize(1);
  fake_.peers[0].set_closed_us(clock_.WallTimeUs() - 2'000'000);
  fake_.peers[0].set_close_code(1013);
  fake_.peers[0].set_close_reason("slow_reader");
  PeersListCommand command;
  command.request.set_closed(true);
  EXPECT_EQ(Run(command), 0);
  EXPECT_THAT(out_, HasSubstr("  2s   3m10s  1013  slow_reader"));
}

TEST_F(CommandsTest, OnePeerShowsEverything) {
  fake_.peers[0].add_topics("room");
  fake_.peers[0].add_topics("hall");
  EXPECT_EQ(Run(PeersShowCommand{"0000000000000001"}), 0);
  EXPECT_THAT(out_, HasSubstr("connected     3m12s ago"));
  EXPECT_THAT(out_, HasSubstr("topics        room\n              hall\n"));
}

TEST_F(CommandsTest, AnUnknownPeerIsExitCode1AndOneLine) {
  EXPECT_EQ(Run(PeersShowCommand{"00ff"}), 1);
  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, StartsWith("cairn-admin: there is no peer '00ff'"));
}

TEST_F(CommandsTest, OnePeerIsKickedWithoutAQuestion) {
  PeersKickCommand command;
  command.request.set_id("0000000000000001");
  command.request.set_code(3001);
  fake_.disconnected = 1;
  EXPECT_EQ(Run(command), 0);
  ASSERT_EQ(fake_.disconnects.size(), 1u);
  EXPECT_EQ(fake_.disconnects[0].code(), 3001u);
  EXPECT_EQ(out_, "disconnected 1\n");
}

TEST_F(CommandsTest, ManyAreKickedOnlyAfterAYes) {
  PeersKickCommand command;
  command.request.set_topic("room");
  fake_.disconnected = 3;
  EXPECT_EQ(Run(command), 2);
  EXPECT_EQ(err_, "cairn-admin: Disconnect 3 peers subscribed to 'room'? Say --yes if so\n");
  answer_ = "n\n";
  EXPECT_EQ(Run(command), 1);
  EXPECT_THAT(fake_.disconnects, IsEmpty());
  answer_ = "y\n";
  EXPECT_EQ(Run(command), 0);
  answer_ = "";
  command.yes = true;
  EXPECT_EQ(Run(command), 0);
  EXPECT_EQ(fake_.disconnects.size(), 2u);
  EXPECT_EQ(fake_.disconnects[1].topic(), "room");
}

TEST_F(CommandsTest, ADryRunListsPeersAndKicksNone) {
  PeersKickCommand command;
  command.request.set_edge("edge-1");
  command.dry_run = true;
  EXPECT_EQ(Run(command), 0);
  EXPECT_EQ(Lines(), 4u);
  EXPECT_EQ(fake_.list_peers.filter().edge(), "edge-1");
  EXPECT_THAT(fake_.disconnects, IsEmpty());
}

TEST_F(CommandsTest, AKickWithoutAMatchIsExitCode1) {
  PeersKickCommand command;
  command.request.set_address_prefix("198.51.100.");
  command.yes = true;
  EXPECT_EQ(Run(command), 1);
  EXPECT_THAT(err_, HasSubstr("there are no peers whose address begins with '198.51.100.'"));
}

TEST_F(CommandsTest, TopicsAreListedAndShown) {
  TopicsListCommand list;
  list.request.set_sort(v1::ListTopicsRequest::SORT_RATE);
  EXPECT_EQ(Run(list), 0);
  EXPECT_EQ(fake_.list_topics.sort(), v1::ListTopicsRequest::SORT_RATE);
  EXPECT_EQ(Lines(), 2u);
  EXPECT_EQ(Run(TopicsShowCommand{"room"}), 0);
  EXPECT_THAT(out_, HasSubstr("peers        0000000000000001\n             and 2 more"));
  EXPECT_EQ(Run(TopicsShowCommand{"hall"}), 1);
  EXPECT_THAT(err_, HasSubstr("nobody is subscribed to 'hall'"));
}

TEST_F(CommandsTest, EdgesAreListedAndShown) {
  EXPECT_EQ(Run(EdgesListCommand()), 0);
  EXPECT_THAT(out_, HasSubstr("edge-1  0.3.0    serving"));
  EXPECT_EQ(Run(EdgesShowCommand{"edge-1"}), 0);
  EXPECT_THAT(out_, HasSubstr("drops        none\n"));
  EXPECT_EQ(Run(EdgesShowCommand{"edge-2"}), 1);
}

TEST_F(CommandsTest, AnEdgeIsDrainedOnlyAfterAYes) {
  EXPECT_EQ(Run(EdgesDrainCommand{"edge-1", false}), 2);
  EXPECT_THAT(fake_.drained, IsEmpty());
  EXPECT_EQ(Run(EdgesDrainCommand{"edge-1", true}), 0);
  EXPECT_THAT(fake_.drained, ElementsAre("edge-1"));
  EXPECT_EQ(out_, "edge 'edge-1' is draining 3 peers\n");
  EXPECT_EQ(Run(EdgesDrainCommand{"edge-2", true}), 1);
}

TEST_F(CommandsTest, WatchEndsAfterAsManyEventsAsAskedFor) {
  fake_.events.resize(5);
  for (v1::Event& event : fake_.events) event.set_kind(v1::Event::KIND_CONNECTED);
  WatchCommand command;
  command.request.set_edge("edge-1");
  command.limit = 3;
  EXPECT_EQ(Run(command), 0) << err_;
  EXPECT_EQ(Lines(), 3u);
  EXPECT_EQ(fake_.watch.edge(), "edge-1");
}

TEST_F(CommandsTest, TraceInJsonHasNoHeading) {
  options_.output.form = Form::kJson;
  fake_.records.resize(1);
  fake_.records[0].set_payload_bytes(200);
  TraceCommand command;
  command.request.set_topic("room");
  command.limit = 1;
  EXPECT_EQ(Run(command), 0) << err_;
  EXPECT_EQ(Lines(), 1u);
  EXPECT_THAT(out_, HasSubstr("\"payload_bytes\":200"));
  EXPECT_EQ(fake_.trace.topic(), "room");
}

TEST_F(CommandsTest, LogLevelShowsTheOldLevel) {
  EXPECT_EQ(Run(LogLevelCommand{"debug"}), 0);
  EXPECT_EQ(fake_.directives, "debug");
  EXPECT_THAT(out_, HasSubstr("'info'"));
}

TEST_F(CommandsTest, CheckPrintsOneLineOnStdout) {
  fake_.status.set_edges(1);
  EXPECT_EQ(Run(CheckCommand()), 0);
  EXPECT_THAT(out_, StartsWith("CAIRN OK - 0 peers, 1 edge"));
  CheckCommand strict;
  strict.thresholds.peers.critical = *Range::Parse("1:");
  EXPECT_EQ(Run(strict), 2);
  fake_.refusal = absl::PermissionDeniedError("no");
  EXPECT_EQ(Run(CheckCommand()), 3);
  EXPECT_THAT(out_, StartsWith("CAIRN UNKNOWN - "));
  options_.connection.core = "unix:/nonexistent/core";
  EXPECT_EQ(Run(CheckCommand()), 2);
  EXPECT_THAT(out_, StartsWith("CAIRN CRITICAL - cannot reach the core"));
}

TEST_F(CommandsTest, TheTokenIsSentAsABearer) {
  options_.connection.token = "secret";
  EXPECT_EQ(Run(StatusCommand()), 0);
  EXPECT_EQ(fake_.authorization, "Bearer secret");
}

TEST_F(CommandsTest, TheTokenOfAFileIsItsFirstLine) {
  const std::string path = fake_.address().substr(5) + ".token";
  std::ofstream(path) << "\n  from-file \nsecond\n";
  options_.connection.token_file = path;
  EXPECT_EQ(Run(StatusCommand()), 0);
  EXPECT_EQ(fake_.authorization, "Bearer from-file");
}

TEST_F(CommandsTest, RefusedCredentialsAreExitCode4) {
  fake_.refusal = absl::UnauthenticatedError("no credential");
  EXPECT_EQ(Run(StatusCommand()), 4);
  EXPECT_THAT(err_,
              StartsWith("cairn-admin: the core refuses the credential: no credential; give one"));
  EXPECT_EQ(Run(PeersListCommand()), 4);
}

TEST_F(CommandsTest, ACoreThatIsNotThereIsExitCode3) {
  options_.connection.core = "unix:/nonexistent/core";
  EXPECT_EQ(Run(StatusCommand()), 3);
  EXPECT_EQ(Run(WatchCommand()), 3);
  EXPECT_THAT(err_, StartsWith("cairn-admin: cannot reach the core at unix:/nonexistent/core"));
}

TEST_F(CommandsTest, ACoreThatHangsIsExitCode3AfterTheTimeout) {
  fake_.hangs = true;
  options_.connection.timeout = absl::Milliseconds(200);
  EXPECT_EQ(Run(StatusCommand()), 3);
  EXPECT_EQ(Run(PeersListCommand()), 3);
  EXPECT_THAT(err_, HasSubstr("does not answer"));
}

TEST_F(CommandsTest, AStopEndsACallAtOnce) {
  fake_.hangs = true;
  stop_ = [] { return true; };
  const absl::StatusOr<std::unique_ptr<AdminClient>> client =
      AdminClient::Create(options_.connection, stop_);
  EXPECT_TRUE(absl::IsCancelled((*client)->Call(v1::GetStatusRequest()).status()));
}

TEST_F(CommandsTest, ArgumentsThatTheCoreRefusesAreBadUsage) {
  fake_.refusal = absl::InvalidArgumentError("cannot read 'x'; give LEVEL or MODULE=LEVEL");
  EXPECT_EQ(Run(LogLevelCommand{"x"}), 2);
  EXPECT_EQ(err_, "cairn-admin: cannot read 'x'; give LEVEL or MODULE=LEVEL\n");
}

TEST(ClientTest, ATokenDoesNotCrossTheNetworkInTheClear) {
  ConnectionOptions options;
  options.core = "core.example.org:7443";
  options.token = "secret";
  const auto never = [] { return false; };
  EXPECT_TRUE(absl::IsInvalidArgument(AdminClient::Create(options, never).status()));
  options.insecure = true;
  EXPECT_TRUE(AdminClient::Create(options, never).ok());
}

TEST(ClientTest, FilesThatCannotBeReadAreNamedWithTheirOption) {
  ConnectionOptions options;
  options.tls_ca = "/nonexistent/ca.pem";
  const auto never = [] { return false; };
  EXPECT_THAT(std::string(AdminClient::Create(options, never).status().message()),
              HasSubstr("--tls-ca: cannot read '/nonexistent/ca.pem': No such file"));
  options.tls_ca = "/etc/hostname";
  EXPECT_THAT(std::string(AdminClient::Create(options, never).status().message()),
              HasSubstr("is not a PEM file"));
}

}  // namespace
}  // namespace cairn::admin
