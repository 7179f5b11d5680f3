#include "server/option_checks.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>
#include <vector>

#include "base/host_port.h"
#include "base/machine_limits.h"
#include "proto/link/timing.h"
#include "server/credentials.h"
#include "server/option_values.h"

namespace cairn::server {
namespace {

constexpr int kMaxThreads = 256;
// A lane that can reach none of them tries all, one after the other.
constexpr size_t kMaxCores = 16;

std::string ReadDuration(const char* flag, const std::string& text, absl::Duration& into) {
  // A bare number is seconds.
  const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
  if (!absl::ParseDuration(bare ? text + "s" : text, &into)) {
    return absl::StrCat(flag, ": '", text,
                        "' is not a time; give a number with a unit, such as 2s or 500ms");
  }
  if (into >= absl::ZeroDuration() && into <= absl::Hours(25)) return "";
  return absl::StrCat(flag, ": '", text, "' is out of range: give 0s to 25h");
}

std::string CheckCores(const OptionTexts& texts, Options& options) {
  if (options.role == Role::kEdge && texts.core.empty()) {
    return "--role edge needs --core ADDR (CAIRN_SIGNAL_CORE): the address that its core listens "
           "on for gRPC";
  }
  if (options.role != Role::kEdge && !texts.core.empty())
    return "--core is for --role edge; in this role the core is this process";
  if (texts.core_choice != "ordered" && texts.core_choice != "spread")
    return absl::StrCat("--core-choice: '", texts.core_choice, "' is not ordered or spread");
  options.core_choice =
      texts.core_choice == "spread" ? edge::CoreChoice::kSpread : edge::CoreChoice::kOrdered;
  if (texts.core.empty()) return "";
  options.cores = absl::StrSplit(texts.core, ',');
  if (options.cores.size() > kMaxCores)
    return absl::StrCat("--core: give up to ", kMaxCores, " addresses");
  for (const std::string& core : options.cores) {
    if (const absl::Status target = CheckGrpcTarget(core); !target.ok())
      return absl::StrCat("--core: ", target.message());
    if (std::count(options.cores.begin(), options.cores.end(), core) > 1)
      return absl::StrCat("--core: '", core, "' is there twice");
  }
  return "";
}

std::string CheckMesh(const OptionTexts& texts, Options& options) {
  core::NatsOptions& mesh = options.mesh;
  if (texts.mesh.empty()) {
    return !mesh.fleet.empty() || mesh.names_files()
               ? "--fleet and --mesh-... are for a core with --mesh URL"
               : "";
  }
  if (options.role == Role::kEdge)
    return "--mesh is for cores: --role core or all; edges never see NATS";
  absl::StatusOr<std::vector<std::string>> urls = core::ParseNatsUrls(texts.mesh);
  if (!urls.ok()) return absl::StrCat("--mesh: ", urls.status().message());
  mesh.urls = *std::move(urls);
  if (!IsSubjectToken(mesh.fleet)) {
    return absl::StrCat(
        "--mesh needs --fleet NAME: up to 32 letters, digits, '-' and '_', the same for all cores "
        "of the fleet");
  }
  if (mesh.cert_file.empty() != mesh.key_file.empty())
    return "--mesh-tls-cert and --mesh-tls-key go together";
  if (!mesh.nkey_file.empty() && !mesh.credentials_file.empty())
    return "give --mesh-nkey-file or --mesh-creds-file, not both";
  return "";
}

std::string CheckCoreName(const OptionTexts&, Options& options) {
  if (options.role == Role::kEdge) return "";
  if (options.core_name.empty()) options.core_name = HostName();
  if (IsName(options.core_name)) return "";
  return absl::StrCat("--core-name: '", absl::CHexEscape(options.core_name),
                      "' is not a name: give up to ", kMaxNameBytes, " bytes of UTF-8");
}

std::string CheckRole(const OptionTexts& texts, Options& options) {
  static const std::map<std::string, Role> kRoles = {
      {"all", Role::kAll}, {"edge", Role::kEdge}, {"core", Role::kCore}};
  const auto role = kRoles.find(texts.role);
  if (role == kRoles.end())
    return absl::StrCat("--role: '", texts.role, "' is not all, edge or core");
  options.role = role->second;
  return "";
}

std::string CheckAddresses(const OptionTexts& texts, Options& options) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse(texts.listen_addr);
  if (!address.ok()) return absl::StrCat("--listen-addr: ", address.status().message());
  options.listen_address = *address;
  if (texts.ops_listen_addr.empty()) return "";
  absl::StatusOr<SocketAddress> ops = SocketAddress::Parse(texts.ops_listen_addr);
  if (!ops.ok()) return absl::StrCat("--ops-listen-addr: ", ops.status().message());
  options.ops_listen_address = *ops;
  return "";
}

std::string CheckLogFormat(const OptionTexts& texts, Options& options) {
  if (texts.log_format != "text" && texts.log_format != "json") {
    return absl::StrCat("--log-format: '", texts.log_format, "' is not text or json");
  }
  options.log_format = texts.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  return "";
}

std::string CheckProxies(const OptionTexts& texts, Options& options) {
  absl::StatusOr<edge::CidrSet> proxies = edge::CidrSet::Parse(texts.trusted_proxies);
  if (!proxies.ok()) return absl::StrCat("--trusted-proxies: ", proxies.status().message());
  options.proxy_trust.proxies = *std::move(proxies);
  if (options.proxy_trust.proxy_protocol && options.proxy_trust.proxies.empty()) {
    return "--proxy-protocol needs --trusted-proxies CIDR: whose headers are to be believed";
  }
  return "";
}

std::string CheckDurations(const OptionTexts& texts, Options& options) {
  const struct {
    const char* flag;
    const std::string& text;
    absl::Duration& into;
  } durations[] = {
      {"--drain", texts.drain, options.drain},
      {"--record-ttl", texts.record_ttl, options.limits.record_ttl},
      {"--query-hold", texts.query_hold, options.limits.query_hold},
      {"--handshake-timeout", texts.handshake_timeout, options.limits.handshake_timeout},
      {"--ping-interval", texts.ping_interval, options.limits.ping_interval},
      {"--lane-timeout", texts.lane_timeout, options.core_limits.lane_timeout}};
  for (const auto& duration : durations) {
    if (std::string error = ReadDuration(duration.flag, duration.text, duration.into);
        !error.empty())
      return error;
  }
  return "";
}

std::string CheckLimits(const OptionTexts& texts, Options& options) {
  if (texts.dialects != "cbor" && texts.dialects != "cbor,json" && texts.dialects != "json,cbor") {
    return absl::StrCat("--dialects: '", texts.dialects, "' is not cbor or cbor,json");
  }
  options.limits.json_dialects = texts.dialects != "cbor";
  if (absl::Status limits = options.limits.Validate(); !limits.ok())
    return std::string(limits.message());
  if (options.core_limits.lane_timeout < absl::FromChrono(link::kMinLaneTimeout))
    return "--lane-timeout is out of range: give at least 1s";
  options.core_limits.max_presence_bytes_per_edge = MemoryLimitBytes() / 4;
  options.core_limits.max_queued_bytes_of_lanes = MemoryLimitBytes() / 4;
  options.core_limits.max_open_bytes_of_cores = MemoryLimitBytes() / 4;
  if (options.limits.max_queued_total == 0) {
    options.limits.max_queued_total =
        std::max<size_t>(MemoryLimitBytes() / 4, options.limits.max_queued_bytes);
  }
  return "";
}

std::string CheckThreads(const OptionTexts&, Options& options) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return absl::StrCat("--threads ", options.threads, " is out of range: give 0 to ", kMaxThreads);
  }
  if (options.threads == 0) options.threads = DefaultThreads();
  return "";
}

std::string CheckGrpcAddress(const OptionTexts&, Options& options) {
  options.grpc_listen_address_given = !options.grpc_listen_address.empty();
  if (options.role != Role::kEdge && !options.grpc_listen_address_given) {
    options.grpc_listen_address = "127.0.0.1:7443";
  }
  return "";
}

// The process would listen on the address twice, and the kernel would give each connection to one
// of the two.
std::string CheckPortsDiffer(const OptionTexts&, Options& options) {
  std::vector<std::pair<const char*, SocketAddress>> ports;
  if (options.role != Role::kCore) ports.emplace_back("--listen-addr", options.listen_address);
  if (options.ops_listen_address)
    ports.emplace_back("--ops-listen-addr", *options.ops_listen_address);
  // Without the flag, a process whose default port is taken starts without that port.
  const absl::StatusOr<SocketAddress> grpc = SocketAddress::Parse(options.grpc_listen_address);
  if (grpc.ok() && (options.role == Role::kCore || options.grpc_listen_address_given))
    ports.emplace_back("--grpc-listen-addr", *grpc);
  for (size_t i = 0; i < ports.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const auto& [flag, address] = ports[i];
      if (address.port() == 0 || address.ToString() != ports[j].second.ToString()) continue;
      return absl::StrCat(flag, ": ", address.ToString(), " is also that of ", ports[j].first,
                          "; give each an address of its own");
    }
  }
  return "";
}

std::string CheckCredentials(const OptionTexts&, Options& options) {
  return std::string(CheckCredentialOptions(options).message());
}

std::string CheckEdgeName(const OptionTexts&, Options& options) {
  options.edge_name_given = !options.edge_name.empty();
  if (options.edge_name.empty()) options.edge_name = DefaultEdgeName(options.listen_address.port());
  if (IsName(options.edge_name)) return "";
  return absl::StrCat("--edge-name: '", absl::CHexEscape(options.edge_name),
                      "' is not a name: give up to ", kMaxNameBytes, " bytes of UTF-8");
}

using Check = std::string(const OptionTexts& texts, Options& options);

// The first error of these checks, made in this order; empty: none.
std::string FirstError(std::initializer_list<Check*> checks, const OptionTexts& texts,
                       Options& options) {
  for (Check* check : checks)
    if (std::string error = check(texts, options); !error.empty()) return error;
  return "";
}

}  // namespace

std::string CheckOptions(const OptionTexts& texts, Options& options) {
  std::string error = FirstError({CheckRole, CheckAddresses}, texts, options);
  // The serving process checks the others itself.
  if (!error.empty() || options.health_check) return error;
  return FirstError({CheckLogFormat, CheckProxies, CheckDurations, CheckLimits, CheckCores,
                     CheckMesh, CheckCoreName, CheckThreads, CheckGrpcAddress, CheckPortsDiffer,
                     CheckCredentials, CheckEdgeName},
                    texts, options);
}

}  // namespace cairn::server
