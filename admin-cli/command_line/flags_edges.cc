#include <memory>

#include "admin-cli/command_line/flags.h"

namespace cairn::admin {

void AddEdgesCommands(Flags& root, Command& chosen) {
  Flags edges = root.Sub("edges", "Processes that clients connect to");
  edges.app().require_subcommand(1);

  Flags list = edges.Sub("list", "List edges that are connected to the core");
  const auto listing = std::make_shared<EdgesListCommand>();
  list.Watch(listing->every);
  list.WhenGiven([listing, &chosen] {
    chosen = *listing;
    return absl::OkStatus();
  });

  Flags show = edges.Sub("show", "One edge: why connections ended and messages were dropped");
  const auto shown = std::make_shared<EdgesShowCommand>();
  show.Text("NAME", "", "The edge", shown->edge)->required();
  show.WhenGiven([shown, &chosen] {
    chosen = *shown;
    return absl::OkStatus();
  });

  Flags drain = edges.Sub("drain", "Make an edge close its clients with 1001, and end");
  const auto drained = std::make_shared<EdgesDrainCommand>();
  drain.Text("NAME", "", "The edge", drained->edge)->required();
  drain.Switch("-y,--yes", "Do not ask", [drained](bool on) { drained->yes = on; });
  drain.WhenGiven([drained, &chosen] {
    chosen = *drained;
    return absl::OkStatus();
  });
}

}  // namespace cairn::admin
