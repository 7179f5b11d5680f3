#include "admin-cli/probe/probe.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>
#include <sstream>

#include "admin-cli/probe/answer.h"
#include "admin-cli/probe/message.h"
#include "proto/wire/message_reader.h"
#include "tests/support/fake_clock.h"

namespace cairn::admin {
namespace {

class FakeConnection;

// A server as the probe meets it: what each step answers, and relays between its connections. Time
// passes only while somebody waits.
class FakeServer final : public ProbeNetwork {
 public:
  explicit FakeServer(FakeClock& fake_clock) : clock(fake_clock) {}

  absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host,
                                                     const std::string&) override {
    asked_for = host;
    return addresses;
  }
  std::unique_ptr<ProbeConnection> NewConnection() override;
  void Wait(absl::Duration duration) override { clock.Advance(duration); }

  FakeClock& clock;
  std::string asked_for;
  absl::StatusOr<std::vector<SocketAddress>> addresses{{*SocketAddress::Parse("192.0.2.1:443")}};
  std::set<std::string> dead_hosts;
  absl::StatusOr<TlsFacts> tls = TlsFacts{"TLSv1.3",
                                          "TLS_AES_128_GCM_SHA256",
                                          "signal.test",
                                          "test authority",
                                          absl::FromUnixSeconds(1'000'000) + absl::Hours(60 * 24),
                                          ""};
  absl::StatusOr<UpgradeAnswer> upgrade = UpgradeAnswer{101, "", ""};
  UpgradeRequest last_request;
  bool relays = true;
  int relays_lost_first = 0;  // before the core has the subscriptions
  absl::Time cut_at = absl::InfiniteFuture();
  std::vector<FakeConnection*> connections;
};

class FakeConnection final : public ProbeConnection {
 public:
  explicit FakeConnection(FakeServer& server) : server_(server) {}
  ~FakeConnection() override { std::erase(server_.connections, this); }

  absl::Status Connect(const SocketAddress& address) override {
    return server_.dead_hosts.contains(address.Host())
               ? absl::UnavailableError("connection refused")
               : absl::OkStatus();
  }
  absl::StatusOr<TlsFacts> StartTls(const std::string&) override { return server_.tls; }
  absl::StatusOr<UpgradeAnswer> Upgrade(const UpgradeRequest& request) override {
    server_.last_request = request;
    return server_.upgrade;
  }
  absl::Status Send(const std::string& message) override {
    if (!Ended().ok()) return Ended();
    wire::MessageReader reader;
    const wire::DecodeResult result = reader.Read(message);
    if (result.message.kind == wire::MessageKind::kSubscribe)
      topic_ = std::string(result.message.topic);
    if (result.message.kind != wire::MessageKind::kRelay || !server_.relays)
      return absl::OkStatus();
    if (server_.relays_lost_first-- > 0) return absl::OkStatus();
    for (FakeConnection* other : server_.connections) {
      if (other != this && other->topic_ == result.message.topic) other->inbox_.push_back(message);
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Receive(absl::Duration patience) override {
    if (inbox_.empty()) {
      server_.clock.Advance(patience);
      return absl::DeadlineExceededError("nothing came");
    }
    server_.clock.Advance(absl::Microseconds(100));
    std::string message = inbox_.front();
    inbox_.pop_front();
    return message;
  }
  absl::Status Ended() const override {
    return server_.clock.WallTime() >= server_.cut_at
               ? absl::AbortedError("the other side reset the connection")
               : absl::OkStatus();
  }
  uint32_t pings() const override { return 0; }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  FakeServer& server_;
  std::string topic_;
  std::deque<std::string> inbox_;
};

std::unique_ptr<ProbeConnection> FakeServer::NewConnection() {
  auto connection = std::make_unique<FakeConnection>(*this);
  connections.push_back(connection.get());
  return connection;
}

class ProbeTest : public ::testing::Test {
 protected:
  ProbeTest() : server_(clock_) {
    plan_.url = *ProbeUrl::Parse("wss://signal.test/path");
    plan_.connect_host = plan_.url.host;
    plan_.connect_port = plan_.url.port;
    plan_.timeout = absl::Seconds(5);
    plan_.round_trips = 2;
  }

  // Exit code; the steps' lines are in out_.
  int Run() {
    std::ostringstream out, err;
    ProbeReport report(Form::kTable, Style(), out);
    Probe(plan_, server_, clock_, report).Run();
    const int code = report.Finish(err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }
  // "ok", "warning", "failed", or "" for a step that was not tried.
  std::string StateOf(const std::string& step) const {
    const size_t at = out_.find("  " + step + " ");
    if (at == out_.npos) return "";
    const size_t state = at + 17;
    return out_.substr(state, out_.find(' ', state) - state);
  }

  FakeClock clock_;
  FakeServer server_;
  ProbePlan plan_;
  std::string out_, err_;
};

TEST_F(ProbeTest, AServerThatWorksPassesEveryStep) {
  plan_.idle = absl::Seconds(90);
  EXPECT_EQ(Run(), 0) << out_ << err_;
  for (const char* step :
       {"dns", "tcp", "tls", "upgrade", "second client", "subscribe", "relay", "idle", "close"}) {
    EXPECT_EQ(StateOf(step), "ok") << step << "\n" << out_;
  }
  EXPECT_NE(out_.find("4 relays: median 100us, 100us to 100us"), std::string::npos) << out_;
  EXPECT_EQ(err_, "");
}

TEST_F(ProbeTest, PlainConnectionsHaveNoTlsStep) {
  plan_.url = *ProbeUrl::Parse("ws://signal.test/");
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(StateOf("tls"), "");
}

TEST_F(ProbeTest, TheTokenAndTheUrlsNamesAreSentToEveryAddress) {
  plan_.token = "secret";
  plan_.connect_host = "192.0.2.9";
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(server_.asked_for, "192.0.2.9");
  EXPECT_EQ(server_.last_request.token, "secret");
  EXPECT_EQ(server_.last_request.host_header, "signal.test");
  EXPECT_EQ(server_.last_request.target, "/path");
}

TEST_F(ProbeTest, TheFirstFailedStepEndsTheProbeWithAHint) {
  server_.upgrade = UpgradeAnswer{401, "", ""};
  EXPECT_EQ(Run(), 1);
  EXPECT_EQ(StateOf("upgrade"), "failed");
  EXPECT_EQ(StateOf("second client"), "");
  EXPECT_EQ(err_,
            "cairn-admin: probe failed at upgrade: HTTP 401: clients need a token: give it with "
            "--auth-token-file\n");
}

TEST_F(ProbeTest, AnAddressThatDoesNotAnswerIsAWarningIfAnotherDoes) {
  server_.addresses = std::vector<SocketAddress>{*SocketAddress::Parse("[2001:db8::1]:443"),
                                                 *SocketAddress::Parse("192.0.2.1:443")};
  server_.dead_hosts = {"2001:db8::1"};
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(StateOf("tcp"), "warning");
  EXPECT_NE(out_.find("192.0.2.1:443; [2001:db8::1]:443: connection refused"), std::string::npos)
      << out_;
  server_.dead_hosts.insert("192.0.2.1");
  EXPECT_EQ(Run(), 1);
  EXPECT_EQ(StateOf("tcp"), "failed");
}

TEST_F(ProbeTest, ACertificateThatIsNotTrustedFails) {
  server_.tls->problem = "the certificate expired 3d00h ago: renew it, and have the server load it";
  EXPECT_EQ(Run(), 1);
  EXPECT_EQ(StateOf("tls"), "failed");
}

TEST_F(ProbeTest, ACertificateThatEndsSoonIsAWarningAndSoonerThanAskedForAFailure) {
  server_.tls->not_after = clock_.WallTime() + absl::Hours(13 * 24);
  EXPECT_EQ(Run(), 0);
  EXPECT_EQ(StateOf("tls"), "warning");
  EXPECT_EQ(StateOf("second client"), "ok");
  plan_.min_validity = absl::Hours(20 * 24);
  EXPECT_EQ(Run(), 1);
  EXPECT_EQ(StateOf("tls"), "failed");
}

TEST_F(ProbeTest, RelaysThatAreLostBeforeTheSubscriptionHoldsAreSentAgain) {
  server_.relays_lost_first = 3;
  EXPECT_EQ(Run(), 0) << err_;
}

TEST_F(ProbeTest, AnEdgeWithoutItsCoreFailsAtSubscribe) {
  server_.relays = false;
  EXPECT_EQ(Run(), 1);
  EXPECT_EQ(StateOf("subscribe"), "failed");
  EXPECT_NE(err_.find("does it have its core?"), std::string::npos);
}

TEST_F(ProbeTest, AProxyThatCutsIdleConnectionsIsFoundWithTheTime) {
  plan_.idle = absl::Seconds(90);
  server_.cut_at = clock_.WallTime() + absl::Seconds(60);
  EXPECT_EQ(Run(), 1);
  EXPECT_EQ(StateOf("relay"), "ok");
  EXPECT_EQ(StateOf("idle"), "failed");
  EXPECT_NE(err_.find("lost after 1m00s of silence"), std::string::npos) << err_;
  EXPECT_NE(err_.find("--ping-interval"), std::string::npos) << err_;
}

TEST(ProbeAnswerTest, EachAnswerHasAHint) {
  const std::pair<UpgradeAnswer, const char*> cases[] = {
      {{401, "", ""}, "the token is wrong"},
      {{301, "", "https://b/"}, "redirects to 'https://b/'"},
      {{426, "", ""}, "take the Upgrade header away"},
      {{502, "nginx", ""}, "HTTP 502 from nginx: a proxy answers, but cannot reach the edge"},
      {{200, "", ""}, "not a signaling server"},
  };
  for (const auto& [answer, words] : cases) {
    EXPECT_NE(ExplainAnswer(answer, true).find(words), std::string::npos)
        << ExplainAnswer(answer, true);
  }
  EXPECT_NE(ExplainAnswer({401, "", ""}, false).find("clients need a token"), std::string::npos);
}

TEST(ProbeReportTest, JsonIsAnObjectAStep) {
  std::ostringstream out;
  ProbeReport report(Form::kJson, Style(), out);
  report.Start("ws://a");
  report.Add({"dns", StepState::kWarning, absl::Microseconds(1200), "a \"b\""});
  EXPECT_EQ(out.str(), R"({"step":"dns","state":"warning","took_us":1200,"text":"a \"b\""})"
                       "\n");
}

TEST(ProbeReportTest, LatenciesAreSummarizedByTheirMiddleAndEnds) {
  EXPECT_EQ(
      SummarizeLatencies({absl::Milliseconds(3), absl::Microseconds(500), absl::Milliseconds(1)}),
      "median 1.00ms, 500us to 3.00ms");
}

}  // namespace
}  // namespace cairn::admin
