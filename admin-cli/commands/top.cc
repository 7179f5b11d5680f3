#include <fmt/format.h>
#include <unistd.h>

#include <iterator>
#include <ostream>

#include "admin-cli/commands/failure.h"
#include "admin-cli/commands/interrupt.h"
#include "admin-cli/commands/run.h"
#include "admin-cli/printing/screen.h"
#include "admin-cli/printing/top_view.h"

namespace cairn::admin {
namespace {

using PeersRequest = v1::ListPeersRequest;

struct Order {
  const char* name;
  PeersRequest::Sort sort;
};
constexpr Order kOrders[] = {{"bytes in", PeersRequest::SORT_BYTES_IN},
                             {"bytes out", PeersRequest::SORT_BYTES_OUT},
                             {"queued", PeersRequest::SORT_QUEUED_BYTES},
                             {"round trip", PeersRequest::SORT_RTT},
                             {"newest", PeersRequest::SORT_CONNECTED_SINCE}};

// A core that answers slowly should not be queried more often.
absl::Status Fetch(FleetClient& client, PeersRequest::Sort sort, size_t rows, TopFigures& figures) {
  absl::StatusOr<v1::GetStatusResponse> status = client.Call(v1::GetStatusRequest());
  if (!status.ok()) return status.status();
  figures.status = *std::move(status);
  const absl::StatusOr<v1::ListEdgesResponse> edges = client.Call(v1::ListEdgesRequest());
  if (!edges.ok()) return edges.status();
  figures.edges.assign(edges->edges().begin(), edges->edges().end());

  v1::ListTopicsRequest topics;
  topics.set_sort(v1::ListTopicsRequest::SORT_RATE);
  topics.set_descending(true);
  topics.set_limit(static_cast<uint32_t>(rows));
  absl::Status listed = client.ListFirstTopics(topics, [&](const v1::ListTopicsResponse& page) {
    figures.topics.insert(figures.topics.end(), page.topics().begin(), page.topics().end());
    return true;
  });
  if (!listed.ok()) return listed;

  PeersRequest peers;
  peers.set_sort(sort);
  peers.set_descending(true);
  peers.set_limit(static_cast<uint32_t>(rows));
  return client.Stream(peers, [&](const v1::ListPeersResponse& page) {
    figures.peers.insert(figures.peers.end(), page.peers().begin(), page.peers().end());
    return true;
  });
}

std::string Without(const std::vector<std::string>& cores) {
  return cores.empty() ? "" : fmt::format("without core {}", fmt::join(cores, ", "));
}

class Top {
 public:
  Top(CommandContext& context, absl::Duration every) : session_(context), every_(every) {}

  int Run() {
    if (const absl::Status first = Refresh(TerminalSize().rows); !first.ok())
      return session_.Fail(first);
    Screen screen;
    while (!quit_ && !Interrupted()) {
      look_.peers_sorted_by = kOrders[order_].sort;
      look_.sort_name = kOrders[order_].name;
      screen.Draw(RenderTop(figures_, before_, look_, screen.size(), session_.style));
      const absl::Time due = refreshed_ + every_;
      const absl::Duration left = look_.paused ? absl::Seconds(1) : due - session_.now();
      if (const std::optional<char> key = screen.WaitForKey(left)) Press(*key);
      if (quit_ || Interrupted() || look_.paused || session_.now() < due) continue;
      (void)Refresh(screen.size().rows);
    }
    return kOk;
  }

 private:
  void Press(char key) {
    switch (key) {
      case 'q':  // the terminal did not make it a signal, or has been closed
      case 'Q':
        quit_ = true;
        break;
      case 's':
        order_ = (order_ + 1) % std::size(kOrders);
        refreshed_ = absl::InfinitePast();
        break;
      case ' ':
        look_.paused = !look_.paused;
        break;
      default:
        break;
    }
  }

  // If the refresh fails, keeps the old figures and says why.
  absl::Status Refresh(size_t rows) {
    TopFigures fresh;
    fresh.time = session_.now();
    absl::Status status = Fetch(session_.client, kOrders[order_].sort, rows, fresh);
    refreshed_ = session_.now();
    look_.trouble = status.ok() ? Without(session_.client.missing())
                                : Explain(status, session_.options.connection).text;
    if (!status.ok()) return status;
    // Rates over a very short interval would be noise.
    if (fresh.time - figures_.time >= every_ / 2) before_ = std::move(figures_);
    figures_ = std::move(fresh);
    return status;
  }

  CommandContext& session_;
  const absl::Duration every_;
  size_t order_ = 0;
  bool quit_ = false;
  absl::Time refreshed_ = absl::InfinitePast();
  TopLook look_;
  TopFigures figures_{absl::InfinitePast(), {}, {}, {}, {}};
  TopFigures before_{absl::InfinitePast(), {}, {}, {}, {}};
};

}  // namespace

int RunCommand(CommandContext& context, const TopCommand& command) {
  if (context.json())
    return context.Fail(kBadUsage, "top is for people: use 'cairn-admin status --watch -o json'");
  if (!context.on_terminal || !isatty(STDIN_FILENO)) {
    return context.Fail(kBadUsage, "top needs a terminal: use 'cairn-admin status --watch'");
  }
  CatchInterrupts();
  return Top(context, command.every).Run();
}

}  // namespace cairn::admin
