#include <ostream>

#include "admin-cli/commands/run.h"
#include "admin-cli/printing/views.h"

namespace cairn::admin {
namespace {

int ListTopicsOnce(CommandContext& context, const TopicsListCommand& command) {
  Table table = TopicTable();
  const absl::Time now = context.now();
  const absl::Status status =
      context.client.Stream(command.request, [&](const v1::ListTopicsResponse& page) {
        for (const v1::Topic& topic : page.topics()) {
          if (context.json()) {
            context.PrintJson(topic);
          } else {
            AddRow(topic, now, table);
          }
        }
        return true;
      });
  if (!status.ok()) return context.Fail(status);
  if (!context.json()) *context.out << table.ToString(context.style);
  return kOk;
}

}  // namespace

int RunCommand(CommandContext& context, const TopicsListCommand& command) {
  return Repeat(context, command.every,
                [&](CommandContext& once) { return ListTopicsOnce(once, command); });
}

}  // namespace cairn::admin
