#include "base/log_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cairn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kServer[] = "cairn_signal";
constexpr char kEdge[] = "cairn_signal::edge";
constexpr char kCore[] = "cairn_signal::core";

LogLevel Level(std::string_view directives, std::string_view module) {
  const LogFilter filter = LogFilter::Parse(directives);
  EXPECT_THAT(filter.rejected(), IsEmpty()) << directives;
  return filter.LevelFor(module);
}

TEST(LogFilter, NothingMeansInfo) {
  EXPECT_EQ(LogFilter().LevelFor(kEdge), LogLevel::kInfo);
  EXPECT_EQ(Level("", kEdge), LogLevel::kInfo);
  EXPECT_EQ(Level(" , ,", kEdge), LogLevel::kInfo);
  EXPECT_EQ(LogFilter::Parse("").text(), "info");
}

TEST(LogFilter, ALevelAloneIsForEveryModule) {
  EXPECT_EQ(Level("trace", kServer), LogLevel::kTrace);
  EXPECT_EQ(Level("debug", kEdge), LogLevel::kDebug);
  EXPECT_EQ(Level("info", kCore), LogLevel::kInfo);
  EXPECT_EQ(Level("warn", kServer), LogLevel::kWarn);
  EXPECT_EQ(Level("error", kServer), LogLevel::kError);
  EXPECT_EQ(Level("off", kServer), LogLevel::kOff);
}

TEST(LogFilter, LevelsAreReadInAnyCaseAndWithBlanksAround) {
  EXPECT_EQ(Level(" WARN ", kServer), LogLevel::kWarn);
  EXPECT_EQ(Level("error, cairn_signal::edge=Debug ", kEdge), LogLevel::kDebug);
}

TEST(LogFilter, ADirectiveIsForItsModuleAndThoseBelow) {
  EXPECT_EQ(Level("warn,cairn_signal=debug", kServer), LogLevel::kDebug);
  EXPECT_EQ(Level("warn,cairn_signal=debug", kEdge), LogLevel::kDebug);
  EXPECT_EQ(Level("cairn_signal::edge=trace", kServer), LogLevel::kInfo);
  EXPECT_EQ(Level("cairn_signal::edge=trace", kCore), LogLevel::kInfo);
  EXPECT_EQ(Level("cairn_signal::edge=trace", "cairn_signal::edge::lane"), LogLevel::kTrace);
}

TEST(LogFilter, ANameThatMerelyBeginsAlikeIsNotBelow) {
  EXPECT_EQ(Level("cairn_signal=debug", "cairn_signals"), LogLevel::kInfo);
  EXPECT_EQ(Level("cairn=debug", kServer), LogLevel::kInfo);
  EXPECT_EQ(Level("cairn_signal::ed=debug", kEdge), LogLevel::kInfo);
}

TEST(LogFilter, TheLongestModuleDecidesWhateverTheOrder) {
  for (const char* directives : {"error,cairn_signal=off,cairn_signal::edge=debug",
                                 "cairn_signal::edge=debug,cairn_signal=off,error"}) {
    EXPECT_EQ(Level(directives, kEdge), LogLevel::kDebug) << directives;
    EXPECT_EQ(Level(directives, kCore), LogLevel::kOff) << directives;
    EXPECT_EQ(Level(directives, "tonic"), LogLevel::kError) << directives;
  }
}

TEST(LogFilter, TheLastOfTwoEqualDirectivesDecides) {
  EXPECT_EQ(Level("cairn_signal=warn,cairn_signal=debug", kServer), LogLevel::kDebug);
  EXPECT_EQ(Level("warn,debug", kServer), LogLevel::kDebug);
}

TEST(LogFilter, OneModuleCanBeTurnedOff) {
  EXPECT_EQ(Level("cairn_signal::core=off", kCore), LogLevel::kOff);
  EXPECT_EQ(Level("cairn_signal::core=off", kEdge), LogLevel::kInfo);
}

TEST(LogFilter, AModuleAloneMeansTrace) {
  EXPECT_EQ(Level("cairn_signal::edge", kEdge), LogLevel::kTrace);
  EXPECT_EQ(Level("cairn_signal::edge", kServer), LogLevel::kInfo);
}

TEST(LogFilter, InvalidDirectivesAreCollectedAndTheOthersApply) {
  const LogFilter filter = LogFilter::Parse(
      "warn,cairn_signal=loud,=debug,cairn signal=info,a=b=debug,x[y]=info,"
      "cairn_signal::edge=,cairn_signal::core=error");
  EXPECT_THAT(filter.rejected(), ElementsAre("cairn_signal=loud", "=debug", "cairn signal=info",
                                             "a=b=debug", "x[y]=info", "cairn_signal::edge="));
  EXPECT_EQ(filter.LevelFor(kServer), LogLevel::kWarn);
  EXPECT_EQ(filter.LevelFor(kEdge), LogLevel::kWarn);
  EXPECT_EQ(filter.LevelFor(kCore), LogLevel::kError);
}

TEST(LogFilter, DirectivesWithoutEffectAreNamed) {
  const auto unknown = [](std::string_view directives) {
    return LogFilter::Parse(directives).Unknown({kServer, kEdge, kCore});
  };
  EXPECT_THAT(unknown("debug,cairn_signal=warn,cairn_signal::edge"), IsEmpty());
  EXPECT_THAT(unknown("inof"), ElementsAre("inof"));
  EXPECT_THAT(unknown("info, core=debug ,hyper=off"), ElementsAre("core=debug", "hyper=off"));
  EXPECT_THAT(unknown("cairn=debug,cairn_signal::edge::lane=info"),
              ElementsAre("cairn=debug", "cairn_signal::edge::lane=info"));
}

TEST(LogFilter, RemembersItsText) {
  EXPECT_EQ(LogFilter::Parse("warn,cairn_signal=loud").text(), "warn,cairn_signal=loud");
}

}  // namespace
}  // namespace cairn
