#include <memory>

#include "admin-cli/command_line/flags.h"

namespace cairn::admin {

void AddCoresCommands(Flags& root, Command& chosen) {
  Flags cores = root.Sub("cores", "Cores of the fleet");
  cores.app().require_subcommand(1);

  Flags list = cores.Sub("list", "List the cores, and how the one that is asked reaches them");
  const auto listing = std::make_shared<CoresListCommand>();
  list.Watch(listing->every);
  list.WhenGiven([listing, &chosen] {
    chosen = *listing;
    return absl::OkStatus();
  });

  Flags drain = cores.Sub("drain", "Send the edges of a core to others, and let none come");
  const auto drained = std::make_shared<CoresDrainCommand>();
  drain.Text("NAME", "", "The core, by name or id", drained->core)->required();
  drain.Switch("--undo", "Let edges come again", [drained](bool on) { drained->undo = on; });
  drain.Switch("-y,--yes", "Do not ask", [drained](bool on) { drained->yes = on; });
  drain.WhenGiven([drained, &chosen] {
    chosen = *drained;
    return absl::OkStatus();
  });
}

}  // namespace cairn::admin
