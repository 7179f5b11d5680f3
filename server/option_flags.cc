#include "server/option_flags.h"

#include <CLI/CLI.hpp>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "server/option_values.h"

namespace cairn::server {
namespace {

class Flags {
 public:
  Flags(CLI::App& app, OptionTexts& texts, Options& options)
      : app_(app), texts_(texts), options_(options) {}

  void AddAll() {
    AddService();
    AddOperation();
    AddRoles();
    AddMesh();
    AddDialects();
    AddLimits();
  }

  // The first variable that must not be empty and is, without a flag that wins; "" if there is
  // none. CLI11 treats an empty variable as absent.
  std::string EmptyVariable() const {
    for (const CLI::Option* option : never_empty_) {
      const char* value = std::getenv(option->get_envname().c_str());
      if (value && !*value && option->count() == 0) return option->get_envname();
    }
    return "";
  }

 private:
  void AddService();
  void AddOperation();
  void AddRoles();
  void AddMesh();
  void AddDialects();
  void AddLimits();

  template <typename T>
  CLI::Option* Add(const char* flag, T& value, const char* metavar, const char* text) {
    std::string env = "CAIRN_SIGNAL_";
    for (const char* c = flag + 2; *c; ++c)
      env += *c == '-' ? '_' : static_cast<char>(std::toupper(*c));
    return app_.add_option(flag, value, text)->envname(env)->type_name(metavar);
  }
  // What names a file, a token or others: empty by mistake, it must not mean "none", which would
  // leave a port without TLS or without a token.
  void AddNamed(const char* flag, std::string& value, const char* metavar, const char* text) {
    CLI::Option* option = Add(flag, value, metavar, text);
    option->check(CLI::Validator([](std::string& given) { return WhyEmpty(given); }, ""));
    never_empty_.push_back(option);
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

  // Borrowed; must outlive this.
  CLI::App& app_;
  OptionTexts& texts_;
  Options& options_;
  std::vector<CLI::Option*> never_empty_;
};

void Flags::AddService() {
  Add("--listen-addr", texts_.listen_addr, "IP:PORT", "Address that clients connect to")
      ->capture_default_str();
  AddNamed("--tls-cert", options_.tls_cert, "FILE", "TLS certificate chain (PEM); needs --tls-key");
  AddNamed("--tls-key", options_.tls_key, "FILE", "TLS private key (PEM); needs --tls-cert");
  AddNamed("--auth-token", texts_.auth_token, "TOKEN", "Bearer token that clients must send");
  AddNamed("--auth-token-file", options_.auth_token_file, "FILE",
           "File with one bearer token a line, all valid; read again on SIGHUP");
  AddNamed("--trusted-proxies", texts_.trusted_proxies, "CIDR,...",
           "Proxies whose X-Forwarded-For names the client");
  app_.add_flag("--proxy-protocol", options_.proxy_trust.proxy_protocol,
                "Connections of --trusted-proxies begin with a PROXY protocol header (v1 or v2)")
      ->envname("CAIRN_SIGNAL_PROXY_PROTOCOL");
  AsCount(Add("--threads", options_.threads, "N", "Event loops; 0: half of the processors")
              ->default_val(0));
  Add("--drain", texts_.drain, "TIME", "On SIGTERM, close clients spread over this time")
      ->capture_default_str();
}

void Flags::AddOperation() {
  Add("--ops-listen-addr", texts_.ops_listen_addr, "IP:PORT",
      "Address of /healthz, /readyz and /metrics over HTTP; not served unless given");
  app_.add_flag("--health-check", options_.health_check,
                "Serve nothing; ask the server at --ops-listen-addr: exit 0 when it is alive, 1 "
                "when not");
  Add("--log-format", texts_.log_format, "FORMAT", "text, or json: one object a line")
      ->capture_default_str();
  app_.add_flag("--log-peers", options_.log_peers,
                "Log each client's address when it connects and disconnects")
      ->envname("CAIRN_SIGNAL_LOG_PEERS");
}

void Flags::AddDialects() {
  Add("--dialects", texts_.dialects, "LIST", "Dialects that clients may use: cbor, or cbor,json")
      ->capture_default_str();
  Add("--record-ttl", texts_.record_ttl, "TIME",
      "How long records published by JSON clients are kept; at most 25h")
      ->capture_default_str();
  Add("--query-hold", texts_.query_hold, "TIME",
      "How long a JSON query waits for a first record; at most 4s")
      ->capture_default_str();
}

void Flags::AddRoles() {
  Add("--role", texts_.role, "ROLE", "all, edge or core: the role of this process")
      ->capture_default_str();
  Add("--grpc-listen-addr", options_.grpc_listen_address, "ADDR",
      "Core: IP:PORT or unix:PATH that edges and cairn-admin connect to; default: 127.0.0.1:7443");
  app_.add_flag("--grpc-insecure", options_.grpc_insecure,
                "Core: allow --grpc-listen-addr on an address that others can reach, without "
                "authentication")
      ->envname("CAIRN_SIGNAL_GRPC_INSECURE");
  AddNamed("--grpc-tls-cert", options_.grpc_tls_cert, "FILE",
           "Certificate (PEM) between edge and core; needs the next two");
  AddNamed("--grpc-tls-key", options_.grpc_tls_key, "FILE", "Its private key (PEM)");
  AddNamed("--grpc-tls-ca", options_.grpc_tls_ca, "FILE",
           "CA (PEM) that the other side's certificate must come from");
  AddNamed("--grpc-tls-crl", options_.grpc_tls_crl, "FILE",
           "Core: CRLs (PEM) of that CA: certificates that are not accepted any more");
  AddNamed(
      "--grpc-edge-token-file", options_.grpc_edge_token_file, "FILE",
      "Core: tokens of edges, one a line, TOKEN or EDGE: TOKEN; edge: the token that it presents");
  AddNamed("--grpc-operator-token-file", options_.grpc_operator_token_file, "FILE",
           "Core: tokens of operators, one a line");
  AddNamed("--grpc-viewer-token-file", options_.grpc_viewer_token_file, "FILE",
           "Core: tokens of viewers, who may read but change nothing, one a line");
  AddNamed(
      "--grpc-allow-file", options_.grpc_allow_file, "FILE",
      "Core: names of certificates that are accepted, one a line, NAME or EDGE: NAME; default: all "
      "of the CA");
  Add("--core", texts_.core, "ADDR,...",
      "Edge: HOST:PORT or unix:PATH of the core; several: of cores that stand in for each other");
  Add("--core-choice", texts_.core_choice, "CHOICE",
      "Edge: ordered: the first core that can be reached; spread: edges share themselves out")
      ->capture_default_str();
  Add("--edge-name", options_.edge_name, "NAME",
      "Edge: its name for operators; default: the host's name");
}

void Flags::AddMesh() {
  core::NatsOptions& mesh = options_.mesh;
  AddNamed("--mesh", texts_.mesh, "URL,...",
           "Core: NATS servers (nats:// or tls://) by which the cores of a fleet reach each other");
  Add("--fleet", mesh.fleet, "NAME",
      "Core: its fleet; cores of other fleets on the same NATS are not heard");
  Add("--core-name", options_.core_name, "NAME",
      "Core: its name for operators; default: the host's name");
  AddNamed("--mesh-tls-ca", mesh.ca_file, "FILE", "CA (PEM) of the NATS servers' certificates");
  AddNamed("--mesh-tls-cert", mesh.cert_file, "FILE",
           "Certificate (PEM) for NATS; needs --mesh-tls-key");
  AddNamed("--mesh-tls-key", mesh.key_file, "FILE", "Its private key (PEM)");
  AddNamed("--mesh-nkey-file", mesh.nkey_file, "FILE", "Seed of the NATS user that this core is");
  AddNamed("--mesh-creds-file", mesh.credentials_file, "FILE",
           "The same as a credentials file of NATS (JWT and seed)");
}

void Flags::AddLimits() {
  edge::EdgeLimits& limits = options_.limits;
  AddBytes("--max-message-bytes", limits.max_message_bytes,
           "Size of one message; above it: close 1009");
  AddCount("--max-topics", limits.max_topics,
           "Subscriptions of one connection; above it: close 1008");
  AddBytes("--max-topic-bytes", limits.max_topic_bytes, "Size of one topic; above it: close 1008");
  AddCount("--max-connections", limits.max_connections,
           "Connections of this edge; above it: close 1013");
  AddCount("--max-connections-per-ip", limits.max_connections_per_ip,
           "Connections of one address (IPv6: /64); above it: close 1013; 0: no limit");
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
  Add("--handshake-timeout", texts_.handshake_timeout, "TIME",
      "From accept to the end of the upgrade")
      ->capture_default_str();
  Add("--ping-interval", texts_.ping_interval, "TIME", "Between two WebSocket pings to a client")
      ->capture_default_str();
  Add("--lane-timeout", texts_.lane_timeout, "TIME",
      "Core: a loop of an edge that has not answered for so long is given up")
      ->capture_default_str();
}

}  // namespace

absl::StatusOr<bool> ParseFlags(int argc, char** argv, OptionTexts& texts, Options& options) {
  CLI::App app(
      "Signaling server for cairn peers: a WebSocket rendezvous that routes handshake "
      "messages.",
      "cairn-signal");
  app.set_version_flag("-V,--version", "cairn-signal " CAIRN_VERSION, "Print the version");
  app.set_help_flag("-h,--help", "Print this help");
  app.get_formatter()->column_width(46);
  Flags flags(app, texts, options);
  flags.AddAll();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return false;
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << "\n";
    return false;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  // The serving process checks its own.
  const std::string empty = options.health_check ? "" : flags.EmptyVariable();
  if (!empty.empty()) {
    return absl::InvalidArgumentError(empty + " is empty: give a value, or leave the variable out");
  }
  if (app.count("--auth-token") > 0) options.auth_token = texts.auth_token;
  return true;
}

}  // namespace cairn::server
