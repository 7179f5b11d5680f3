// Options that environment variables set, and the token that process lists must not show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/options_fixture.h"

namespace cairn::server {
namespace {

using testing::HasSubstr;

using OptionVariables = OptionsTest;

TEST_F(OptionVariables, VariablesAreReadWhereThereIsNoFlag) {
  Set("LISTEN_ADDR", "127.0.0.1:8080");
  Set("TLS_CERT", "cert.pem");
  Set("TLS_KEY", "key.pem");
  Set("AUTH_TOKEN", "from-variable");
  Set("MAX_TOPICS", "17");
  Set("DRAIN", "1.5s");
  Set("GRPC_INSECURE", "true");
  const Options options = Good({});
  EXPECT_EQ(options.listen_address.ToString(), "127.0.0.1:8080");
  EXPECT_EQ(options.tls_cert, "cert.pem");
  EXPECT_EQ(options.tls_key, "key.pem");
  EXPECT_EQ(options.auth_token, "from-variable");
  EXPECT_EQ(options.limits.max_topics, 17u);
  EXPECT_EQ(options.drain, absl::Milliseconds(1500));
  EXPECT_TRUE(options.grpc_insecure);
}

TEST_F(OptionVariables, AFlagBeatsItsVariable) {
  Set("LISTEN_ADDR", "127.0.0.1:8080");
  Set("AUTH_TOKEN", "from-variable");
  Set("MAX_TOPICS", "17");
  const Options options =
      Good({"--listen-addr", "127.0.0.1:9090", "--auth-token=from-flag", "--max-topics", "18"});
  EXPECT_EQ(options.listen_address.ToString(), "127.0.0.1:9090");
  EXPECT_EQ(options.auth_token, "from-flag");
  EXPECT_EQ(options.limits.max_topics, 18u);
}

TEST_F(OptionVariables, AMistakeInAVariableIsNamedLikeOneInAFlag) {
  Set("LISTEN_ADDR", "localhost:8080");
  EXPECT_THAT(Mistake({}), HasSubstr("--listen-addr: 'localhost:8080'"));
}

TEST_F(OptionVariables, AnEmptyVariableIsAnAbsentOne) {
  Set("LISTEN_ADDR", "");
  Set("MAX_TOPICS", "");
  const Options options = Good({});
  EXPECT_EQ(options.listen_address.ToString(), "0.0.0.0:443");
  EXPECT_EQ(options.limits.max_topics, 1024u);
}

TEST_F(OptionVariables, AnEmptyVariableForATokenOrAFileDoesNotMeanNone) {
  Set("AUTH_TOKEN", "");
  EXPECT_THAT(Mistake({}), HasSubstr("CAIRN_SIGNAL_AUTH_TOKEN is empty"));
  EXPECT_EQ(Good({"--auth-token", "s3cret"}).auth_token, "s3cret") << "the flag wins";
  Set("TLS_CERT", "");
  EXPECT_THAT(Mistake({"--auth-token", "s3cret"}), HasSubstr("CAIRN_SIGNAL_TLS_CERT is empty"));
}

TEST_F(OptionVariables, AHealthCheckDoesNotCareForVariablesOfTheServer) {
  Set("TLS_CERT", "");
  EXPECT_TRUE(Good({"--health-check", "--ops-listen-addr", "127.0.0.1:9090"}).health_check);
}

TEST_F(OptionVariables, TheTokenIsBlankedWhereAProcessListShowsIt) {
  for (const auto& [arguments, blanked] :
       std::map<std::vector<std::string>, std::vector<std::string>>{
           {{"--auth-token", "s3cret", "--drain", "1s"},
            {"cairn-signal", "--auth-token", "******", "--drain", "1s"}},
           {{"--auth-token=s3cret"}, {"cairn-signal", "--auth-token=******"}},
           {{"--auth-token-file", "file"}, {"cairn-signal", "--auth-token-file", "file"}}}) {
    EXPECT_EQ(Parse(arguments).argv, blanked);
  }
}

}  // namespace
}  // namespace cairn::server
