#include "edge/connection_limiter.h"

namespace cairn::edge {

ConnectionLimiter::Verdict ConnectionLimiter::Enter(const std::string& host) {
  MutexLock lock(mu_);
  Verdict verdict;
  // An entry for a connection that will be refused without an answer would be wasted.
  if (admitted_ >= limits_.max_connections && refusing_ >= limits_.max_refusals) {
    verdict.refusal = CloseReason::kEdgeFull;
    verdict.overflow = true;
  } else if (!host.empty() && !AddToHost(host, verdict)) {
    Refuse(CloseReason::kAddressFull, verdict);
  } else {
    ++unadmitted_;
  }
  return verdict;
}

void ConnectionLimiter::Admit(const std::string& host, Verdict& verdict) {
  MutexLock lock(mu_);
  --unadmitted_;
  if (admitted_ >= limits_.max_connections) return Refuse(CloseReason::kEdgeFull, verdict);
  if (verdict.host.empty() && !AddToHost(host, verdict))
    return Refuse(CloseReason::kAddressFull, verdict);
  ++admitted_;
  verdict.admitted = true;
}

bool ConnectionLimiter::AddToHost(const std::string& host, Verdict& verdict) {
  if (limits_.max_connections_per_ip == 0) return true;
  size_t& count = by_host_[host];
  if (count >= limits_.max_connections_per_ip) return false;
  ++count;
  verdict.host = host;
  return true;
}

void ConnectionLimiter::Refuse(CloseReason reason, Verdict& verdict) {
  verdict.refusal = reason;
  if (refusing_ >= limits_.max_refusals) {
    verdict.overflow = true;
  } else {
    ++refusing_;
  }
}

void ConnectionLimiter::Leave(const Verdict& verdict) {
  MutexLock lock(mu_);
  if (verdict.admitted) {
    --admitted_;
  } else if (!verdict.refusal) {
    --unadmitted_;
  } else if (!verdict.overflow) {
    --refusing_;
  }
  if (verdict.host.empty()) return;
  const auto it = by_host_.find(verdict.host);
  if (--it->second == 0) by_host_.erase(it);
}

size_t ConnectionLimiter::connections() const {
  MutexLock lock(mu_);
  return unadmitted_ + admitted_ + refusing_;
}

}  // namespace cairn::edge
