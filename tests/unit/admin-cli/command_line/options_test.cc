#include "admin-cli/command_line/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cairn::admin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Command lines, with nothing of the environment but what a test puts there.
class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest()
      : home_(std::filesystem::temp_directory_path() /
              ("cairn-options-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(home_ / "cairn");
    Set("XDG_CONFIG_HOME", home_.c_str());
    for (const char* name : {"CAIRN_ADMIN_CORE", "CAIRN_ADMIN_TOKEN", "CAIRN_ADMIN_TOKEN_FILE",
                             "CAIRN_ADMIN_CONFIG"}) {
      unsetenv(name);
    }
  }
  ~OptionsTest() override {
    for (const std::string& name : set_) unsetenv(name.c_str());
    std::filesystem::remove_all(home_);
  }

  void Set(const char* name, const char* value) {
    setenv(name, value, 1);
    set_.push_back(name);
  }
  void WriteConfig(const std::string& text) { std::ofstream(home_ / "cairn/admin.toml") << text; }

  ParseResult Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "cairn-admin");
    argv_ = std::move(arguments);
    std::vector<char*> argv;
    for (std::string& argument : argv_) argv.push_back(argument.data());
    std::ostringstream out, err;
    ParseResult result = ParseOptions(static_cast<int>(argv.size()), argv.data(), out, err);
    out_ = out.str();
    err_ = err.str();
    return result;
  }
  Options Accept(std::vector<std::string> arguments) {
    const ParseResult result = Parse(std::move(arguments));
    EXPECT_TRUE(result.options) << err_ << out_;
    return result.options.value_or(Options());
  }
  template <typename Command>
  Command AcceptAs(std::vector<std::string> arguments) {
    return std::get<Command>(Accept(std::move(arguments)).command);
  }
  // The line on stderr.
  std::string Refuse(std::vector<std::string> arguments) {
    const ParseResult result = Parse(std::move(arguments));
    EXPECT_FALSE(result.options);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 1) << err_;
    return err_;
  }

  const std::filesystem::path home_;
  std::vector<std::string> set_;
  std::vector<std::string> argv_;
  std::string out_, err_;
};

TEST_F(OptionsTest, DefaultsAreThoseOfTheHelp) {
  const Options options = Accept({"status"});
  EXPECT_EQ(options.connection.core, "127.0.0.1:7443");
  EXPECT_EQ(options.connection.timeout, absl::Seconds(5));
  EXPECT_EQ(options.output.form, Form::kTable);
  EXPECT_EQ(std::get<StatusCommand>(options.command).every, absl::ZeroDuration());
}

TEST_F(OptionsTest, GlobalOptionsMayComeBeforeAndAfterTheCommand) {
  for (const auto& arguments :
       {std::vector<std::string>{"--core", "a:1", "-o", "json", "peers", "list"},
        std::vector<std::string>{"peers", "list", "--core=a:1", "--output", "json"}}) {
    const Options options = Accept(arguments);
    EXPECT_EQ(options.connection.core, "a:1");
    EXPECT_EQ(options.output.form, Form::kJson);
  }
}

TEST_F(OptionsTest, FlagsWinOverTheEnvironmentWhichWinsOverTheFile) {
  WriteConfig("core = \"file:1\"\ntimeout = 7\nwide = true\n");
  EXPECT_EQ(Accept({"status"}).connection.core, "file:1");
  EXPECT_EQ(Accept({"status"}).connection.timeout, absl::Seconds(7));
  EXPECT_TRUE(Accept({"status"}).output.wide);
  Set("CAIRN_ADMIN_CORE", "environment:1");
  Set("CAIRN_ADMIN_WIDE", "false");
  EXPECT_EQ(Accept({"status"}).connection.core, "environment:1");
  EXPECT_FALSE(Accept({"status"}).output.wide);
  EXPECT_EQ(Accept({"status", "--core", "flag:1"}).connection.core, "flag:1");
}

TEST_F(OptionsTest, AnotherFileCanBeNamedAndMustThenBeThere) {
  const std::filesystem::path other = home_ / "other.toml";
  EXPECT_THAT(Refuse({"status", "--config", other}), HasSubstr("other.toml': No such file"));
  std::ofstream(other) << "core = 'other:1'\n";
  EXPECT_EQ(Accept({"status", "--config", other}).connection.core, "other:1");
  Set("CAIRN_ADMIN_CONFIG", other.c_str());
  EXPECT_EQ(Accept({"status"}).connection.core, "other:1");
}

TEST_F(OptionsTest, ErrorsInTheFileOrTheEnvironmentNameTheirPlace) {
  WriteConfig("\ncore = nonsense\n");
  EXPECT_THAT(Refuse({"status"}), HasSubstr("admin.toml' line 2 cannot be read"));
  WriteConfig("cores = \"a\"\n");
  EXPECT_THAT(Refuse({"status"}), HasSubstr("line 1: cores: there is no such option"));
  WriteConfig("");
  Set("CAIRN_ADMIN_TIMEOUT", "soon");
  EXPECT_THAT(Refuse({"status"}), HasSubstr("CAIRN_ADMIN_TIMEOUT: 'soon' is not a duration"));
}

TEST_F(OptionsTest, AnEmptyVariableDoesNotMeanNone) {
  for (const char* name : {"CORE", "TOKEN", "TOKEN_FILE", "TLS_CA", "TLS_CERT", "TLS_KEY",
                           "TLS_SERVER_NAME", "INSECURE", "TIMEOUT", "OUTPUT", "CONFIG"}) {
    const std::string variable = std::string("CAIRN_ADMIN_") + name;
    Set(variable.c_str(), "");
    EXPECT_THAT(Refuse({"status"}), HasSubstr(variable + ": "));
    unsetenv(variable.c_str());
  }
  for (const char* name : {"CAIRN_ADMIN_AUTH_TOKEN", "CAIRN_ADMIN_AUTH_TOKEN_FILE"}) {
    Set(name, "");
    EXPECT_THAT(Refuse({"probe", "wss://example.org"}), HasSubstr(std::string(name) + ": "));
    unsetenv(name);
  }
}

TEST_F(OptionsTest, AnEmptyPathOnTheCommandLineOrInTheFileDoesNotMeanNone) {
  EXPECT_THAT(Refuse({"status", "--tls-ca", ""}), HasSubstr("--tls-ca: it is empty"));
  WriteConfig("tls-ca = \"\"\n");
  EXPECT_THAT(Refuse({"status"}), HasSubstr("line 1: tls-ca: it is empty"));
}

TEST_F(OptionsTest, HelpVersionAndCompletionWorkWithABadEnvironment) {
  WriteConfig("broken\n");
  Set("CAIRN_ADMIN_TIMEOUT", "soon");
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_EQ(Parse({"peers", "list", "--help"}).exit_code, 0);
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
  Accept({"version"});
  EXPECT_EQ(AcceptAs<CompletionCommand>({"completion", "bash"}).shell, "bash");
}

TEST_F(OptionsTest, HelpShowsNoValuesFromTheEnvironmentOrTheFile) {
  WriteConfig("token = \"file-secret\"\n");
  Set("CAIRN_ADMIN_TOKEN", "environment-secret");
  Parse({"--help"});
  EXPECT_THAT(out_, HasSubstr("--token TOKEN"));
  EXPECT_THAT(out_, Not(HasSubstr("secret")));
}

TEST_F(OptionsTest, TokensAreBlankedWhereTheProcessListShowsThem) {
  EXPECT_EQ(Accept({"--token", "secret", "status"}).connection.token, "secret");
  EXPECT_EQ(argv_[2], "******");
  EXPECT_EQ(Accept({"--token=secret", "status"}).connection.token, "secret");
  EXPECT_EQ(argv_[1], "--token=******");
  EXPECT_EQ(AcceptAs<ProbeCommand>({"probe", "ws://a", "--auth-token", "secret"}).auth_token,
            "secret");
  EXPECT_EQ(argv_[4], "******");
  Refuse({"--token", "secret", "status", "--nonsense"});
  EXPECT_EQ(argv_[2], "******");
}

TEST_F(OptionsTest, TheSourceWithHigherPrecedenceDecidesBetweenTokenAndTokenFile) {
  Set("CAIRN_ADMIN_TOKEN", "environment");
  EXPECT_EQ(Accept({"status", "--token-file", "f"}).connection.token, "");
  EXPECT_EQ(Accept({"status", "--token-file", "f"}).connection.token_file, "f");
  EXPECT_THAT(Refuse({"status", "--token-file", "f", "--token", "t"}),
              HasSubstr("give --token or --token-file, not both"));
}

TEST_F(OptionsTest, TheProbeTakesTheClientsTokenAndRefusesTheOperators) {
  EXPECT_THAT(Refuse({"probe", "ws://a", "--token", "t"}),
              HasSubstr("give the clients' token as --auth-token"));
  Set("CAIRN_ADMIN_TOKEN", "operator");
  Set("CAIRN_ADMIN_AUTH_TOKEN", "client");
  EXPECT_EQ(AcceptAs<ProbeCommand>({"probe", "ws://a"}).auth_token, "client");
}

TEST_F(OptionsTest, PeersAreFilteredSortedAndLimited) {
  const auto list = AcceptAs<PeersListCommand>(
      {"peers",     "list", "--edge",   "e",        "--topic",  "t",  "--address", "192.0.2.",
       "--dialect", "cbor", "--since",  "10m",      "--before", "1m", "--sort",    "rtt",
       "--limit",   "5",    "--topics", "--closed", "--watch",  "3"});
  EXPECT_EQ(list.request.filter().edge(), "e");
  EXPECT_EQ(list.request.filter().topic(), "t");
  EXPECT_EQ(list.request.filter().address_prefix(), "192.0.2.");
  EXPECT_EQ(list.request.filter().dialect(), "cbor");
  EXPECT_EQ(list.since, absl::Minutes(10));
  EXPECT_EQ(list.before, absl::Minutes(1));
  EXPECT_EQ(list.request.sort(), v1::ListPeersRequest::SORT_RTT);
  EXPECT_EQ(list.request.limit(), 5u);
  EXPECT_TRUE(list.request.with_topics());
  EXPECT_TRUE(list.request.closed());
  EXPECT_EQ(list.every, absl::Seconds(3));
}

TEST_F(OptionsTest, QuantitiesAreLargestFirstAndNamesInOrder) {
  EXPECT_FALSE(AcceptAs<PeersListCommand>({"peers", "list"}).request.descending());
  EXPECT_TRUE(AcceptAs<PeersListCommand>({"peers", "list", "--reverse"}).request.descending());
  EXPECT_TRUE(
      AcceptAs<PeersListCommand>({"peers", "list", "--sort", "bytes-in"}).request.descending());
  EXPECT_FALSE(AcceptAs<PeersListCommand>({"peers", "list", "--sort", "bytes-in", "--reverse"})
                   .request.descending());
  EXPECT_TRUE(
      AcceptAs<TopicsListCommand>({"topics", "list", "--sort", "rate"}).request.descending());
  EXPECT_FALSE(AcceptAs<TopicsListCommand>({"topics", "list"}).request.descending());
}

TEST_F(OptionsTest, WatchAloneIsEveryTwoSeconds) {
  EXPECT_EQ(AcceptAs<StatusCommand>({"status", "--watch"}).every, absl::Seconds(2));
  EXPECT_EQ(AcceptAs<StatusCommand>({"status", "--watch", "--wide"}).every, absl::Seconds(2));
  EXPECT_EQ(AcceptAs<StatusCommand>({"status", "--watch=0"}).every, absl::Milliseconds(100));
}

TEST_F(OptionsTest, KickTakesExactlyOneTarget) {
  const auto kick =
      AcceptAs<PeersKickCommand>({"peers", "kick", "00ff", "--code", "3001", "--reason", "moved"});
  EXPECT_EQ(kick.request.id(), "00ff");
  EXPECT_EQ(kick.request.code(), 3001u);
  EXPECT_EQ(kick.request.reason(), "moved");
  EXPECT_EQ(AcceptAs<PeersKickCommand>({"peers", "kick", "--address", "192.0.2."})
                .request.address_prefix(),
            "192.0.2.");
  EXPECT_THAT(Refuse({"peers", "kick"}), HasSubstr("exactly one"));
  EXPECT_THAT(Refuse({"peers", "kick", "00ff", "--edge", "e"}), HasSubstr("exactly one"));
}

TEST_F(OptionsTest, AnEmptyTargetDoesNotMatchAllPeers) {
  EXPECT_THAT(Refuse({"peers", "kick", "--address", ""}), HasSubstr("not an empty one"));
  EXPECT_THAT(Refuse({"peers", "kick", "--topic", ""}), HasSubstr("not an empty one"));
}

TEST_F(OptionsTest, CloseCodesAreThoseThatMayBeSent) {
  for (const char* code : {"999", "1004", "1005", "1006", "1015", "2999", "5000", "x"}) {
    EXPECT_THAT(Refuse({"peers", "kick", "00ff", "--code", code}),
                HasSubstr("--code: a close code is"));
  }
  EXPECT_THAT(Refuse({"peers", "kick", "00ff", "--reason", std::string(124, 'x')}),
              HasSubstr("at most 123 bytes"));
}

TEST_F(OptionsTest, TraceTakesExactlyOneOfPeerAndTopic) {
  EXPECT_EQ(AcceptAs<TraceCommand>({"trace", "--id", "00ff"}).request.id(), "00ff");
  EXPECT_EQ(AcceptAs<TraceCommand>({"trace", "--topic", "t"}).request.topic(), "t");
  EXPECT_THAT(Refuse({"trace"}), HasSubstr("exactly one"));
  EXPECT_THAT(Refuse({"trace", "--id", "a", "--topic", "b"}), HasSubstr("exactly one"));
}

TEST_F(OptionsTest, MistakesAreOneLineThatNamesTheHelpToRead) {
  EXPECT_EQ(Refuse({}), "cairn-admin: 'cairn-admin' needs a command; try 'cairn-admin --help'\n");
  EXPECT_EQ(
      Refuse({"peers", "lsit"}),
      "cairn-admin: 'cairn-admin peers' has no command 'lsit'; try 'cairn-admin peers --help'\n");
  EXPECT_THAT(Refuse({"status", "--nonsense"}),
              HasSubstr("--nonsense; try 'cairn-admin status --help'"));
  EXPECT_THAT(Refuse({"peers", "list", "--sort", "size"}),
              HasSubstr("--sort: 'size' is none of id, connected-since"));
  EXPECT_THAT(Refuse({"peers", "show"}), HasSubstr("ID is required"));
  EXPECT_THAT(Refuse({"status", "--tls-cert", "c"}),
              HasSubstr("--tls-cert and --tls-key go together"));
}

TEST_F(OptionsTest, MistakesOfCheckAreUnknownToMonitoring) {
  const ParseResult result = Parse({"check", "--peers-warning", "many"});
  EXPECT_FALSE(result.options);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(out_,
            "CAIRN UNKNOWN - --peers-warning: 'many' is not a range; give one such as 100, 1: or "
            "10:100\n");
  EXPECT_EQ(err_, "");
}

TEST_F(OptionsTest, CheckTakesRangesSizesAndDurations) {
  const Thresholds thresholds =
      AcceptAs<CheckCommand>({"check", "--peers-warning", "1:", "--memory-critical", "1GiB",
                              "--certificate-warning", "30d"})
          .thresholds;
  EXPECT_EQ(thresholds.peers.warning.text(), "1:");
  EXPECT_EQ(thresholds.memory.critical.text(), "1073741824");
  EXPECT_EQ(thresholds.certificate_warning, absl::Hours(30 * 24));
  EXPECT_EQ(thresholds.certificate_critical, absl::Hours(3 * 24));
}

TEST_F(OptionsTest, NoLineOfAnyHelpIsWiderThan80Columns) {
  const auto check = [this](const std::vector<std::string>& path) {
    std::vector<std::string> arguments = path;
    arguments.push_back("--help");
    Parse(arguments);
    std::istringstream lines(out_);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  };
  check({});
  for (const CommandTree& command : DescribeCommandLine().commands) {
    check({command.name});
    for (const CommandTree& sub : command.commands) check({command.name, sub.name});
  }
}

}  // namespace
}  // namespace cairn::admin
