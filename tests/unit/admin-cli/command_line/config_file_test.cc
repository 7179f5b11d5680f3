#include "admin-cli/command_line/config_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cairn::admin {
namespace {

absl::StatusOr<std::vector<ConfigEntry>> Read(const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("cairn-config-" + std::to_string(getpid()));
  std::ofstream(path) << text;
  absl::StatusOr<std::vector<ConfigEntry>> entries = ReadConfigFile(path);
  std::filesystem::remove(path);
  return entries;
}

TEST(ConfigFileTest, ValuesAreStringsNumbersAndBooleans) {
  const auto entries = Read(
      "# comment\n"
      "core = \"unix:/run/cairn/core\"  # another\n"
      "  token-file='C:\\x'\n"
      "timeout = 2.5\r\n"
      "\n"
      "wide = true\n");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ((*entries)[0].key, "core");
  EXPECT_EQ((*entries)[0].value, "unix:/run/cairn/core");
  EXPECT_EQ((*entries)[0].line, 2);
  EXPECT_EQ((*entries)[1].value, "C:\\x");
  EXPECT_EQ((*entries)[2].value, "2.5");
  EXPECT_EQ((*entries)[3].value, "true");
}

TEST(ConfigFileTest, TokensMayHaveHashesCommasAndQuotes) {
  const auto entries = Read("token = \"a#b, c\\\"d\\\\\"\n");
  ASSERT_TRUE(entries.ok()) << entries.status();
  EXPECT_EQ((*entries)[0].value, "a#b, c\"d\\");
}

TEST(ConfigFileTest, UnderscoresAreDashes) {
  EXPECT_EQ((*Read("tls_server_name = \"x\"\n"))[0].key, "tls-server-name");
}

TEST(ConfigFileTest, LinesThatCannotBeReadAreNamed) {
  for (const char* line : {"core", "core =", "= 1", "core = abc", "core = \"abc", "core = \"a\" b",
                           "[section]", "a.b = 1", "core = \"\\n\"", "CORE = 1"}) {
    const auto entries = Read(std::string("wide = true\n") + line + "\n");
    ASSERT_FALSE(entries.ok()) << line;
    EXPECT_NE(std::string(entries.status().message()).find("line 2 cannot be read"),
              std::string::npos)
        << line;
  }
}

TEST(ConfigFileTest, NoFileIsNotFoundAndADirectoryIsAnError) {
  EXPECT_TRUE(absl::IsNotFound(ReadConfigFile("/nonexistent/admin.toml").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadConfigFile("/tmp").status()));
}

TEST(ConfigFileTest, TheUsualPlaceIsUnderXdgConfigHomeElseUnderHome) {
  setenv("HOME", "/home/op", 1);
  setenv("XDG_CONFIG_HOME", "/etc/xdg-op", 1);
  EXPECT_EQ(DefaultConfigPath(), "/etc/xdg-op/cairn/admin.toml");
  setenv("XDG_CONFIG_HOME", "relative", 1);
  EXPECT_EQ(DefaultConfigPath(), "/home/op/.config/cairn/admin.toml");
  unsetenv("XDG_CONFIG_HOME");
  EXPECT_EQ(DefaultConfigPath(), "/home/op/.config/cairn/admin.toml");
  unsetenv("HOME");
  EXPECT_EQ(DefaultConfigPath(), "");
}

}  // namespace
}  // namespace cairn::admin
