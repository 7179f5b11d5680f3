// TopView: the screen of `top` as text.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PRINTING_TOP_VIEW_H_
#define CAIRN_ADMIN_CLI_PRINTING_TOP_VIEW_H_

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "admin-cli/printing/table.h"
#include "admin-cli/printing/terminal.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

// The data of one refresh.
struct TopFigures {
  absl::Time time;
  ::cairn::signaling::v1::GetStatusResponse status;
  std::vector<::cairn::signaling::v1::EdgeInfo> edges;
  std::vector<::cairn::signaling::v1::Topic> topics;  // in the order to show
  std::vector<::cairn::signaling::v1::Peer> peers;    // in the order to show
};

struct TopLook {
  ::cairn::signaling::v1::ListPeersRequest::Sort peers_sorted_by =
      ::cairn::signaling::v1::ListPeersRequest::SORT_BYTES_IN;
  std::string sort_name;
  bool paused = false;
  std::string trouble;  // why the figures are old; "" if they are current
};

// Exactly as many lines as the terminal has, without a line feed after the last. Rates are computed
// between `before` and `figures`. In the first refresh (`before` has the time InfinitePast) they
// are the core's own, or missing.
std::string RenderTop(const TopFigures& figures, const TopFigures& before, const TopLook& look,
                      TerminalSize size, const Style& style);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_TOP_VIEW_H_
