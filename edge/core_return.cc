#include "edge/core_return.h"

#include <optional>
#include <utility>

namespace cairn::edge {

CoreReturn::CoreReturn(const Http2CoreStreamOpener::Options& options, LoopExecutor& executor,
                       const Clock& clock)
    : options_(options), executor_(executor), clock_(clock) {}

void CoreReturn::OnConnected(size_t core, const std::string& address, bool preferred) {
  core_ = core;
  address_ = address;
  preferred_ = core == 0 && preferred;
  if (options_.failback) moves_seen_ = options_.failback->moves();
}

bool CoreReturn::Tick() {
  if (preferred_ || !options_.failback) return false;
  const uint64_t moves = options_.failback->moves();
  if (std::exchange(moves_seen_, moves) != moves) return true;
  if (!probe_ && options_.failback->ClaimProbe()) Probe(0);
  return false;
}

void CoreReturn::Probe(size_t core) {
  probe_ = std::make_unique<CoreProbe>(
      options_, options_.targets[core], executor_, clock_,
      [this, core](std::optional<CoreProbe::Found> found) {
        probe_.reset();
        // Of its own core, only the preferred address is better than the one it has.
        if (found && (core < core_ || (found->preferred && found->address != address_)))
          return options_.failback->Report(found->address);
        core < core_ ? Probe(core + 1) : options_.failback->Report("");
      });
}

}  // namespace cairn::edge
