#include <memory>

#include "admin-cli/command_line/flags.h"

namespace cairn::admin {
namespace {

using TopicsRequest = v1::ListTopicsRequest;

void AddTopicsList(Flags topics, Command& chosen) {
  Flags flags = topics.Sub("list", "List topics that have subscribers");
  const auto list = std::make_shared<TopicsListCommand>();
  const auto reverse = std::make_shared<bool>(false);
  const auto by = [list](TopicsRequest::Sort sort) {
    return [list, sort] { list->request.set_sort(sort); };
  };
  flags.Text("--prefix", "TEXT", "Name begins with TEXT", *list->request.mutable_name_prefix());
  flags.Choice("--sort", "FIELD", "Sort, largest first but for name",
               {{"name", by(TopicsRequest::SORT_NAME)},
                {"subscribers", by(TopicsRequest::SORT_SUBSCRIBERS)},
                {"rate", by(TopicsRequest::SORT_RATE)},
                {"relays", by(TopicsRequest::SORT_RELAYS)}});
  flags.Switch("--reverse", "The other way round", [reverse](bool on) { *reverse = on; });
  flags.Count("--limit", "N", "At most N topics; 0: all",
              [list](uint32_t n) { list->request.set_limit(n); });
  flags.Watch(list->every);
  flags.WhenGiven([list, reverse, &chosen] {
    list->request.set_descending(*reverse == (list->request.sort() == TopicsRequest::SORT_NAME));
    chosen = *list;
    return absl::OkStatus();
  });
}

}  // namespace

void AddTopicsCommands(Flags& root, Command& chosen) {
  Flags topics = root.Sub("topics", "What clients are subscribed to");
  topics.app().require_subcommand(1);
  AddTopicsList(topics, chosen);
  Flags show = topics.Sub("show", "One topic and its subscribers");
  const auto command = std::make_shared<TopicsShowCommand>();
  show.Text("TOPIC", "", "Its name", command->name)->required();
  show.WhenGiven([command, &chosen] {
    chosen = *command;
    return absl::OkStatus();
  });
}

}  // namespace cairn::admin
