// OptionsTest: command lines and variables, parsed as by cairn-signal.
#ifndef CAIRN_TESTS_SUPPORT_OPTIONS_FIXTURE_H_
#define CAIRN_TESTS_SUPPORT_OPTIONS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "server/options.h"

namespace cairn::server {

// Collects what is written to a stream during its life.
class Captured {
 public:
  explicit Captured(std::ostream& stream) : stream_(stream), before_(stream.rdbuf(text_.rdbuf())) {}
  ~Captured() { stream_.rdbuf(before_); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  std::string text() const { return text_.str(); }

 private:
  std::ostream& stream_;
  std::ostringstream text_;
  std::streambuf* const before_;
};

struct Parsed {
  ParseResult result;
  std::string out;
  std::string err;
  std::vector<std::string> argv;  // after parsing
};

class OptionsTest : public testing::Test {
 protected:
  // Removes environment variables of the machine and of other tests.
  OptionsTest() {
    for (char** variable = environ; *variable; ++variable) {
      const std::string text = *variable;
      if (text.rfind("CAIRN_", 0) == 0) names_.push_back(text.substr(0, text.find('=')));
    }
    for (const std::string& name : names_) ::unsetenv(name.c_str());
  }
  ~OptionsTest() override {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
  }

  void Set(const std::string& name, const std::string& value) {
    names_.push_back("CAIRN_SIGNAL_" + name);
    ASSERT_EQ(::setenv(names_.back().c_str(), value.c_str(), 1), 0);
  }
  static Parsed Parse(const std::vector<std::string>& arguments) {
    Parsed parsed;
    parsed.argv = arguments;
    parsed.argv.insert(parsed.argv.begin(), "cairn-signal");
    std::vector<char*> argv;
    for (std::string& argument : parsed.argv) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const Captured out(std::cout), err(std::cerr);
    parsed.result = ParseOptions(static_cast<int>(parsed.argv.size()), argv.data());
    parsed.out = out.text();
    parsed.err = err.text();
    return parsed;
  }
  static Options Good(const std::vector<std::string>& arguments) {
    const Parsed parsed = Parse(arguments);
    EXPECT_EQ(parsed.err, "");
    EXPECT_EQ(parsed.result.exit_code, 0);
    EXPECT_TRUE(parsed.result.options.has_value());
    return parsed.result.options.value_or(Options());
  }
  // The first line of stderr, which names the mistake. The usage follows it.
  static std::string Mistake(const std::vector<std::string>& arguments) {
    const Parsed parsed = Parse(arguments);
    EXPECT_FALSE(parsed.result.options.has_value()) << testing::PrintToString(arguments);
    EXPECT_EQ(parsed.result.exit_code, 2);
    EXPECT_EQ(parsed.out, "");
    EXPECT_THAT(parsed.err, testing::AllOf(testing::StartsWith("error: "),
                                           testing::HasSubstr("Usage: cairn-signal")));
    return parsed.err.substr(0, parsed.err.find('\n'));
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace cairn::server

#endif  // CAIRN_TESTS_SUPPORT_OPTIONS_FIXTURE_H_
