#include "server/grpc_link_factory.h"

#include <utility>

namespace cairn::server {
namespace {

using StreamOptions = GrpcLinkFactory::StreamOptions;

// Opens each stream with the options that hold then.
class ReloadingOpener final : public edge::CoreStreamOpener {
 public:
  ReloadingOpener(const Reloadable<StreamOptions>& options, edge::LoopExecutor& executor,
                  const Clock& clock)
      : options_(options), executor_(executor), clock_(clock) {}

  // A link has one stream at a time: the opener of the last one is not used any more.
  std::unique_ptr<edge::CoreStream> OpenStream(edge::CoreStreamListener& listener) override {
    if (auto now = options_.Get(); now != in_use_) {
      in_use_ = std::move(now);
      opener_ = std::make_unique<edge::Http2CoreStreamOpener>(*in_use_, executor_, clock_);
    }
    return opener_->OpenStream(listener);
  }

 private:
  // Borrowed; must outlive this.
  const Reloadable<StreamOptions>& options_;
  edge::LoopExecutor& executor_;
  const Clock& clock_;
  // Loop thread only.
  std::shared_ptr<const StreamOptions> in_use_;
  std::unique_ptr<edge::Http2CoreStreamOpener> opener_;
};

}  // namespace

GrpcLinkFactory::GrpcLinkFactory(StreamOptions stream_options, edge::LaneLink::Options options,
                                 const Clock& clock)
    : stream_options_(std::make_shared<const StreamOptions>(std::move(stream_options))),
      options_(options),
      clock_(clock) {}

std::unique_ptr<edge::CoreLink> GrpcLinkFactory::NewLink(const edge::LaneIdentity& identity,
                                                         edge::CoreLinkListener& listener,
                                                         edge::LoopExecutor& executor) {
  auto opener = std::make_unique<ReloadingOpener>(stream_options_, executor, clock_);
  return std::make_unique<edge::LaneLink>(std::move(opener), identity, listener, executor, options_,
                                          clock_);
}

void GrpcLinkFactory::SetToken(std::string token) {
  StreamOptions options = *stream_options_.Get();
  options.token = std::move(token);
  stream_options_.Set(std::make_shared<const StreamOptions>(std::move(options)));
}

void GrpcLinkFactory::SetTls(std::shared_ptr<const edge::CoreTls> tls) {
  StreamOptions options = *stream_options_.Get();
  options.tls = std::move(tls);
  stream_options_.Set(std::make_shared<const StreamOptions>(std::move(options)));
}

}  // namespace cairn::server
