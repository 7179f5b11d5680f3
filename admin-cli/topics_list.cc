#include <ostream>

#include "admin-cli/run.h"
#include "admin-cli/views.h"

namespace cairn::admin {
namespace {

int ListOnce(Session& session, const TopicsListCommand& command) {
  Table table = TopicTable();
  const absl::Time now = session.now();
  const absl::Status status =
      session.client.ListTopics(command.request, [&](const v1::ListTopicsResponse& page) {
        for (const v1::Topic& topic : page.topics()) {
          if (session.json()) {
            session.PrintJson(topic);
          } else {
            AddRow(topic, now, table);
          }
        }
        return true;
      });
  if (!status.ok()) return session.Fail(status);
  if (!session.json()) *session.out << table.ToString(session.style);
  return kOk;
}

}  // namespace

int RunCommand(Session& session, const TopicsListCommand& command) {
  return Repeat(session, command.every, [&](Session& once) { return ListOnce(once, command); });
}

}  // namespace cairn::admin
