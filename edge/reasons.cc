#include "edge/reasons.h"

namespace cairn::edge {
namespace {

struct CloseEntry {
  std::string_view name;
  uint16_t code;
};

constexpr CloseEntry kCloses[] = {
#define X(enumerator, name, code) {name, code},
    CAIRN_EDGE_CLOSE_REASONS(X)
#undef X
};

constexpr std::string_view kDrops[] = {
#define X(enumerator, name) name,
    CAIRN_EDGE_DROP_REASONS(X)
#undef X
};

}  // namespace

std::string_view Name(CloseReason reason) { return kCloses[static_cast<size_t>(reason)].name; }
std::string_view Name(DropReason reason) { return kDrops[static_cast<size_t>(reason)]; }
uint16_t CloseCode(CloseReason reason) { return kCloses[static_cast<size_t>(reason)].code; }

CloseReason ReasonFor(wire::WsFault fault) {
  switch (fault) {
    case wire::WsFault::kBadUtf8:
      return CloseReason::kBadUtf8;
    case wire::WsFault::kMessageTooBig:
      return CloseReason::kMessageTooBig;
    default:
      return CloseReason::kProtocolError;
  }
}

DropReason ReasonFor(wire::DecodeFault fault) {
  switch (fault) {
    case wire::DecodeFault::kTruncated:
      return DropReason::kTruncated;
    case wire::DecodeFault::kMalformed:
      return DropReason::kMalformed;
    case wire::DecodeFault::kTooDeep:
      return DropReason::kTooDeep;
    default:
      return DropReason::kNotAMessage;
  }
}

DropReason ReasonFor(wire::JsonFault fault) {
  return fault == wire::JsonFault::kMalformed ? DropReason::kJsonMalformed
                                              : DropReason::kJsonNotAMessage;
}

}  // namespace cairn::edge
