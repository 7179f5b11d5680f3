#include "edge/core_sight.h"

#include <set>

#include "base/log.h"
#include "base/peer_id.h"

namespace cairn::edge {

CoreSight::CoreSight(size_t loops, const Clock& clock)
    : clock_(clock),
      by_loop_(loops),
      one_at_(clock.Elapsed()),
      warnings_(clock, 1, absl::Minutes(1)) {}

void CoreSight::Note(uint32_t loop, uint64_t core_id, uint64_t fleet) {
  MutexLock lock(mu_);
  by_loop_.at(loop) = core_id != 0 && fleet != 0 ? fleet : core_id;
  const absl::Duration now = clock_.Elapsed();
  if (Count() <= 1) {
    one_at_ = now;
    return;
  }
  if (now - one_at_ < kPatience || !warnings_.Admit()) return;
  log::Warn(log::Edge(), "cores_differ",
            {{"cores", Count()},
             {"lane", loop},
             {"core", FormatId(core_id)},
             {"hint", log::Text("two cores behind the name of --core do not know each other's "
                                "peers; stop all but one")}});
}

uint32_t CoreSight::cores() const {
  MutexLock lock(mu_);
  return Count();
}

uint32_t CoreSight::Count() const {
  std::set<uint64_t> cores(by_loop_.begin(), by_loop_.end());
  cores.erase(0);
  return static_cast<uint32_t>(cores.size());
}

}  // namespace cairn::edge
