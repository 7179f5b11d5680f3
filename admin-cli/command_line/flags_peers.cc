#include <absl/strings/numbers.h>

#include <memory>

#include "admin-cli/command_line/flags.h"

namespace cairn::admin {
namespace {

using PeersRequest = v1::ListPeersRequest;

void AddFilter(Flags& flags, PeersListCommand& list) {
  v1::PeerFilter& filter = *list.request.mutable_filter();
  flags.Text("--edge", "NAME", "Connected to this edge", *filter.mutable_edge());
  flags.Text("--topic", "TOPIC", "Subscribed to this topic", *filter.mutable_topic());
  flags.Text("--address", "PREFIX", "Address begins with PREFIX, such as 192.0.2.",
             *filter.mutable_address_prefix());
  flags.Text("--dialect", "NAME", "Speaks this dialect, such as cbor", *filter.mutable_dialect());
  flags.Duration("--since", "Connected within the last DURATION", list.since);
  flags.Duration("--before", "Connected for longer than DURATION", list.before);
}

void AddOrder(Flags& flags, const std::shared_ptr<PeersListCommand>& list,
              const std::shared_ptr<bool>& reverse) {
  const auto by = [list](PeersRequest::Sort sort) {
    return [list, sort] { list->request.set_sort(sort); };
  };
  flags.Choice("--sort", "FIELD", "Sort, largest or latest first but for id",
               {{"id", by(PeersRequest::SORT_ID)},
                {"connected-since", by(PeersRequest::SORT_CONNECTED_SINCE)},
                {"last-activity", by(PeersRequest::SORT_LAST_ACTIVITY)},
                {"messages-in", by(PeersRequest::SORT_MESSAGES_IN)},
                {"bytes-in", by(PeersRequest::SORT_BYTES_IN)},
                {"bytes-out", by(PeersRequest::SORT_BYTES_OUT)},
                {"queued-bytes", by(PeersRequest::SORT_QUEUED_BYTES)},
                {"rtt", by(PeersRequest::SORT_RTT)}});
  flags.Switch("--reverse", "The other way round", [reverse](bool on) { *reverse = on; });
  flags.Count("--limit", "N", "At most N peers; 0: all",
              [list](uint32_t n) { list->request.set_limit(n); });
  flags.Text("--after", "TOKEN", "Go on where --limit cut a list sorted by id",
             *list->request.mutable_page_token());
}

void AddPeersList(Flags peers, Command& chosen) {
  Flags flags = peers.Sub("list", "List connected peers, or those that left");
  const auto list = std::make_shared<PeersListCommand>();
  const auto reverse = std::make_shared<bool>(false);
  AddFilter(flags, *list);
  AddOrder(flags, list, reverse);
  flags.Switch("--topics", "With the topics of each peer",
               [list](bool on) { list->request.set_with_topics(on); });
  flags.Switch("--closed", "Peers that left, the latest first",
               [list](bool on) { list->request.set_closed(on); });
  flags.Watch(list->every);
  flags.WhenGiven([list, reverse, &chosen] {
    const bool by_id = list->request.sort() == PeersRequest::SORT_ID;
    list->request.set_descending(*reverse == by_id);
    if (!list->request.page_token().empty() && !by_id) {
      return absl::InvalidArgumentError("--after goes with --sort id only");
    }
    chosen = *list;
    return absl::OkStatus();
  });
}

struct Kick {
  PeersKickCommand command;
  std::string id, topic, address, edge;

  // Exactly one target. An empty value would mean every peer, or the topic with the empty name; it
  // is more likely a mistake.
  absl::Status SetTarget(const CLI::App& app) {
    v1::DisconnectRequest& request = command.request;
    int targets = 0;
    const auto given = [&](const char* name) {
      const bool is_given = app.count(name) > 0;
      targets += is_given ? 1 : 0;
      return is_given;
    };
    if (given("ID")) request.set_id(id);
    if (given("--topic")) request.set_topic(topic);
    if (given("--address")) request.set_address_prefix(address);
    if (given("--edge")) request.set_edge(edge);
    if (targets == 1 && !(id + topic + address + edge).empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "peers kick takes exactly one of ID, --topic, --address and --edge, and not an empty one");
  }
};

absl::Status SetCloseCode(uint32_t code, v1::DisconnectRequest& request) {
  // Codes that RFC 6455 section 7.4 allows an endpoint to send.
  const bool standard = code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
  if (!standard && !(code >= 3000 && code <= 4999)) {
    return absl::InvalidArgumentError(
        "a close code is 1000 to 1014 but 1004 to 1006, or 3000 to 4999");
  }
  request.set_code(code);
  return absl::OkStatus();
}

void AddKick(Flags peers, Command& chosen) {
  constexpr size_t kMostReasonBytes = 123;  // RFC 6455 section 5.5.1
  Flags flags = peers.Sub("kick", "Disconnect peers: one, or all that fit");
  const auto kick = std::make_shared<Kick>();
  v1::DisconnectRequest& request = kick->command.request;
  flags.Text("ID", "", "The peer", kick->id);
  flags.Text("--topic", "TOPIC", "All that are subscribed to it", kick->topic);
  flags.Text("--address", "PREFIX", "All whose address begins with PREFIX", kick->address);
  flags.Text("--edge", "NAME", "All of this edge", kick->edge);
  flags.Add("--code", "CODE", "Close code; default 1008", [&request](const std::string& value) {
    uint32_t code = 0;
    return SetCloseCode(absl::SimpleAtoi(value, &code) ? code : 0, request);
  });
  flags.Add("--reason", "TEXT", "Sent to the client; default: operator",
            [&request](const std::string& value) {
              if (value.size() > kMostReasonBytes)
                return absl::InvalidArgumentError("a close reason is at most 123 bytes");
              request.set_reason(value);
              return absl::OkStatus();
            });
  flags.Switch("-y,--yes", "Do not ask before more than one peer is hit",
               [kick](bool on) { kick->command.yes = on; });
  flags.Switch("--dry-run", "List whom it would hit, and do nothing",
               [kick](bool on) { kick->command.dry_run = on; });
  flags.WhenGiven([kick, app = &flags.app(), &chosen] {
    absl::Status target = kick->SetTarget(*app);
    chosen = kick->command;
    return target;
  });
}

}  // namespace

void AddPeersCommands(Flags& root, Command& chosen) {
  Flags peers = root.Sub("peers", "Connected clients");
  peers.app().require_subcommand(1);
  AddPeersList(peers, chosen);
  Flags show = peers.Sub("show", "Everything about one peer, closed ones too");
  const auto command = std::make_shared<PeersShowCommand>();
  show.Text("ID", "", "The peer: 16 hex digits", command->id)->required();
  show.WhenGiven([command, &chosen] {
    chosen = *command;
    return absl::OkStatus();
  });
  AddKick(peers, chosen);
}

}  // namespace cairn::admin
