#include <memory>

#include "admin-cli/command_line/flags.h"

namespace cairn::admin {
namespace {

void AddWatch(Flags& root, Command& chosen) {
  Flags flags = root.Sub("watch", "Show peers, subscriptions and edges as they come and go");
  const auto watch = std::make_shared<WatchCommand>();
  flags.Text("--edge", "NAME", "Of this edge", *watch->request.mutable_edge());
  flags.Text("--topic", "TOPIC", "Of this topic", *watch->request.mutable_topic());
  flags.Text("--id", "ID", "Of this peer", *watch->request.mutable_id());
  flags.Count("--limit", "N", "Stop after N events", [watch](uint32_t n) { watch->limit = n; });
  flags.WhenGiven([watch, &chosen] {
    chosen = *watch;
    return absl::OkStatus();
  });
}

void AddTrace(Flags& root, Command& chosen) {
  Flags flags =
      root.Sub("trace", "Show the relays of one peer or topic: sizes and times, no contents");
  const auto trace = std::make_shared<TraceCommand>();
  flags.Add("--id", "ID", "Sent by this peer", [trace](const std::string& value) {
    trace->request.set_id(value);
    return absl::OkStatus();
  });
  flags.Add("--topic", "TOPIC", "Sent to this topic", [trace](const std::string& value) {
    trace->request.set_topic(value);
    return absl::OkStatus();
  });
  flags.Count("--limit", "N", "Stop after N relays", [trace](uint32_t n) { trace->limit = n; });
  flags.WhenGiven([trace, app = &flags.app(), &chosen] {
    if (app->count("--id") + app->count("--topic") != 1) {
      return absl::InvalidArgumentError("trace takes exactly one of --id and --topic");
    }
    chosen = *trace;
    return absl::OkStatus();
  });
}

void AddTop(Flags& root, Command& chosen) {
  Flags flags = root.Sub("top", "A live screen of edges, topics and peers; q quits");
  const auto top = std::make_shared<TopCommand>();
  flags.Duration("--every", "Time between two refreshes; default 2s", top->every);
  flags.WhenGiven([top, &chosen] {
    constexpr absl::Duration kLeast = absl::Milliseconds(100);
    top->every = std::max(top->every, kLeast);
    chosen = *top;
    return absl::OkStatus();
  });
}

}  // namespace

void AddLiveCommands(Flags& root, Command& chosen) {
  AddWatch(root, chosen);
  AddTop(root, chosen);
  AddTrace(root, chosen);
}

}  // namespace cairn::admin
