#include "edge/counters.h"

namespace cairn::edge {

const char* Name(MessageForm form) {
  static constexpr const char* kNames[] = {
#define X(enumerator, name) name,
      CAIRN_EDGE_MESSAGE_FORMS(X)
#undef X
  };
  return kNames[static_cast<size_t>(form)];
}

}  // namespace cairn::edge
