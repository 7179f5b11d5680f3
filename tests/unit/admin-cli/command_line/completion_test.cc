#include "admin-cli/command_line/completion.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "admin-cli/command_line/options.h"

namespace cairn::admin {
namespace {

std::string OutputOf(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  std::array<char, 4096> buffer;
  while (fgets(buffer.data(), buffer.size(), pipe.get())) output += buffer.data();
  return output;
}

// What bash offers after these words, the last of them being typed.
std::set<std::string> BashOffers(const std::vector<std::string>& words) {
  const std::filesystem::path script =
      std::filesystem::temp_directory_path() / ("cairn-completion-" + std::to_string(getpid()));
  std::ofstream file(script);
  file << BashCompletion(DescribeCommandLine()) << "COMP_WORDS=(";
  for (const std::string& word : words) file << ShellQuote(word) << " ";
  file << ")\nCOMP_CWORD=" << words.size() - 1
       << "\n_cairn_admin\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  file.close();
  std::istringstream lines(OutputOf("bash --norc " + script.string() + " 2>&1"));
  std::filesystem::remove(script);
  std::set<std::string> offers;
  for (std::string line; std::getline(lines, line);) offers.insert(line);
  return offers;
}

using Offers = std::set<std::string>;

TEST(BashCompletionTest, CommandsAreOfferedWhereTheyAreAllowed) {
  EXPECT_EQ(BashOffers({"cairn-admin", "pe"}), Offers{"peers"});
  EXPECT_EQ(BashOffers({"cairn-admin", "peers", ""}),
            (Offers{"list", "show", "kick", "-h", "--help"}));
  EXPECT_EQ(BashOffers({"cairn-admin", "--core", "peers", "topics", "s"}), Offers{"show"});
  EXPECT_EQ(BashOffers({"cairn-admin", "--core", "=", "peers", "topics", "s"}), Offers{"show"});
}

TEST(BashCompletionTest, OptionsAreThoseOfTheCommandAndTheGlobalOnes) {
  const Offers offers = BashOffers({"cairn-admin", "peers", "list", "--t"});
  EXPECT_EQ(offers, (Offers{"--token", "--token-file", "--tls-ca", "--tls-cert", "--tls-key",
                            "--tls-server-name", "--timeout", "--topic", "--topics"}));
}

TEST(BashCompletionTest, ValuesAreOfferedWhereTheyAreKnown) {
  EXPECT_EQ(BashOffers({"cairn-admin", "topics", "list", "--sort", ""}),
            (Offers{"name", "subscribers", "rate", "relays"}));
  EXPECT_EQ(BashOffers({"cairn-admin", "topics", "list", "--sort", "=", "r"}),
            (Offers{"rate", "relays"}));
  EXPECT_EQ(BashOffers({"cairn-admin", "topics", "list", "--sort", "="}),
            (Offers{"name", "subscribers", "rate", "relays"}));
  EXPECT_EQ(BashOffers({"cairn-admin", "peers", "list", "-o", ""}), (Offers{"table", "json"}));
  EXPECT_EQ(BashOffers({"cairn-admin", "completion", "z"}), Offers{"zsh"});
  EXPECT_EQ(BashOffers({"cairn-admin", "--core", ""}), Offers{""});
}

TEST(CompletionTest, EveryCommandAndOptionIsInEachScript) {
  const CommandTree tree = DescribeCommandLine();
  const std::string bash = BashCompletion(tree);
  const std::string zsh = ZshCompletion(tree);
  const std::string fish = FishCompletion(tree);
  ForEachCommand(tree, [&](const std::string& path, const CommandTree& command) {
    EXPECT_NE(bash.find(path), std::string::npos) << path;
    EXPECT_NE(zsh.find(command.name), std::string::npos) << path;
    EXPECT_NE(fish.find(path), std::string::npos) << path;
    for (const OptionNode& option : command.options) {
      const std::string& name = option.names.back();
      EXPECT_NE(bash.find(name), std::string::npos) << path << " " << name;
      EXPECT_NE(zsh.find(name), std::string::npos) << path << " " << name;
      EXPECT_NE(fish.find("-l " + name.substr(2)), std::string::npos) << path << " " << name;
    }
  });
}

}  // namespace
}  // namespace cairn::admin
