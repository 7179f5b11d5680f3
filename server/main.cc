#include <cstdlib>

#include "base/log.h"
#include "server/options.h"
#include "server/server.h"

namespace {

// CAIRN_SIGNAL_LOG wins over RUST_LOG; both take the same directives.
void InitLogFromEnvironment() {
  const char* directives = std::getenv("CAIRN_SIGNAL_LOG");
  if (!directives || !*directives) directives = std::getenv("RUST_LOG");
  const cairn::LogFilter filter = cairn::LogFilter::Parse(directives ? directives : "");
  cairn::InitLog(filter);
  for (const std::string& rejected : filter.rejected()) {
    cairn::log::Server().warn(
        "log_directive_ignored text=\"{}\" hint=\"use LEVEL or MODULE=LEVEL\"", rejected);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const cairn::server::ParseResult parsed = cairn::server::ParseOptions(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  InitLogFromEnvironment();
  return cairn::server::RunServer(*parsed.options);
}
