#include <csignal>
#include <cstdlib>
#include <iostream>

#include "base/log.h"
#include "base/sanitizers.h"
#include "server/health_check.h"
#include "server/options.h"
#include "server/server.h"

#ifndef CAIRN_SANITIZED
namespace {

// SIGHUP ends a process by default. A reload request for a server that is still starting must not:
// the dynamic linker runs this before the libraries' own initializers, and the server's handler
// replaces it before any file is read.
void IgnoreSighup(int, char**, char**) { std::signal(SIGHUP, SIG_IGN); }
__attribute__((section(".preinit_array"), used)) void (*const kIgnoreSighup)(int, char**,
                                                                             char**) = IgnoreSighup;

}  // namespace
#endif

namespace cairn::server {
namespace {

// CAIRN_SIGNAL_LOG wins over RUST_LOG; both have the same syntax.
void InitLogFromEnvironment() {
  const char* directives = std::getenv("CAIRN_SIGNAL_LOG");
  if (!directives || !*directives) directives = std::getenv("RUST_LOG");
  const LogFilter filter = LogFilter::Parse(directives ? directives : "");
  InitLog(filter);
  for (const std::string& rejected : filter.rejected()) {
    log::Warn(log::Server(), "log_directive_ignored",
              {{"text", log::Text(rejected)}, {"hint", log::Text("use LEVEL or MODULE=LEVEL")}});
  }
  // One with a level may be for another program that has the same variable.
  for (const std::string& unknown : UnknownDirectives(filter)) {
    if (unknown.find('=') != unknown.npos) continue;
    log::Warn(log::Server(), "log_directive_ignored",
              {{"text", log::Text(unknown)},
               {"hint", log::Text("it is neither a level nor a module of this program")}});
  }
}

}  // namespace
}  // namespace cairn::server

int main(int argc, char** argv) {
  const cairn::server::ParseResult parsed = cairn::server::ParseOptions(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  if (parsed.options->health_check) {
    const absl::Status health = cairn::server::CheckHealth(parsed.options->ops_listen_address);
    if (!health.ok()) std::cerr << "error: " << health.message() << "\n";
    return health.ok() ? 0 : 1;
  }
  cairn::SetLogFormat(parsed.options->log_format);
  cairn::server::InitLogFromEnvironment();
  return cairn::server::RunServer(*parsed.options);
}
