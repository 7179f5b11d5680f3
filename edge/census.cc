#include "edge/census.h"

namespace cairn::edge {

Census::Verdict Census::Enter(const std::string& host) {
  MutexLock lock(mu_);
  Verdict verdict;
  if (admitted_ >= limits_.max_connections) {
    verdict.refusal = CloseReason::kEdgeFull;
  } else if (!host.empty() && !AddToHost(host)) {
    verdict.refusal = CloseReason::kAddressFull;
  }
  if (!verdict.refusal) {
    ++admitted_;
  } else if (refusing_ >= limits_.max_refusals) {
    verdict.overflow = true;
  } else {
    ++refusing_;
  }
  return verdict;
}

bool Census::Identify(const std::string& host) {
  MutexLock lock(mu_);
  return AddToHost(host);
}

bool Census::AddToHost(const std::string& host) {
  if (limits_.max_connections_per_ip == 0) return true;
  size_t& count = by_host_[host];
  if (count >= limits_.max_connections_per_ip) return false;
  ++count;
  return true;
}

void Census::Leave(const std::string& host, const Verdict& verdict) {
  if (verdict.overflow) return;
  MutexLock lock(mu_);
  if (verdict.refusal) {
    --refusing_;
    return;
  }
  --admitted_;
  if (limits_.max_connections_per_ip == 0 || host.empty()) return;
  const auto it = by_host_.find(host);
  if (--it->second == 0) by_host_.erase(it);
}

size_t Census::connections() const {
  MutexLock lock(mu_);
  return admitted_ + refusing_;
}

}  // namespace cairn::edge
