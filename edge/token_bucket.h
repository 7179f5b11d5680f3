// TokenBucket: limits the messages of one connection: an average rate, and a burst after it has
// been quiet.
//
// Owner:  one Connection.
// Thread: its loop.
// Bounds: 24 bytes.
#ifndef CAIRN_EDGE_TOKEN_BUCKET_H_
#define CAIRN_EDGE_TOKEN_BUCKET_H_

#include <absl/time/time.h>

#include <algorithm>

namespace cairn::edge {

class TokenBucket {
 public:
  struct Rate {
    double per_second = 0;  // 0: no limit
    double burst = 0;
  };

  // Full at first.
  explicit TokenBucket(Rate rate) : tokens_(rate.burst) {}

  void Take(double tokens) { tokens_ -= tokens; }
  // The state at the time of the last call of either method.
  double tokens() const { return tokens_; }
  // The tokens available now; less than 1: wait. REQUIRES: `now` never goes back, and `rate` is the
  // constructor's.
  double Refill(Rate rate, absl::Duration now) {
    if (now > refilled_) {
      const double earned = rate.per_second * absl::ToDoubleSeconds(now - refilled_);
      tokens_ = std::min(rate.burst, tokens_ + earned);
      refilled_ = now;
    }
    return tokens_;
  }

 private:
  double tokens_;
  absl::Duration refilled_ = absl::ZeroDuration();
};

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_TOKEN_BUCKET_H_
