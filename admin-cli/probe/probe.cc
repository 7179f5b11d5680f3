#include "admin-cli/probe/probe.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/thresholds.h"
#include "admin-cli/probe/answer.h"
#include "admin-cli/probe/message.h"

namespace cairn::admin {
namespace {

// The pause between attempts of the first relay: a Subscribe takes effect when it reaches the core,
// which a client is not told.
constexpr absl::Duration kRetry = absl::Milliseconds(50);

}  // namespace

Probe::Probe(ProbePlan plan, ProbeNetwork& network, const Clock& clock, ProbeReport& report)
    : plan_(std::move(plan)),
      topic_(RandomTopic()),
      network_(network),
      clock_(clock),
      report_(report) {}

void Probe::Run() {
  const bool connected = Do("dns", [this] { return Resolve(); }) &&
                         Do("tcp", [this] { return Connect(first_); }) &&
                         (!plan_.url.tls || Do("tls", [this] { return StartTls(*first_); })) &&
                         Do("upgrade", [this] { return Upgrade(*first_); }) &&
                         Do("second client", [this] { return ConnectSecond(); });
  if (!connected) return;
  const bool relays = Do("subscribe", [this] { return Subscribe(); }) &&
                      Do("relay", [this] { return Relay(); }) &&
                      (plan_.idle == absl::ZeroDuration() || Do("idle", [this] { return Idle(); }));
  if (relays) Do("close", [this] { return Close(); });
}

bool Probe::Do(const std::string& name, const Step& step) {
  ProbeStep outcome;
  outcome.name = name;
  warned_ = false;
  const absl::Duration start = clock_.Elapsed();
  const absl::StatusOr<std::string> found = step();
  outcome.took = clock_.Elapsed() - start;
  outcome.state = !found.ok() ? StepState::kFailed : warned_ ? StepState::kWarning : StepState::kOk;
  outcome.text = found.ok() ? *found : std::string(found.status().message());
  report_.Add(outcome);
  return found.ok();
}

absl::StatusOr<std::string> Probe::Resolve() {
  absl::StatusOr<std::vector<SocketAddress>> addresses =
      network_.Resolve(plan_.connect_host, plan_.connect_port);
  if (!addresses.ok()) return addresses.status();
  addresses_ = *std::move(addresses);
  std::vector<std::string> hosts;
  for (const SocketAddress& address : addresses_) hosts.push_back(address.Host());
  return fmt::format("{}", fmt::join(hosts, ", "));
}

absl::StatusOr<std::string> Probe::Connect(std::unique_ptr<ProbeConnection>& connection) {
  std::string failures;
  absl::Status last;
  for (const SocketAddress& address : addresses_) {
    connection = network_.NewConnection();
    last = connection->Connect(address);
    if (last.ok()) {
      // A client that tries this address first loses time, or fails.
      warned_ = !failures.empty();
      return address.ToString() + failures;
    }
    failures += fmt::format("; {}: {}", address.ToString(), std::string(last.message()));
  }
  if (failures.empty()) return absl::NotFoundError("no address");
  return absl::Status(last.code(), failures.substr(2));
}

absl::StatusOr<std::string> Probe::StartTls(ProbeConnection& connection) {
  const absl::StatusOr<TlsFacts> facts = connection.StartTls(plan_.url.host);
  if (!facts.ok()) return facts.status();
  if (!facts->problem.empty()) return absl::FailedPreconditionError(facts->problem);
  const absl::Duration left = facts->not_after - clock_.WallTime();
  const std::string end = fmt::format("ends in {}", HumaneDuration(left));
  if (left < plan_.min_validity) {
    return absl::FailedPreconditionError(fmt::format("the certificate {}: renew it", end));
  }
  warned_ = left < Thresholds().certificate_warning;
  return fmt::format("{} {}; certificate '{}' of '{}' {}", facts->version, facts->cipher,
                     facts->subject, facts->issuer, end);
}

absl::StatusOr<std::string> Probe::Upgrade(ProbeConnection& connection) {
  const absl::StatusOr<UpgradeAnswer> answer =
      connection.Upgrade({plan_.url.host_header, plan_.url.target, plan_.token});
  if (!answer.ok()) {
    // A server that expects TLS cannot parse plain HTTP.
    const char* hint = plan_.url.tls ? "" : "; does this port speak TLS (wss://)?";
    return absl::Status(answer.status().code(), std::string(answer.status().message()) + hint);
  }
  if (answer->status != 101) {
    return absl::FailedPreconditionError(ExplainAnswer(*answer, !plan_.token.empty()));
  }
  return "WebSocket is open";
}

absl::StatusOr<std::string> Probe::ConnectSecond() {
  absl::StatusOr<std::string> done = Connect(second_);
  if (done.ok() && plan_.url.tls) done = StartTls(*second_);
  if (done.ok()) done = Upgrade(*second_);
  if (!done.ok()) return done.status();
  warned_ = false;
  return "tcp to upgrade once more";
}

absl::StatusOr<std::string> Probe::Subscribe() {
  for (ProbeConnection* connection : {first_.get(), second_.get()}) {
    if (absl::Status sent = connection->Send(SubscribeMessage(topic_)); !sent.ok()) return sent;
  }
  const absl::Duration start = clock_.Elapsed();
  for (ProbeConnection* from : {first_.get(), second_.get()}) {
    ProbeConnection* to = from == first_.get() ? second_.get() : first_.get();
    const uint32_t first_number = next_number_;
    for (bool heard = false; !heard;) {
      if (clock_.Elapsed() - start >= plan_.timeout) {
        return absl::DeadlineExceededError(
            "the edge takes clients, but no relay arrives: does it have its core? See 'cairn-admin "
            "edges list'");
      }
      if (absl::Status sent = from->Send(NumberedMessage(topic_, next_number_++)); !sent.ok())
        return sent;
      const absl::StatusOr<std::string> message = to->Receive(kRetry);
      if (!message.ok() && !absl::IsDeadlineExceeded(message.status())) return message.status();
      heard = message.ok() && ReadNumber(*message, topic_).value_or(0) >= first_number;
    }
  }
  return "both clients hear each other";
}

absl::StatusOr<absl::Duration> Probe::RelayOnce(ProbeConnection& from, ProbeConnection& to) {
  const uint32_t number = next_number_++;
  const absl::Duration start = clock_.Elapsed();
  if (absl::Status sent = from.Send(NumberedMessage(topic_, number)); !sent.ok()) return sent;
  for (;;) {
    const absl::Duration left = plan_.timeout - (clock_.Elapsed() - start);
    const absl::StatusOr<std::string> message = to.Receive(std::max(left, absl::ZeroDuration()));
    if (absl::IsDeadlineExceeded(message.status())) {
      return absl::DeadlineExceededError(
          fmt::format("a relay did not arrive within {}", HumaneDuration(plan_.timeout)));
    }
    if (!message.ok()) return message.status();
    if (*message == NumberedMessage(topic_, number)) return clock_.Elapsed() - start;
    // Smaller numbers are late messages from Subscribe().
    const uint32_t came = ReadNumber(*message, topic_).value_or(number);
    if (came >= number || *message != NumberedMessage(topic_, came)) {
      return absl::DataLossError(
          "what arrives is not what was sent: something in between changes messages");
    }
  }
}

absl::StatusOr<std::string> Probe::Relay() {
  std::vector<absl::Duration> latencies;
  for (uint32_t i = 0; i < plan_.round_trips; ++i) {
    for (const bool there : {true, false}) {
      const absl::StatusOr<absl::Duration> latency =
          RelayOnce(there ? *first_ : *second_, there ? *second_ : *first_);
      if (!latency.ok()) return latency.status();
      latencies.push_back(*latency);
    }
  }
  const size_t count = latencies.size();
  return fmt::format("{} relays: {}", count, SummarizeLatencies(std::move(latencies)));
}

absl::StatusOr<std::string> Probe::Idle() {
  const absl::Duration start = clock_.Elapsed();
  const uint32_t pings_before = first_->pings();
  absl::Status ended;
  while (ended.ok() && clock_.Elapsed() - start < plan_.idle) {
    const absl::Duration left = plan_.idle - (clock_.Elapsed() - start);
    network_.Wait(std::min(left, absl::Milliseconds(100)));
    ended = first_->Ended().ok() ? second_->Ended() : first_->Ended();
  }
  const uint32_t pings = first_->pings() - pings_before;
  const std::string silent = fmt::format("{} of silence, {} pings from the server",
                                         HumaneDuration(clock_.Elapsed() - start), pings);
  if (ended.ok()) ended = RelayOnce(*first_, *second_).status();
  if (!ended.ok()) {
    return absl::Status(
        ended.code(),
        fmt::format(
            "lost after {}: {}; let the proxy in between keep connections for longer than the "
            "server's --ping-interval",
            silent, std::string(ended.message())));
  }
  return fmt::format("{}; still relays", silent);
}

absl::StatusOr<std::string> Probe::Close() {
  for (ProbeConnection* connection : {first_.get(), second_.get()}) {
    if (absl::Status closed = connection->Close(); !closed.ok()) return closed;
  }
  return "both closed with 1000";
}

}  // namespace cairn::admin
