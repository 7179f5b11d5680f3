#include "admin-cli/rpc/fleet_client.h"

#include <absl/status/status.h>
#include <fmt/format.h>

#include <thread>

#include "admin-cli/rpc/fleet_merge.h"

namespace cairn::admin {

absl::StatusOr<std::unique_ptr<FleetClient>> FleetClient::Create(const ConnectionOptions& options,
                                                                 std::function<bool()> stop) {
  absl::StatusOr<std::unique_ptr<AdminClient>> client = AdminClient::Create(options, stop);
  if (!client.ok()) return client.status();
  return std::unique_ptr<FleetClient>(
      new FleetClient(*std::move(client), options, std::move(stop)));
}

FleetClient::FleetClient(std::unique_ptr<AdminClient> client, ConnectionOptions options,
                         std::function<bool()> stop)
    : options_(std::move(options)), stop_(std::move(stop)), client_(std::move(client)) {}

std::vector<std::string> FleetClient::missing() const {
  std::vector<std::string> names;
  for (const auto& [id, name] : missing_) names.push_back(name);
  return names;
}

absl::Status FleetClient::Refresh() {
  missing_.clear();
  absl::StatusOr<v1::ListCoresResponse> view = client_->Call(v1::ListCoresRequest());
  if (absl::IsUnimplemented(view.status())) {
    // An older core, which has no fleet.
    view = v1::ListCoresResponse();
    view->add_cores()->set_is_self(true);
  }
  if (!view.ok()) return view.status();
  view_ = *std::move(view);
  cores_.clear();
  for (const v1::CoreInfo& info : view_.cores()) {
    if (!info.given_up().empty()) continue;
    if (!options_.on.empty() && info.name() != options_.on && info.core_id() != options_.on)
      continue;
    cores_.push_back({info, client_->ForCore(info.is_self() ? "" : info.core_id(), stop_)});
  }
  if (cores_.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("--on: there is no core '{}': see 'cairn-admin cores list'", options_.on));
  }
  return absl::OkStatus();
}

bool FleetClient::IsMissing(const v1::CoreInfo& core, const absl::Status& status) {
  if (core.is_self()) return false;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnimplemented:
      break;
    default:
      return false;
  }
  missing_[core.core_id()] = core.name();
  if (said_.insert(core.core_id()).second && on_missing_) on_missing_(core.name(), status);
  return true;
}

template <typename Response>
absl::StatusOr<FleetClient::Answers<Response>> FleetClient::AskAll(const Ask<Response>& ask) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  std::vector<absl::StatusOr<Response>> answers(cores_.size());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < cores_.size(); ++i)
    threads.emplace_back([&, i] { answers[i] = ask(*cores_[i].client); });
  answers[0] = ask(*cores_[0].client);
  for (std::thread& thread : threads) thread.join();

  Answers<Response> good;
  absl::Status bad;
  for (size_t i = 0; i < cores_.size(); ++i) {
    const absl::Status& status = answers[i].status();
    if (status.ok()) {
      said_.erase(cores_[i].info.core_id());
      good.emplace_back(&cores_[i].info, *std::move(answers[i]));
      continue;
    }
    const bool not_found = absl::IsNotFound(status);
    if (!not_found && !IsMissing(cores_[i].info, status)) return status;
    if (not_found || bad.ok()) bad = status;
  }
  if (good.empty()) return bad;
  return good;
}

// ---- calls with one answer

namespace {

// Says in a part which core it is of, and in the whole which cores are missing, if it has fields
// for that.
template <typename Part>
void SetCore(Part&, const std::string&) {}
void SetCore(v1::Peer& peer, const std::string& name) { peer.set_core(name); }
template <typename Answer>
void AddMissing(Answer&, const std::string&) {}
void AddMissing(v1::GetStatusResponse& status, const std::string& name) {
  status.add_missing_cores(name);
}

}  // namespace

template <typename Request>
absl::StatusOr<AnswerTo<Request>> FleetClient::Call(const Request& request) {
  auto answers = AskAll<AnswerTo<Request>>([&](auto& core) { return core.Call(request); });
  if (!answers.ok()) return answers.status();
  std::vector<AnswerTo<Request>> parts;
  for (auto& [core, part] : *answers) {
    if (!view_.fleet().empty()) SetCore(part, core->name());
    parts.push_back(std::move(part));
  }
  AnswerTo<Request> whole = Merged(parts);
  for (const std::string& name : missing()) AddMissing(whole, name);
  return whole;
}

#define CAIRN_ADMIN_CALL(Name, Answer) \
  template absl::StatusOr<v1::Answer> FleetClient::Call(const v1::Name##Request&);
CAIRN_ADMIN_CALLS(CAIRN_ADMIN_CALL)
#undef CAIRN_ADMIN_CALL

absl::StatusOr<v1::ListCoresResponse> FleetClient::ListCores() {
  const auto answers =
      AskAll<v1::GetStatusResponse>([](auto& core) { return core.Call(v1::GetStatusRequest()); });
  if (!answers.ok()) return answers.status();
  v1::ListCoresResponse view = view_;
  for (v1::CoreInfo& info : *view.mutable_cores()) {
    for (const auto& [core, part] : *answers) {
      if (core->core_id() == info.core_id()) *info.mutable_status() = part;
    }
  }
  return view;
}

absl::StatusOr<v1::DrainCoreResponse> FleetClient::DrainCore(const std::string& core,
                                                             const v1::DrainCoreRequest& request) {
  if (absl::Status status = Refresh(); !status.ok()) return status;
  for (const Core& one : cores_) {
    if (one.info.name() == core || one.info.core_id() == core) return one.client->Call(request);
  }
  return absl::NotFoundError("no such core");
}

absl::Status FleetClient::ListFirstTopics(const v1::ListTopicsRequest& request,
                                          const Each<v1::ListTopicsResponse>& each) {
  using Topics = std::vector<v1::Topic>;
  const auto answers = AskAll<Topics>([&](AdminClient& core) -> absl::StatusOr<Topics> {
    Topics topics;
    absl::Status status = core.Stream(request, [&](const v1::ListTopicsResponse& page) {
      topics.insert(topics.end(), page.topics().begin(), page.topics().end());
      return true;
    });
    if (!status.ok()) return status;
    return topics;
  });
  if (!answers.ok()) return answers.status();
  std::map<std::string, v1::Topic> sums;
  for (const auto& [core, topics] : *answers) {
    for (const v1::Topic& topic : topics) {
      const auto [known, added] = sums.try_emplace(topic.name(), topic);
      if (!added) MergeTopic(topic, known->second);
    }
  }
  Topics merged;
  for (auto& [name, topic] : sums) merged.push_back(std::move(topic));
  SortFirst(request, merged);
  v1::ListTopicsResponse page;
  for (v1::Topic& topic : merged) *page.add_topics() = std::move(topic);
  each(page);
  return absl::OkStatus();
}

}  // namespace cairn::admin
