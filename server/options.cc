#include "server/options.h"
#include "proto/link/timing.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>

#include "base/host_port.h"
#include "base/machine_limits.h"
#include "server/option_values.h"

namespace cairn::server {
namespace {

constexpr int kUsageError = 2;
constexpr int kMaxThreads = 256;
// A lane that can reach none of them tries all, one after the other.
constexpr size_t kMaxCores = 16;

// The texts of options that CLI11 alone cannot parse.
struct Raw {
  std::string role = "all";
  std::string listen_addr = "0.0.0.0:443";
  std::string auth_token;
  std::string trusted_proxies;
  std::string drain = "2s";
  std::string handshake_timeout = "10s";
  std::string ping_interval = "25s";
  std::string lane_timeout = "10s";
  std::string dialects = "cbor,json";
  std::string record_ttl = "1h";
  std::string query_hold = "1s";
  std::string ops_listen_addr;
  std::string log_format = "text";
  std::string mesh;
  std::string core;
  std::string core_choice = "ordered";
};

class Command {
 public:
  Command()
      : app_(
            "Signaling server for cairn peers: a WebSocket rendezvous that routes handshake "
            "messages.",
            "cairn-signal") {
    app_.set_version_flag("-V,--version", "cairn-signal " CAIRN_VERSION, "Print the version");
    app_.set_help_flag("-h,--help", "Print this help");
    app_.get_formatter()->column_width(46);
    AddService();
    AddOperation();
    AddRoles();
    AddMesh();
    AddDialects();
    AddLimits();
  }

  ParseResult Parse(int argc, char** argv);

 private:
  void AddService();
  void AddOperation();
  void AddRoles();
  void AddMesh();
  void AddLimits();
  void AddDialects();

  template <typename T>
  CLI::Option* Add(const char* flag, T& value, const char* metavar, const char* text) {
    std::string env = "CAIRN_SIGNAL_";
    for (const char* c = flag + 2; *c; ++c)
      env += *c == '-' ? '_' : static_cast<char>(std::toupper(*c));
    return app_.add_option(flag, value, text)->envname(env)->type_name(metavar);
  }
  void AddBytes(const char* flag, size_t& value, const char* text) {
    AddCount(flag, value, text)->type_name("BYTES");
  }
  CLI::Option* AddCount(const char* flag, size_t& value, const char* text) {
    return AsCount(Add(flag, value, "N", text)->capture_default_str());
  }
  static CLI::Option* AsCount(CLI::Option* option) {
    return option->check(CLI::Validator([](std::string& text) { return WhyNoCount(text); }, ""));
  }

  // Checks that CLI11 cannot do. Returns the error message, or nothing.
  std::string Validate();
  std::string ValidateCores();
  std::string ValidateMesh();
  std::string ReadDuration(const char* flag, const std::string& text, absl::Duration& into);

  CLI::App app_;
  Raw raw_;
  Options options_;
};

void Command::AddService() {
  Add("--listen-addr", raw_.listen_addr, "IP:PORT", "Address that clients connect to")
      ->capture_default_str();
  Add("--tls-cert", options_.tls_cert, "FILE", "TLS certificate chain (PEM); needs --tls-key");
  Add("--tls-key", options_.tls_key, "FILE", "TLS private key (PEM); needs --tls-cert");
  Add("--auth-token", raw_.auth_token, "TOKEN", "Bearer token that clients must send");
  Add("--auth-token-file", options_.auth_token_file, "FILE",
      "File with one bearer token a line, all valid; read again on SIGHUP");
  Add("--trusted-proxies", raw_.trusted_proxies, "CIDR,...",
      "Proxies whose X-Forwarded-For names the client");
  app_.add_flag("--proxy-protocol", options_.proxy_trust.proxy_protocol,
                "Connections of --trusted-proxies begin with a PROXY protocol header (v1 or v2)")
      ->envname("CAIRN_SIGNAL_PROXY_PROTOCOL");
  AsCount(Add("--threads", options_.threads, "N", "Event loops; 0: half of the processors")
              ->default_val(0));
  Add("--drain", raw_.drain, "TIME", "On SIGTERM, close clients spread over this time")
      ->capture_default_str();
}

void Command::AddOperation() {
  Add("--ops-listen-addr", raw_.ops_listen_addr, "IP:PORT",
      "Address of /healthz, /readyz and /metrics over HTTP; not served unless given");
  app_.add_flag("--health-check", options_.health_check,
                "Serve nothing; ask the server at --ops-listen-addr: exit 0 when it is alive, 1 "
                "when not");
  Add("--log-format", raw_.log_format, "FORMAT", "text, or json: one object a line")
      ->capture_default_str();
  app_.add_flag("--log-peers", options_.log_peers,
                "Log each client's address when it connects and disconnects")
      ->envname("CAIRN_SIGNAL_LOG_PEERS");
}

void Command::AddDialects() {
  Add("--dialects", raw_.dialects, "LIST", "Dialects that clients may use: cbor, or cbor,json")
      ->capture_default_str();
  Add("--record-ttl", raw_.record_ttl, "TIME",
      "How long records published by JSON clients are kept; at most 25h")
      ->capture_default_str();
  Add("--query-hold", raw_.query_hold, "TIME",
      "How long a JSON query waits for a first record; at most 4s")
      ->capture_default_str();
}

void Command::AddRoles() {
  Add("--role", raw_.role, "ROLE", "all, edge or core: the role of this process")
      ->capture_default_str();
  Add("--grpc-listen-addr", options_.grpc_listen_address, "ADDR",
      "Core: IP:PORT or unix:PATH that edges and cairn-admin connect to; default: 127.0.0.1:7443");
  app_.add_flag("--grpc-insecure", options_.grpc_insecure,
                "Core: allow --grpc-listen-addr on an address that others can reach, without "
                "authentication")
      ->envname("CAIRN_SIGNAL_GRPC_INSECURE");
  Add("--grpc-tls-cert", options_.grpc_tls_cert, "FILE",
      "Certificate (PEM) between edge and core; needs the next two");
  Add("--grpc-tls-key", options_.grpc_tls_key, "FILE", "Its private key (PEM)");
  Add("--grpc-tls-ca", options_.grpc_tls_ca, "FILE",
      "CA (PEM) that the other side's certificate must come from");
  Add("--grpc-tls-crl", options_.grpc_tls_crl, "FILE",
      "Core: CRLs (PEM) of that CA: certificates that are not accepted any more");
  Add("--grpc-edge-token-file", options_.grpc_edge_token_file, "FILE",
      "Core: tokens of edges, one a line, TOKEN or EDGE: TOKEN; edge: the token that it presents");
  Add("--grpc-operator-token-file", options_.grpc_operator_token_file, "FILE",
      "Core: tokens of operators, one a line");
  Add("--grpc-viewer-token-file", options_.grpc_viewer_token_file, "FILE",
      "Core: tokens of viewers, who may read but change nothing, one a line");
  Add("--grpc-allow-file", options_.grpc_allow_file, "FILE",
      "Core: names of certificates that are accepted, one a line, NAME or EDGE: NAME; default: all "
      "of the CA");
  Add("--core", raw_.core, "ADDR,...",
      "Edge: HOST:PORT or unix:PATH of the core; several: of cores that stand in for each other");
  Add("--core-choice", raw_.core_choice, "CHOICE",
      "Edge: ordered: the first core that can be reached; spread: edges share themselves out")
      ->capture_default_str();
  Add("--edge-name", options_.edge_name, "NAME",
      "Edge: its name for operators; default: the host's name");
}

void Command::AddMesh() {
  core::NatsOptions& mesh = options_.mesh;
  Add("--mesh", raw_.mesh, "URL,...",
      "Core: NATS servers (nats:// or tls://) by which the cores of a fleet reach each other");
  Add("--fleet", mesh.fleet, "NAME",
      "Core: its fleet; cores of other fleets on the same NATS are not heard");
  Add("--core-name", options_.core_name, "NAME",
      "Core: its name for operators; default: the host's name");
  Add("--mesh-tls-ca", mesh.ca_file, "FILE", "CA (PEM) of the NATS servers' certificates");
  Add("--mesh-tls-cert", mesh.cert_file, "FILE",
      "Certificate (PEM) for NATS; needs --mesh-tls-key");
  Add("--mesh-tls-key", mesh.key_file, "FILE", "Its private key (PEM)");
  Add("--mesh-nkey-file", mesh.nkey_file, "FILE", "Seed of the NATS user that this core is");
  Add("--mesh-creds-file", mesh.credentials_file, "FILE",
      "The same as a credentials file of NATS (JWT and seed)");
}

void Command::AddLimits() {
  edge::EdgeLimits& limits = options_.limits;
  AddBytes("--max-message-bytes", limits.max_message_bytes,
           "Size of one message; above it: close 1009");
  AddCount("--max-topics", limits.max_topics,
           "Subscriptions of one connection; above it: close 1008");
  AddBytes("--max-topic-bytes", limits.max_topic_bytes, "Size of one topic; above it: close 1008");
  AddCount("--max-connections", limits.max_connections,
           "Connections of this edge; above it: close 1013");
  AddCount("--max-connections-per-ip", limits.max_connections_per_ip,
           "Connections of one client address; above it: close 1013; 0: no limit");
  AddCount("--max-handshakes", limits.max_handshakes,
           "Connections whose upgrade is not done; above it: the oldest is closed");
  AddBytes("--max-queued-bytes", limits.max_queued_bytes,
           "Frames one client has not read; above it: close 1013");
  AddBytes("--max-queued-total", limits.max_queued_total,
           "Memory of all these queues; above it: the connection with the longest is closed with "
           "1013; 0: a quarter of the "
           "memory limit");
  AddCount("--rate-messages", limits.rate_messages,
           "Messages a second of one connection, and ten times as many at once; above it: reading "
           "pauses; 0: no limit");
  AddCount(
      "--rate-deliveries", limits.rate_deliveries,
      "Deliveries a second that one connection may cause, and twice as many at once; above it: "
      "reading pauses; 0: no limit");
  AddBytes("--max-backlog-bytes", limits.max_backlog_bytes,
           "Data of one loop that the core has not accepted; above it: clients are not read");
  Add("--handshake-timeout", raw_.handshake_timeout, "TIME",
      "From accept to the end of the upgrade")
      ->capture_default_str();
  Add("--ping-interval", raw_.ping_interval, "TIME", "Between two WebSocket pings to a client")
      ->capture_default_str();
  Add("--lane-timeout", raw_.lane_timeout, "TIME",
      "Core: a loop of an edge that has not answered for so long is given up")
      ->capture_default_str();
}

std::string Command::ReadDuration(const char* flag, const std::string& text, absl::Duration& into) {
  // A bare number is seconds.
  const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
  if (absl::ParseDuration(bare ? text + "s" : text, &into) && into >= absl::ZeroDuration() &&
      into <= absl::Hours(25)) {
    return "";
  }
  return absl::StrCat(flag, ": '", text,
                      "' is not a time; give a number with a unit, such as 2s or 500ms");
}

std::string Command::ValidateCores() {
  if (options_.role == Role::kEdge && raw_.core.empty()) {
    return "--role edge needs --core ADDR (CAIRN_SIGNAL_CORE): the address that its core listens "
           "on for gRPC";
  }
  if (options_.role != Role::kEdge && !raw_.core.empty())
    return "--core is for --role edge; in this role the core is this process";
  if (raw_.core_choice != "ordered" && raw_.core_choice != "spread")
    return absl::StrCat("--core-choice: '", raw_.core_choice, "' is not ordered or spread");
  options_.core_choice =
      raw_.core_choice == "spread" ? edge::CoreChoice::kSpread : edge::CoreChoice::kOrdered;
  if (raw_.core.empty()) return "";
  options_.cores = absl::StrSplit(raw_.core, ',');
  if (options_.cores.size() > kMaxCores)
    return absl::StrCat("--core: give up to ", kMaxCores, " addresses");
  for (const std::string& core : options_.cores) {
    if (const absl::Status target = CheckGrpcTarget(core); !target.ok())
      return absl::StrCat("--core: ", target.message());
    if (std::count(options_.cores.begin(), options_.cores.end(), core) > 1)
      return absl::StrCat("--core: '", core, "' is there twice");
  }
  return "";
}

std::string Command::ValidateMesh() {
  core::NatsOptions& mesh = options_.mesh;
  if (raw_.mesh.empty()) {
    const bool given = !mesh.fleet.empty() || !mesh.ca_file.empty() || !mesh.cert_file.empty() ||
                       !mesh.key_file.empty() || !mesh.nkey_file.empty() ||
                       !mesh.credentials_file.empty();
    return given ? "--fleet and --mesh-... are for a core with --mesh URL" : "";
  }
  if (options_.role == Role::kEdge)
    return "--mesh is for cores: --role core or all; edges never see NATS";
  absl::StatusOr<std::vector<std::string>> urls = core::ParseNatsUrls(raw_.mesh);
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
  if (options_.core_name.empty()) options_.core_name = HostName();
  if (!IsName(options_.core_name)) {
    return absl::StrCat("--core-name: '", absl::CHexEscape(options_.core_name),
                        "' is not a name: give up to ", kMaxNameBytes, " bytes of UTF-8");
  }
  return "";
}

std::string Command::Validate() {
  static const std::map<std::string, Role> kRoles = {
      {"all", Role::kAll}, {"edge", Role::kEdge}, {"core", Role::kCore}};
  const auto role = kRoles.find(raw_.role);
  if (role == kRoles.end())
    return absl::StrCat("--role: '", raw_.role, "' is not all, edge or core");
  options_.role = role->second;
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse(raw_.listen_addr);
  if (!address.ok()) return absl::StrCat("--listen-addr: ", address.status().message());
  options_.listen_address = *address;
  if (!raw_.ops_listen_addr.empty()) {
    absl::StatusOr<SocketAddress> ops = SocketAddress::Parse(raw_.ops_listen_addr);
    if (!ops.ok()) return absl::StrCat("--ops-listen-addr: ", ops.status().message());
    options_.ops_listen_address = *ops;
  }
  // The serving process checks these options itself.
  if (options_.health_check) return "";
  if (raw_.log_format != "text" && raw_.log_format != "json") {
    return absl::StrCat("--log-format: '", raw_.log_format, "' is not text or json");
  }
  options_.log_format = raw_.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  absl::StatusOr<edge::CidrSet> proxies = edge::CidrSet::Parse(raw_.trusted_proxies);
  if (!proxies.ok()) return absl::StrCat("--trusted-proxies: ", proxies.status().message());
  options_.proxy_trust.proxies = *std::move(proxies);
  if (options_.proxy_trust.proxy_protocol && options_.proxy_trust.proxies.empty()) {
    return "--proxy-protocol needs --trusted-proxies CIDR: whose headers are to be believed";
  }
  const struct {
    const char* flag;
    const std::string& text;
    absl::Duration& into;
  } durations[] = {
      {"--drain", raw_.drain, options_.drain},
      {"--record-ttl", raw_.record_ttl, options_.limits.record_ttl},
      {"--query-hold", raw_.query_hold, options_.limits.query_hold},
      {"--handshake-timeout", raw_.handshake_timeout, options_.limits.handshake_timeout},
      {"--ping-interval", raw_.ping_interval, options_.limits.ping_interval},
      {"--lane-timeout", raw_.lane_timeout, options_.core_limits.lane_timeout}};
  for (const auto& duration : durations) {
    if (std::string error = ReadDuration(duration.flag, duration.text, duration.into);
        !error.empty())
      return error;
  }
  if (raw_.dialects != "cbor" && raw_.dialects != "cbor,json" && raw_.dialects != "json,cbor") {
    return absl::StrCat("--dialects: '", raw_.dialects, "' is not cbor or cbor,json");
  }
  options_.limits.json_dialects = raw_.dialects != "cbor";
  if (absl::Status limits = options_.limits.Validate(); !limits.ok())
    return std::string(limits.message());
  if (options_.core_limits.lane_timeout < absl::FromChrono(link::kMinLaneTimeout))
    return "--lane-timeout is out of range: give at least 1s";
  options_.core_limits.max_presence_bytes_per_edge = MemoryLimitBytes() / 4;
  options_.core_limits.max_queued_bytes_of_lanes = MemoryLimitBytes() / 4;
  if (options_.limits.max_queued_total == 0) {
    options_.limits.max_queued_total =
        std::max<size_t>(MemoryLimitBytes() / 4, options_.limits.max_queued_bytes);
  }
  if (std::string error = ValidateCores(); !error.empty()) return error;
  if (std::string error = ValidateMesh(); !error.empty()) return error;
  if (options_.threads < 0 || options_.threads > kMaxThreads) {
    return absl::StrCat("--threads ", options_.threads, " is out of range: give 0 to ",
                        kMaxThreads);
  }
  if (options_.threads == 0) options_.threads = DefaultThreads();
  options_.grpc_listen_address_given = !options_.grpc_listen_address.empty();
  if (options_.role != Role::kEdge && !options_.grpc_listen_address_given) {
    options_.grpc_listen_address = "127.0.0.1:7443";
  }
  options_.edge_name_given = !options_.edge_name.empty();
  if (options_.edge_name.empty())
    options_.edge_name = DefaultEdgeName(options_.listen_address.port());
  if (!IsName(options_.edge_name)) {
    return absl::StrCat("--edge-name: '", absl::CHexEscape(options_.edge_name),
                        "' is not a name: give up to ", kMaxNameBytes, " bytes of UTF-8");
  }
  return "";
}

// Overwrites the value of --auth-token in the arguments that the kernel shows.
void HideToken(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    char* value = nullptr;
    if (std::strcmp(argv[i], "--auth-token") == 0 && i + 1 < argc) value = argv[++i];
    if (std::strncmp(argv[i], "--auth-token=", 13) == 0) value = argv[i] + 13;
    if (value) std::memset(value, '*', std::strlen(value));
  }
}

ParseResult UsageError(const std::string& text) {
  std::cerr << "error: " << text
            << "\n\nUsage: cairn-signal [OPTIONS]\n\nFor more information, try '--help'.\n";
  return {std::nullopt, kUsageError};
}

// Refuses "--flag=" without a value, for which CLI11 would take the next argument:
// --auth-token="$UNSET" must be an error.
std::string EmptyValue(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      return absl::StrCat(argv[i], " has no value: give one, or leave the option out");
    }
  }
  return "";
}

ParseResult Command::Parse(int argc, char** argv) {
  if (const std::string error = EmptyValue(argc, argv); !error.empty()) return UsageError(error);
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app_.help();
    return {};
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << "\n";
    return {};
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what());
  }
  const CLI::Option* token = app_.get_option("--auth-token");
  // CLI11 treats an empty variable as absent; an empty token must be an error.
  const char* token_variable = std::getenv("CAIRN_SIGNAL_AUTH_TOKEN");
  if (token->count() > 0 || (token_variable && !*token_variable))
    options_.auth_token = raw_.auth_token;
  HideToken(argc, argv);
  if (const std::string error = Validate(); !error.empty()) return UsageError(error);
  options_.empty_variable = EmptyVariable();
  return {options_, 0};
}

}  // namespace

const char* Name(Role role) {
  switch (role) {
    case Role::kAll:
      return "all";
    case Role::kEdge:
      return "edge";
    case Role::kCore:
      return "core";
  }
  return "";
}

ParseResult ParseOptions(int argc, char** argv) { return Command().Parse(argc, argv); }

}  // namespace cairn::server
