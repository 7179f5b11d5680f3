#include "core/describe_cores.h"

#include "base/peer_id.h"

namespace cairn::core {

using signaling::v1::CoreInfo;

void DescribeCores(const Router& router, const std::string& name, const std::string& version,
                   signaling::v1::ListCoresResponse& out) {
  CoreInfo& self = *out.add_cores();
  self.set_core_id(FormatId(router.core_id()));
  self.set_name(name);
  self.set_version(version);
  self.set_is_self(true);
  self.set_draining(router.lanes().draining());
  self.set_lanes(static_cast<uint32_t>(router.directory().lanes().size()));
  if (!router.mesh()) return;
  self.set_members(static_cast<uint32_t>(router.mesh()->members().size()));
  const auto since = [&router](absl::Duration then) {
    return router.turn().steady_us - absl::ToInt64Microseconds(then);
  };
  for (const auto& [id, member] : router.mesh()->members()) {
    CoreInfo& info = *out.add_cores();
    info.set_core_id(FormatId(id));
    info.set_name(member->name);
    info.set_version(member->version);
    info.set_silent_us(since(member->heard));
    info.set_known(member->link->known());
    info.set_complete(member->complete);
    info.set_draining(member->draining);
    info.set_backlog_bytes(member->link->cost());
    info.set_open_relays(member->open_relays());
    info.set_resends(member->link->resends());
    info.set_lanes(member->places);
    info.set_members(static_cast<uint32_t>(member->members.size()));
  }
  for (const PastCore& past : router.mesh()->past().shown()) {
    CoreInfo& info = *out.add_cores();
    info.set_core_id(FormatId(past.id));
    info.set_name(past.name);
    info.set_version(past.version);
    info.set_silent_us(since(past.heard));
    info.set_given_up(std::string(Name(past.reason)));
    info.set_given_up_us(since(past.ended));
    info.set_lanes(past.lanes);
  }
}

}  // namespace cairn::core
