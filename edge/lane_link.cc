#include "edge/lane_link.h"

#include <absl/hash/hash.h>
#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/peer_id.h"
#include "proto/link/protocol_version.h"
#include "proto/link/timing.h"

namespace cairn::edge {

using signaling::v1::CoreToLane;
using signaling::v1::LaneToCore;
using signaling::v1::Welcome;

namespace {

// Log limit for a link that breaks again and again.
constexpr int kOutagesLogged = 10;
constexpr absl::Duration kOutagesLoggedPer = absl::Minutes(1);

CoreSession::Kind KindOf(const Welcome& welcome, uint64_t last_core_id) {
  switch (welcome.outcome()) {
    case Welcome::OUTCOME_GIVEN_UP:
      return CoreSession::Kind::kGivenUp;
    case Welcome::OUTCOME_LATE:
      return CoreSession::Kind::kLate;
    default:
      return last_core_id == 0 ? CoreSession::Kind::kFirst : CoreSession::Kind::kNewCore;
  }
}

}  // namespace

signaling::v1::Hello LaneIdentity::ToHello() const {
  signaling::v1::Hello hello;
  hello.set_protocol_version(link::kProtocolVersion);
  hello.set_lane_id(lane_id);
  hello.set_secret(secret);
  hello.set_edge(edge);
  hello.set_lane_index(lane_index);
  hello.set_version(version);
  hello.set_tls_not_after_us(tls_not_after_us);
  return hello;
}

LaneLink::LaneLink(std::unique_ptr<CoreStreamOpener> opener, LaneIdentity identity,
                   CoreLinkListener& listener, LoopExecutor& executor, Options options,
                   const Clock& clock)
    : opener_(std::move(opener)),
      identity_(std::move(identity)),
      options_(options),
      listener_(listener),
      executor_(executor),
      clock_(clock),
      backoff_(absl::FromChrono(link::kFirstBackoff), absl::FromChrono(link::kMaxBackoff),
               identity_.lane_id),
      down_since_(clock.Elapsed()),
      outages_(clock, kOutagesLogged, kOutagesLoggedPer) {}

LaneLink::~LaneLink() = default;

void LaneLink::Start() { OpenStream(); }

void LaneLink::Submit(LaneToCore& batch) {
  CAIRN_CHECK(link_ != nullptr);
  link_->Append(batch);
  Pump();
}

void LaneLink::SubmitApart(LaneToCore& batch) {
  CAIRN_CHECK(link_ != nullptr);
  link_->Cut();
  link_->Append(batch);
  link_->Cut();
  Pump();
}

size_t LaneLink::Room() const {
  return link_ && link_->cost() < options_.window ? options_.window - link_->cost() : 0;
}

void LaneLink::Tick() {
  if (stream_) stream_->Tick();
  if (!welcomed_) return;
  link_->AckNow();
  if (++silent_ticks_ >= beat_ticks_) link_->BeatNow();
  Pump();
  Flush();
}

// ---- streams

void LaneLink::OpenStream() {
  stream_ = opener_->OpenStream(*this);
  welcomed_ = false;
  LaneToCore opening;
  *opening.mutable_hello() = identity_.ToHello();
  opening.mutable_hello()->set_core_id(core_id_);
  opening.mutable_hello()->set_link(link_number_);
  opening.mutable_hello()->set_session(++sessions_);
  *opening.mutable_hello()->mutable_earlier_cores() = earlier_cores_;
  if (link_) opening.mutable_hello()->set_received(link_->received());
  listener_.FillInRosters(*opening.mutable_hello());
  CAIRN_CHECK(stream_->Writable());
  stream_->Write(opening);
}

void LaneLink::OnStreamMessage(CoreToLane& message) {
  if (!refusal_.empty()) return;
  if (!welcomed_) return OnWelcome(message);
  const size_t cost_before = link_->cost();
  const link::Receipt receipt =
      link_->Receive(message, [this](LaneToCore& accepted) { Accept(accepted); });
  if (receipt == link::Receipt::kBroken) {
    GiveUpLink();
    return Refuse("the core left out a number or acknowledged what it was not sent");
  }
  if (receipt == link::Receipt::kHandle) listener_.OnCoreMessage(message);
  if (link_->cost() < cost_before) listener_.OnRoom();
  Pump();
}

void LaneLink::OnWelcome(const CoreToLane& message) {
  const Welcome& welcome = message.welcome();
  if (!message.has_welcome() || welcome.protocol_version() != link::kProtocolVersion ||
      welcome.core_id() == 0) {
    return Refuse(absl::StrCat("the core's first message is no Welcome of protocol version ",
                               link::kProtocolVersion));
  }
  const bool resumed = welcome.outcome() == Welcome::OUTCOME_RESUMED;
  if (!resumed) {
    BeginSession(welcome);
  } else if (welcome.core_id() != core_id_ || welcome.link() != link_number_ || link_number_ == 0 ||
             !Resume(welcome.received())) {
    return Refuse("the core goes on with a link that the lane does not have");
  }
  log::Info(log::Edge(), "core_link_up",
            {{"lane", identity_.lane_index},
             {"core", FormatId(core_id_)},
             {"outcome", Welcome::Outcome_Name(welcome.outcome()).substr(8)}});
  welcomed_ = true;
  earlier_cores_ = welcome.earlier_cores();
  up_since_ = clock_.Elapsed();
  // The tick after which a beat is due may be late.
  const auto ticks = welcome.beat_ms() / static_cast<uint32_t>(link::kTick.count());
  beat_ticks_ = std::max(1, static_cast<int>(ticks) - 1);
  silent_ticks_ = 0;
  last_failure_.clear();
  core_seen_.store(core_id_, std::memory_order_relaxed);
  fleet_seen_.store(welcome.fleet().empty() ? 0 : absl::HashOf(welcome.fleet()) | 1,
                    std::memory_order_relaxed);
  connected_.store(true, std::memory_order_relaxed);
  listener_.OnRoom();
  Pump();
}

bool LaneLink::Resume(uint64_t received) {
  return link_->Attach(received, [this](LaneToCore& accepted) { Accept(accepted); });
}

void LaneLink::BeginSession(const Welcome& welcome) {
  CoreSession session;
  session.kind = KindOf(welcome, core_id_);
  session.outage = clock_.Elapsed() - down_since_;
  if (link_) session.unaccepted = link_->TakeUnacknowledged();
  core_id_ = welcome.core_id();
  link_number_ = welcome.link();
  link_ = std::make_unique<WireLink>(options_.window, options_.max_whole_bytes);
  const bool attached = link_->Attach(0, [](LaneToCore&) {});
  CAIRN_CHECK(attached);
  listener_.OnSession(std::move(session));
}

// A broken link cannot continue. The core treats the lane as one that it has given up, so that its
// clients learn that they may have missed something.
void LaneLink::GiveUpLink() { link_number_ = 0; }

void LaneLink::Refuse(const std::string& why) {
  refusal_ = why;
  stream_->Cancel();
}

void LaneLink::OnStreamEnded(int code, const std::string& message) {
  if (welcomed_) {
    down_since_ = clock_.Elapsed();
    if (down_since_ - up_since_ >= absl::FromChrono(link::kSteadyStream)) backoff_.Reset();
  }
  stream_.reset();
  welcomed_ = false;
  if (link_) link_->Detach();
  connected_.store(false, std::memory_order_relaxed);
  refusal_.empty() ? LogOutage(code, message)
                   : LogOutage(static_cast<int>(absl::StatusCode::kInvalidArgument), refusal_);
  refusal_.clear();
  executor_.PostAfter(backoff_.Next(), [this] { OpenStream(); });
}

void LaneLink::LogOutage(int code, const std::string& message) {
  if (code == static_cast<int>(absl::StatusCode::kOk)) {
    return log::Info(log::Edge(), "core_link_moves",
                     {{"lane", identity_.lane_index}, {"message", log::Text(message)}});
  }
  const std::string failure = absl::StrCat(code, " ", message);
  if (failure == last_failure_) return;
  last_failure_ = failure;
  const auto suppressed = outages_.Admit();
  if (!suppressed) return;
  log::Warn(log::Edge(), "core_link_lost",
            {{"lane", identity_.lane_index},
             {"code", code},
             {"message", log::Text(message)},
             {"suppressed", *suppressed},
             {"hint", log::Text("clients stay connected; trying again")}});
}

void LaneLink::Pump() {
  // Only one message is being written at a time: everything appended meanwhile goes into the next.
  while (welcomed_ && link_->HasNext() && stream_->Writable()) {
    const LaneToCore& message = link_->Next();
    silent_ticks_ = 0;
    batches_.Add(message.events_size());
    stream_->Write(message);
  }
}

}  // namespace cairn::edge
