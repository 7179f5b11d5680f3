#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/machine_limits.h"
#include "tests/support/options_fixture.h"

namespace cairn::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(OptionsTest, NothingGivenIsEdgeAndCoreOnPort443) {
  const Options options = Good({});
  EXPECT_EQ(options.role, Role::kAll);
  EXPECT_EQ(options.listen_address.ToString(), "0.0.0.0:443");
  EXPECT_EQ(options.tls_cert, "");
  EXPECT_FALSE(options.auth_token.has_value());
  EXPECT_EQ(options.grpc_listen_address, "127.0.0.1:7443");
  EXPECT_FALSE(options.grpc_listen_address_given);
  EXPECT_FALSE(options.grpc_insecure);
  EXPECT_FALSE(options.proxy_trust.proxy_protocol);
  EXPECT_TRUE(options.limits.json_dialects);
  EXPECT_GE(options.threads, 1);
  EXPECT_LE(options.threads, 8);
  EXPECT_NE(options.edge_name, "");
  EXPECT_EQ(options.drain, absl::Seconds(2));
}

TEST_F(OptionsTest, FlagsOfTheServiceAreRead) {
  const Options options =
      Good({"--listen-addr", "[::1]:0", "--tls-cert", "cert.pem", "--tls-key=key.pem",
            "--auth-token", "s3cret", "--threads", "3", "--drain", "500ms", "--edge-name", "edge-7",
            "--trusted-proxies", "10.0.0.0/8", "--proxy-protocol", "--dialects", "cbor"});
  EXPECT_EQ(options.listen_address.ToString(), "[::1]:0");
  EXPECT_EQ(options.tls_cert, "cert.pem");
  EXPECT_EQ(options.tls_key, "key.pem");
  EXPECT_EQ(options.auth_token, "s3cret");
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.drain, absl::Milliseconds(500));
  EXPECT_EQ(options.edge_name, "edge-7");
  EXPECT_EQ(options.proxy_trust.proxies.size(), 1u);
  EXPECT_TRUE(options.proxy_trust.proxy_protocol);
  EXPECT_FALSE(options.limits.json_dialects);
}

TEST_F(OptionsTest, NothingIsServedToOperatorsUnlessAskedFor) {
  EXPECT_FALSE(Good({}).ops_listen_address.has_value());
  EXPECT_EQ(Good({}).log_format, LogFormat::kText);
  EXPECT_FALSE(Good({}).log_peers);
  const Options options =
      Good({"--ops-listen-addr", "[::1]:9090", "--log-format", "json", "--log-peers"});
  ASSERT_TRUE(options.ops_listen_address.has_value());
  EXPECT_EQ(options.ops_listen_address->ToString(), "[::1]:9090");
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_TRUE(options.log_peers);
  EXPECT_THAT(Mistake({"--ops-listen-addr", "9090"}), StartsWith("error: --ops-listen-addr: "));
  EXPECT_THAT(Mistake({"--log-format", "JSON"}), HasSubstr("'JSON' is not text or json"));
}

TEST_F(OptionsTest, AllQueuesTogetherGetAQuarterOfTheMemoryThatTheProcessMayHave) {
  EXPECT_EQ(Good({}).limits.max_queued_total, MemoryLimitBytes() / 4);
  EXPECT_THAT(Mistake({"--max-queued-total", "1000"}), HasSubstr("--max-queued-total 1000"));
}

TEST_F(OptionsTest, FlagsOfLimitsAreRead) {
  const edge::EdgeLimits limits = Good({"--max-message-bytes",
                                        "1000",
                                        "--max-topics",
                                        "5",
                                        "--max-topic-bytes",
                                        "6",
                                        "--max-connections",
                                        "7",
                                        "--max-connections-per-ip",
                                        "8",
                                        "--max-queued-bytes",
                                        "9000",
                                        "--max-backlog-bytes",
                                        "100000",
                                        "--max-handshakes",
                                        "11",
                                        "--max-queued-total",
                                        "12000",
                                        "--rate-messages",
                                        "13",
                                        "--rate-deliveries",
                                        "14",
                                        "--handshake-timeout",
                                        "3s",
                                        "--ping-interval",
                                        "4",
                                        "--record-ttl",
                                        "25h",
                                        "--query-hold",
                                        "0"})
                                      .limits;
  EXPECT_EQ(limits.max_message_bytes, 1000u);
  EXPECT_EQ(limits.max_topics, 5u);
  EXPECT_EQ(limits.max_topic_bytes, 6u);
  EXPECT_EQ(limits.max_connections, 7u);
  EXPECT_EQ(limits.max_connections_per_ip, 8u);
  EXPECT_EQ(limits.max_queued_bytes, 9000u);
  EXPECT_EQ(limits.max_backlog_bytes, 100'000u);
  EXPECT_EQ(limits.max_handshakes, 11u);
  EXPECT_EQ(limits.max_queued_total, 12'000u);
  EXPECT_EQ(limits.rate_messages, 13u);
  EXPECT_EQ(limits.rate_deliveries, 14u);
  EXPECT_EQ(limits.handshake_timeout, absl::Seconds(3));
  EXPECT_EQ(limits.ping_interval, absl::Seconds(4)) << "a bare number is seconds";
  EXPECT_EQ(limits.record_ttl, absl::Hours(25));
  EXPECT_EQ(limits.query_hold, absl::ZeroDuration());
}

TEST_F(OptionsTest, HelpNamesEveryOptionAndNoValueOfAVariable) {
  Set("AUTH_TOKEN", "s3cret");
  Set("LISTEN_ADDR", "127.0.0.1:8081");
  for (const char* flag : {"--help", "-h"}) {
    const Parsed parsed = Parse({flag});
    EXPECT_FALSE(parsed.result.options.has_value());
    EXPECT_EQ(parsed.result.exit_code, 0);
    EXPECT_EQ(parsed.err, "");
    EXPECT_THAT(parsed.out,
                AllOf(HasSubstr("--listen-addr"), HasSubstr("CAIRN_SIGNAL_AUTH_TOKEN")));
    EXPECT_THAT(parsed.out, Not(HasSubstr("s3cret")));
    EXPECT_THAT(parsed.out, Not(HasSubstr("8081")));
  }
}

TEST_F(OptionsTest, VersionIsOneLine) {
  for (const char* flag : {"--version", "-V"}) {
    const Parsed parsed = Parse({flag});
    EXPECT_FALSE(parsed.result.options.has_value());
    EXPECT_EQ(parsed.result.exit_code, 0);
    EXPECT_THAT(parsed.out, testing::MatchesRegex("cairn-signal [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  }
}

TEST_F(OptionsTest, BadUsageExitsWith2AndNamesTheMistake) {
  const struct {
    std::vector<std::string> arguments;
    const char* named;
  } rows[] = {
      {{"--no-such-flag"}, "--no-such-flag"},
      {{"positional"}, "positional"},
      {{"--listen-addr"}, "--listen-addr"},
      {{"--listen-addr", "8080"}, "--listen-addr: '8080' is not IP:port"},
      {{"--listen-addr", "localhost:8080"}, "'localhost:8080'"},
      {{"--listen-addr", "1.2.3.4:5", "--listen-addr", "1.2.3.4:6"}, "--listen-addr"},
      {{"--role", "boss"}, "--role: 'boss' is not all, edge or core"},
      {{"--threads", "many"}, "--threads"},
      {{"--threads", "257"}, "--threads 257 is out of range: give 0 to 256"},
      {{"--max-topics", "x"}, "--max-topics"},
      {{"--max-topics", "0"}, "--max-topics 0 is out of range: give 1 to"},
      {{"--max-message-bytes", "2000000"}, "--max-queued-bytes"},
      {{"--drain", "soon"}, "--drain: 'soon' is not a time"},
      {{"--drain", "26h"}, "--drain: '26h' is out of range: give 0s to 25h"},
      {{"--drain", "inf"}, "--drain: 'inf' is out of range: give 0s to 25h"},
      {{"--drain", "-1s"}, "--drain: '-1s' is out of range: give 0s to 25h"},
      {{"--ping-interval", "1ms"}, "--ping-interval is out of range: give at least 100ms"},
      {{"--handshake-timeout", "0"}, "--handshake-timeout is out of range: give more than 0s"},
      {{"--query-hold", "5s"}, "--query-hold"},
      {{"--dialects", "xml"}, "--dialects: 'xml' is not cbor or cbor,json"},
      {{"--trusted-proxies", "10.0.0.1/8"}, "--trusted-proxies: '10.0.0.1/8'"},
      {{"--proxy-protocol"}, "--proxy-protocol needs --trusted-proxies"},
      {{"--role", "edge"}, "--role edge needs --core"},
      {{"--core", "127.0.0.1:7443"}, "--core is for --role edge"},
      {{"--role", "edge", "--core", "a:1,"}, "--core: ''"},
      {{"--role", "edge", "--core", "a:1,b:1,a:1"}, "--core: 'a:1' is there twice"},
      {{"--role", "edge", "--core", "a:1", "--core-choice", "any"}, "--core-choice: 'any'"},
  };
  for (const auto& row : rows) EXPECT_THAT(Mistake(row.arguments), HasSubstr(row.named));
}

TEST_F(OptionsTest, WhatNamesAFileOrATokenIsNotEmpty) {
  for (const char* flag :
       {"--tls-cert", "--tls-key", "--auth-token", "--auth-token-file", "--trusted-proxies",
        "--grpc-tls-cert", "--grpc-tls-key", "--grpc-tls-ca", "--grpc-tls-crl",
        "--grpc-edge-token-file", "--grpc-operator-token-file", "--grpc-viewer-token-file",
        "--grpc-allow-file", "--mesh", "--mesh-tls-ca", "--mesh-tls-cert", "--mesh-tls-key",
        "--mesh-nkey-file", "--mesh-creds-file"}) {
    EXPECT_THAT(Mistake({flag, ""}), HasSubstr(std::string(flag) + ": it is empty")) << flag;
  }
}

TEST_F(OptionsTest, PortsOfOneProcessHaveAddressesOfTheirOwn) {
  EXPECT_THAT(Mistake({"--listen-addr", "127.0.0.1:80", "--ops-listen-addr", "127.0.0.1:80"}),
              HasSubstr("--ops-listen-addr: 127.0.0.1:80 is also that of --listen-addr"));
  EXPECT_THAT(Mistake({"--listen-addr", "[::1]:80", "--grpc-listen-addr", "[0::1]:80"}),
              HasSubstr("--grpc-listen-addr: [::1]:80 is also that of --listen-addr"));
  EXPECT_THAT(Mistake({"--role", "core", "--ops-listen-addr", "127.0.0.1:7443"}),
              HasSubstr("--grpc-listen-addr: 127.0.0.1:7443 is also that of --ops-listen-addr"));
  Good({"--listen-addr", "127.0.0.1:0", "--ops-listen-addr", "127.0.0.1:0"});
  Good({"--listen-addr", "127.0.0.1:80", "--ops-listen-addr", "127.0.0.2:80"});
  Good({"--role", "core", "--ops-listen-addr", "0.0.0.0:443"});
  Good({"--listen-addr", "127.0.0.1:7443"});
}

TEST_F(OptionsTest, CredentialsThatDoNotFitEachOtherAreBadUsage) {
  const struct {
    std::vector<std::string> arguments;
    const char* named;
  } rows[] = {
      {{"--auth-token", "a", "--auth-token-file", "b"}, "not both"},
      {{"--auth-token", "  "}, "--auth-token: "},
      {{"--grpc-tls-cert", "a", "--grpc-tls-key", "b"}, "is given without --grpc-tls-ca"},
      {{"--grpc-tls-crl", "a"}, "--grpc-tls-crl is given without --grpc-tls-ca"},
      {{"--role", "edge", "--core", "a:1", "--grpc-tls-key", "b"}, "without --grpc-tls-cert"},
      {{"--grpc-listen-addr", "localhost:1"}, "--grpc-listen-addr: 'localhost:1' is not IP:port"},
      {{"--grpc-listen-addr", "0.0.0.0:1"}, "say --grpc-insecure"},
  };
  for (const auto& row : rows) EXPECT_THAT(Mistake(row.arguments), HasSubstr(row.named));
}

TEST_F(OptionsTest, ACoreIsNamedAfterItsHost) {
  EXPECT_THAT(Good({}).core_name, Not(IsEmpty()));
  EXPECT_EQ(Good({"--role", "core", "--core-name", "b"}).core_name, "b");
  EXPECT_THAT(Mistake({"--core-name", std::string(256, 'x')}), HasSubstr("--core-name: "));
}

TEST_F(OptionsTest, AFlagWithNothingBehindItsEqualsSignDoesNotTakeTheNextArgument) {
  EXPECT_THAT(Mistake({"--auth-token=", "--drain", "1s"}), HasSubstr("--auth-token="));
  EXPECT_THAT(Mistake({"--listen-addr=", "1.2.3.4:5"}), HasSubstr("--listen-addr="));
}

TEST_F(OptionsTest, AnEdgeHasACoreAndNoPortForOthers) {
  const Options options = Good({"--role", "edge", "--core", "unix:/run/core.sock"});
  EXPECT_EQ(options.role, Role::kEdge);
  EXPECT_THAT(options.cores, ElementsAre("unix:/run/core.sock"));
  EXPECT_EQ(options.core_choice, edge::CoreChoice::kOrdered);
  EXPECT_THAT(options.grpc_listen_address, IsEmpty());
}

TEST_F(OptionsTest, AnEdgeMayHaveSeveralCores) {
  const Options options =
      Good({"--role", "edge", "--core", "a:1,[::1]:2,unix:/c", "--core-choice", "spread"});
  EXPECT_THAT(options.cores, ElementsAre("a:1", "[::1]:2", "unix:/c"));
  EXPECT_EQ(options.core_choice, edge::CoreChoice::kSpread);
}

TEST_F(OptionsTest, ACoreListensOnTheGivenAddress) {
  const Options options = Good({"--role", "core", "--grpc-listen-addr", "0.0.0.0:7443",
                                "--grpc-edge-token-file", "edges", "--grpc-operator-token-file",
                                "operators", "--grpc-viewer-token-file", "viewers"});
  EXPECT_EQ(options.role, Role::kCore);
  EXPECT_EQ(options.grpc_listen_address, "0.0.0.0:7443");
  EXPECT_TRUE(options.grpc_listen_address_given);
  EXPECT_EQ(options.grpc_edge_token_file, "edges");
  EXPECT_EQ(options.grpc_operator_token_file, "operators");
  EXPECT_EQ(options.grpc_viewer_token_file, "viewers");
}

}  // namespace
}  // namespace cairn::server
