#include "core/passed_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace cairn::core {
namespace {

using signaling::v1::Hello;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr uint64_t kThisCore = 9999;
// The earlier cores: kB has heard of kA.
constexpr uint64_t kA = 100;
constexpr uint64_t kB = 200;

struct Known {
  uint64_t core;
  uint64_t version;
  std::initializer_list<uint64_t> lanes;
  bool complete = true;
};

Hello HelloOf(uint64_t lane, const Known& known) {
  Hello hello;
  hello.set_lane_id(lane);
  for (const uint64_t id : known.lanes) hello.mutable_roster()->add_lanes(id);
  hello.mutable_roster()->set_complete(known.complete);
  signaling::v1::RosterStamp* stamp = hello.mutable_roster()->mutable_stamp();
  stamp->set_core_id(known.core);
  stamp->set_version(known.version);
  if (known.core == kB) stamp->add_earlier_cores(kA);
  *hello.mutable_told() = *stamp;
  return hello;
}

class PassedOverTest : public testing::Test {
 protected:
  // A lane that knew the core.
  void Return(uint64_t lane, const Known& known) { lanes_.OnHello(HelloOf(lane, known), true); }

  PassedOver lanes_{kThisCore};
};

TEST_F(PassedOverTest, AreNoneWhenAllComeFromOneCore) {
  Return(1, {kA, 3, {1, 2}});
  Return(2, {kA, 3, {1, 2}});
  EXPECT_THAT(lanes_.Take(), IsEmpty());
}

TEST_F(PassedOverTest, IsALaneThatACoreBetweenDidNotKnowInEveryOrderOfReturn) {
  Return(1, {kB, 1, {1, 3}});
  Return(2, {kA, 9, {1, 2, 3}});
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(2));
  EXPECT_THAT(lanes_.Take(), IsEmpty()) << "it is told once";
  PassedOver other(kThisCore);
  other.OnHello(HelloOf(2, {kA, 9, {1, 2, 3}}), true);
  other.OnHello(HelloOf(1, {kB, 1, {1, 3}}), true);
  EXPECT_THAT(other.Take(), UnorderedElementsAre(2));
}

TEST_F(PassedOverTest, IsALaneThatTheCoreHasGivenUpSince) {
  Return(1, {kA, 5, {1}});
  Return(2, {kA, 3, {1, 2}});
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(2));
}

TEST_F(PassedOverTest, IsNotALaneThatKnowsTheCoresRosterAsWellOrBetter) {
  Return(1, {kA, 5, {1}});
  Return(2, {kA, 6, {1, 2}});
  EXPECT_THAT(lanes_.Take(), IsEmpty()) << "it came when the other had not been told yet";
}

TEST_F(PassedOverTest, IsNotDecidedByAnOlderRoster) {
  Return(1, {kA, 6, {1, 2}});
  Return(3, {kA, 5, {1, 3}});
  Return(2, {kB, 1, {1, 2, 3}});
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(3)) << "not in the newer one";
}

TEST_F(PassedOverTest, IsNotALaneThatACoreStillWaitedFor) {
  Return(1, {kA, 9, {1, 2, 3}, false});
  Return(2, {kA, 9, {1, 2}});
  EXPECT_THAT(lanes_.Take(), IsEmpty());
}

TEST_F(PassedOverTest, IsALaneThatIsInTheRosterWithALinkThatItHasNeverHeardOf) {
  const auto hello_of = [](uint64_t lane, const Known& known, uint64_t core, uint64_t link) {
    Hello hello = HelloOf(lane, known);
    hello.set_core_id(core);
    hello.set_link(link);
    return hello;
  };
  Hello one = hello_of(1, {kB, 5, {1, 2, 3, 4, 5}}, kB, 11);
  for (const uint64_t link : {11u, 12u, 13u, 14u, 0u}) one.mutable_roster()->add_links(link);
  lanes_.OnHello(one, true);
  lanes_.OnHello(hello_of(2, {kB, 4, {1, 2}}, kB, 12), true);
  lanes_.OnHello(hello_of(3, {kB, 4, {1, 3}}, kB, 9), true);
  lanes_.OnHello(hello_of(4, {kA, 9, {1, 4}}, kA, 14), true);
  lanes_.OnHello(hello_of(5, {kA, 9, {1, 5}}, kA, 15), true);
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(3, 4))
      << "3 was given up since, 4 has not heard of that core, of 5 the core knew no link";
}

// A core that hears of new lanes only has not heard of those before it.
TEST_F(PassedOverTest, IsALaneOfACoreThatTheOtherCoreHasNeverHeardOf) {
  constexpr uint64_t kUnaware = 300;
  Return(1, {kB, 3, {1, 3}});
  Return(2, {kUnaware, 3, {2, 3}});
  Return(3, {kUnaware, 3, {2, 3}});
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(1, 2));
}

// Two cores behind one name, between which lanes change.
TEST_F(PassedOverTest, IsALaneOfACoreWhenBothHaveHeardOfEachOther) {
  Hello one = HelloOf(1, {kA, 3, {1}});
  one.mutable_told()->add_earlier_cores(kB);
  one.mutable_roster()->mutable_stamp()->add_earlier_cores(kB);
  lanes_.OnHello(one, true);
  Return(2, {kB, 3, {2}});
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(1, 2));
}

TEST_F(PassedOverTest, IsNotALaneThatIsNew) {
  Return(1, {kA, 9, {1}});
  lanes_.OnHello(HelloOf(2, {}), false);
  EXPECT_THAT(lanes_.Take(), IsEmpty());
}

TEST_F(PassedOverTest, MayComeLater) {
  Return(1, {kB, 1, {1, 3}});
  EXPECT_THAT(lanes_.Take(), IsEmpty());
  Return(2, {kA, 9, {1, 2, 3}});
  Return(3, {kA, 9, {1, 2, 3}});
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(2));
}

TEST_F(PassedOverTest, MayBeKnownOnlyWhenAnotherComes) {
  Return(2, {kA, 9, {2}});
  EXPECT_THAT(lanes_.Take(), IsEmpty());
  Return(1, {kB, 1, {1}});
  EXPECT_THAT(lanes_.Take(), UnorderedElementsAre(2));
  Return(3, {kB, 2, {1, 3}});
  EXPECT_THAT(lanes_.Take(), IsEmpty()) << "it has been told";
}

TEST_F(PassedOverTest, IsNotALaneThatHasLeftOrWasToldAnyway) {
  Return(1, {kB, 1, {1}});
  Return(2, {kA, 9, {1, 2, 3}});
  Return(3, {kA, 9, {1, 2, 3}});
  lanes_.OnGone(2);
  lanes_.OnTold(3);
  EXPECT_THAT(lanes_.Take(), IsEmpty());
}

TEST_F(PassedOverTest, IsLookedForInTheRostersOfTheFirstCoresOnly) {
  for (uint64_t core = 1; core <= 16; ++core) Return(core, {core, 1, {1000}});
  Return(1000, {0, 0, {}, false});
  Return(1001, {17, 1, {}});
  EXPECT_FALSE(lanes_.Take().contains(1000));
  Return(1002, {1, 2, {}});
  EXPECT_TRUE(lanes_.Take().contains(1000)) << "a newer roster of one of them";
}

// ---- the order of cores

using EarlierCoresTest = PassedOverTest;

TEST_F(EarlierCoresTest, AreThoseThatALaneHasHeardOfInAnyWay) {
  Hello hello = HelloOf(1, {2, 1, {1}});
  hello.mutable_roster()->mutable_stamp()->add_earlier_cores(1);
  hello.mutable_told()->set_core_id(4);
  hello.mutable_told()->add_earlier_cores(3);
  hello.add_earlier_cores(5);
  hello.set_core_id(6);
  lanes_.OnHello(hello, true);
  EXPECT_THAT(lanes_.earlier(), ElementsAre(1, 2, 3, 4, 5, 6));
  lanes_.OnHello(hello, true);
  EXPECT_THAT(lanes_.earlier(), SizeIs(6)) << "each once";
}

TEST_F(EarlierCoresTest, AreNeitherThisCoreNorWhatNewLanesSay) {
  Hello hello = HelloOf(1, {kA, 1, {1}});
  lanes_.OnHello(hello, false);
  EXPECT_THAT(lanes_.earlier(), IsEmpty());
  hello.add_earlier_cores(kThisCore);
  lanes_.OnHello(hello, true);
  EXPECT_THAT(lanes_.earlier(), ElementsAre(kA));
}

TEST_F(EarlierCoresTest, AreTheLatestThirtyTwo) {
  Hello hello = HelloOf(1, {});
  for (uint64_t core = 1; core <= 1000; ++core) hello.add_earlier_cores(core);
  lanes_.OnHello(hello, true);
  EXPECT_THAT(lanes_.earlier(), AllOf(SizeIs(32), Contains(1000), Not(Contains(968))));
}

}  // namespace
}  // namespace cairn::core
