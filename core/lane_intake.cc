#include "core/lane_intake.h"

#include "base/log.h"
#include "core/lane_rules.h"
#include "core/router.h"
#include "proto/link/parse_cost.h"

namespace cairn::core {

using signaling::v1::Hello;

absl::Status LaneIntake::OnMessage(std::string_view bytes,
                                   const std::shared_ptr<LaneStream>& stream) {
  if (!Parse(bytes)) {
    return Refused(LaneRefusal::kTooLong,
                   absl::InvalidArgumentError("a message is none of lane.proto, or has too many "
                                              "items"));
  }
  if (!opened()) return Open(stream);
  RouterInput input = BatchOf(stream, message_);
  core_.Enter(input);
  return absl::OkStatus();
}

bool LaneIntake::Parse(std::string_view bytes) {
  return link::HasFewFields(bytes, core_.limits().max_fields) &&
         link::IsAffordable<signaling::v1::LaneToCore>(bytes) &&
         message_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

absl::Status LaneIntake::Open(const std::shared_ptr<LaneStream>& stream) {
  const Hello hello = message_.hello();
  if (WhyRefused(message_, core_.limits())) {
    return Refused(LaneRefusal::kHello,
                   absl::FailedPreconditionError(
                       "the first message must be a Hello of protocol version 2, whose fields are "
                       "within the bounds of CoreLimits"));
  }
  {
    MutexLock lock(mu_);
    edge_ = hello.edge();
    lane_index_ = hello.lane_index();
  }
  if (!ProvesLane(hello)) {
    return Refused(LaneRefusal::kSecret,
                   absl::PermissionDeniedError("the lane_id is not of this secret"));
  }
  if (!only_edge_.empty() && only_edge_ != hello.edge()) {
    return Refused(LaneRefusal::kEdgeName,
                   absl::PermissionDeniedError("the credential is of another edge: --edge-name "
                                               "must be the name that the core has for it"));
  }
  {
    MutexLock lock(mu_);
    if (closed_) return absl::OkStatus();
    opened_ = true;
  }
  log::Info(log::Core(), "lane_opened",
            {{"edge", log::Text(hello.edge())}, {"lane", hello.lane_index()}});
  RouterInput opened = LaneOpened{stream, hello};
  core_.Enter(opened);
  // If the call has ended meanwhile, the router may have been told so before it knew the lane.
  {
    MutexLock lock(mu_);
    if (!closed_) return absl::OkStatus();
  }
  RouterInput closed = LaneClosed{stream};
  core_.Enter(closed);
  return absl::OkStatus();
}

absl::Status LaneIntake::Refused(LaneRefusal reason, absl::Status status) {
  std::string edge;
  uint32_t lane_index = 0;
  {
    MutexLock lock(mu_);
    edge = edge_;
    lane_index = lane_index_;
  }
  RouterInput refuse = AdminCall{[reason, edge, lane_index](Router& router) {
    router.refusals().Add(reason, edge, lane_index);
  }};
  core_.Enter(refuse);
  return status;
}

void LaneIntake::OnClosed(const std::shared_ptr<LaneStream>& stream) {
  std::string edge;
  uint32_t lane_index = 0;
  {
    MutexLock lock(mu_);
    if (std::exchange(closed_, true) || !opened_) return;
    edge = edge_;
    lane_index = lane_index_;
  }
  RouterInput closed = LaneClosed{stream};
  core_.Enter(closed);
  log::Info(log::Core(), "lane_closed", {{"edge", log::Text(edge)}, {"lane", lane_index}});
}

}  // namespace cairn::core
