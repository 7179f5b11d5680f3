#include <fmt/format.h>

#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/facts.h"
#include "admin-cli/printing/humane.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

Facts Describe(const v1::Topic& topic, absl::Time now) {
  Facts facts;
  facts.Add("topic", topic.name());
  facts.Add("age", Since(topic.created_us(), now));
  facts.Add("subscribers",
            fmt::format("{} on {} lanes", HumaneCount(topic.subscribers()), topic.lanes()));
  facts.Add("relays", fmt::format("{}/s; {}, {} of payload", HumaneRate(topic.relays_per_second()),
                                  HumaneCount(topic.relays()), HumaneSize(topic.bytes())));
  const std::string last = Since(topic.last_relay_us(), now);
  facts.Add("last relay", topic.last_relay_us() == 0 ? "none yet" : last + " ago");
  if (topic.records() > 0) {
    facts.Add("records",
              fmt::format("{}, published {} to {} ago", topic.records(),
                          HumaneDuration(absl::Microseconds(topic.newest_record_age_us())),
                          HumaneDuration(absl::Microseconds(topic.oldest_record_age_us()))));
  }
  const uint64_t shown = static_cast<uint64_t>(topic.peers_size());
  for (int i = 0; i < topic.peers_size(); ++i) facts.Add(i == 0 ? "peers" : "", topic.peers(i));
  if (shown < topic.subscribers()) {
    facts.Add("", fmt::format("and {} more: 'cairn-admin peers list --topic ...'",
                              topic.subscribers() - shown));
  }
  return facts;
}

}  // namespace

int RunCommand(CommandContext& context, const TopicsShowCommand& command) {
  v1::GetTopicRequest request;
  request.set_name(command.name);
  const absl::StatusOr<v1::Topic> topic = context.client.Call(request);
  if (!topic.ok()) {
    return context.Fail(topic.status(),
                        fmt::format("nobody is subscribed to '{}', and nothing is published there: "
                                    "see 'cairn-admin topics list'",
                                    command.name));
  }
  if (context.json()) {
    context.PrintJson(*topic);
  } else {
    *context.out << Describe(*topic, context.now()).ToString(context.style);
  }
  return kOk;
}

}  // namespace cairn::admin
