// How much of a client's input is handled, and when: its tokens and turns.
#include <algorithm>
#include <utility>

#include "edge/connection.h"

namespace cairn::edge {

size_t Connection::ReadSize() const {
  // About the size of a message: input for which there are no tokens must be kept.
  constexpr size_t kBytesPerToken = 128;
  const size_t least = stream_.tls() ? Stream::kLeastRead : 4096;
  const size_t all = context_.read_buffer.size();
  if (context_.message_rate.per_second == 0) return all;
  const double bytes = messages_.tokens() * static_cast<double>(kBytesPerToken);
  return bytes <= static_cast<double>(least) ? least : std::min(static_cast<size_t>(bytes), all);
}

bool Connection::OutOfMessages() const {
  return context_.message_rate.per_second > 0 && messages_.tokens() < 1;
}

bool Connection::OutOfDeliveries() const {
  return context_.delivery_rate.per_second > 0 && deliveries_.tokens() < 0;
}

std::span<char> Connection::Hear(std::span<char> bytes) {
  Session::Allowance most;
  most.work = kHearingPerConnection;
  if (const TokenBucket::Rate rate = context_.message_rate; rate.per_second > 0) {
    const double tokens = messages_.Refill(rate, context_.Now());
    if (tokens >= rate.burst) messages_told_ = false;
    most.messages = static_cast<uint32_t>(std::max(tokens, 0.));
  }
  const std::span<char> rest = session_->OnBytes(bytes, most);
  const Session::Heard heard = session_->TakeHeard();
  messages_.Take(heard.messages);
  context_.turn.NoteHeard(heard.work);
  if (phase_ != Phase::kOpen) return {};
  if (OutOfMessages() || OutOfDeliveries()) {
    PauseForTokens();
  } else if (!rest.empty()) {
    awaits_turn_ = true;
    context_.turn.Await(*this);
  }
  return phase_ == Phase::kOpen ? rest : std::span<char>();
}

void Connection::PauseForTokens() {
  if (std::exchange(rate_paused_, true)) return;
  EdgeCounters& counters = context_.session.counters;
  if (OutOfMessages()) {
    counters.rate_pauses.Add();
    if (!std::exchange(messages_told_, true)) session_->SayRateLimited(false);
  } else {
    counters.delivery_pauses.Add();
    if (!std::exchange(deliveries_told_, true)) session_->SayRateLimited(true);
  }
  context_.pressure.AwaitTokens(*this);
  UpdateInterest();
}

void Connection::Charge(uint64_t deliveries) {
  const TokenBucket::Rate rate = context_.delivery_rate;
  if (rate.per_second == 0 || phase_ != Phase::kOpen) return;
  if (deliveries_.Refill(rate, context_.Now()) >= rate.burst) deliveries_told_ = false;
  deliveries_.Take(static_cast<double>(deliveries));
  if (OutOfDeliveries()) PauseForTokens();
}

bool Connection::ResumeWithTokens() {
  if (!rate_paused_ || phase_ != Phase::kOpen) return true;
  messages_.Refill(context_.message_rate, context_.Now());
  deliveries_.Refill(context_.delivery_rate, context_.Now());
  if (OutOfMessages() || OutOfDeliveries()) return false;
  rate_paused_ = false;
  ForgivePing();
  UpdateInterest();
  WaitForTurn();
  return true;
}

// Data that has been read already, or decrypted, does not wake the loop.
void Connection::WaitForTurn() {
  if (awaits_turn_ || phase_ != Phase::kOpen) return;
  if (!unheard_ && !stream_.HasPending()) return;
  awaits_turn_ = true;
  context_.turn.Await(*this);
}

void Connection::TakeTurn() {
  awaits_turn_ = false;
  if (phase_ == Phase::kTls) return ContinueHandshake();
  if (phase_ != Phase::kOpen || rate_paused_ || paused_) return;
  if (!unheard_) return OnReadable();
  if (context_.pressure.Pauses(*this)) {
    paused_ = true;
    return UpdateInterest();
  }
  HearUnheard();
}

void Connection::HearUnheard() {
  // Moved away, because the connection may be closed meanwhile.
  std::unique_ptr<Unheard> held = std::move(unheard_);
  const std::span<char> rest = Hear(std::span<char>(held->bytes).subspan(held->begin));
  if (!rest.empty()) {
    held->begin = held->bytes.size() - rest.size();
    unheard_ = std::move(held);
  }
  Account();
  UpdateInterest();
  WaitForTurn();
}

void Connection::KeepUnheard(std::span<char> bytes) {
  if (!bytes.empty())
    unheard_ = std::make_unique<Unheard>(Unheard{std::string(bytes.begin(), bytes.end()), 0});
  if (InputMemory() != input_memory_) Account();
}

void Connection::ForgetUnheard() {
  unheard_.reset();
  Account();
}

}  // namespace cairn::edge
