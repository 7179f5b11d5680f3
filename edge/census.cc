#include "edge/census.h"

namespace cairn::edge {

Census::Verdict Census::Enter(const std::string& host) {
  MutexLock lock(mu_);
  Verdict verdict;
  // An entry for a connection that will be refused without an answer would be wasted.
  if (admitted_ >= limits_.max_connections && refusing_ >= limits_.max_refusals) {
    verdict.refusal = CloseReason::kEdgeFull;
    verdict.overflow = true;
  } else if (!host.empty() && !AddToHost(host, verdict)) {
    Refuse(CloseReason::kAddressFull, verdict);
  } else {
    ++arriving_;
  }
  return verdict;
}

void Census::Admit(const std::string& host, Verdict& verdict) {
  MutexLock lock(mu_);
  --arriving_;
  if (admitted_ >= limits_.max_connections) return Refuse(CloseReason::kEdgeFull, verdict);
  if (verdict.host.empty() && !AddToHost(host, verdict))
    return Refuse(CloseReason::kAddressFull, verdict);
  ++admitted_;
  verdict.admitted = true;
}

bool Census::AddToHost(const std::string& host, Verdict& verdict) {
  if (limits_.max_connections_per_ip == 0) return true;
  size_t& count = by_host_[host];
  if (count >= limits_.max_connections_per_ip) return false;
  ++count;
  verdict.host = host;
  return true;
}

void Census::Refuse(CloseReason reason, Verdict& verdict) {
  verdict.refusal = reason;
  if (refusing_ >= limits_.max_refusals) {
    verdict.overflow = true;
  } else {
    ++refusing_;
  }
}

void Census::Leave(const Verdict& verdict) {
  MutexLock lock(mu_);
  if (verdict.admitted) {
    --admitted_;
  } else if (!verdict.refusal) {
    --arriving_;
  } else if (!verdict.overflow) {
    --refusing_;
  }
  if (verdict.host.empty()) return;
  const auto it = by_host_.find(verdict.host);
  if (--it->second == 0) by_host_.erase(it);
}

size_t Census::connections() const {
  MutexLock lock(mu_);
  return arriving_ + admitted_ + refusing_;
}

}  // namespace cairn::edge
