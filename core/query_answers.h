// QueryAnswers: answers queries with the records of their topic, a few at a time; a query without a
// record waits for one.
//
// Lanes are served round-robin, and so are the peers of each (OwedAnswers). A lane that does not
// acknowledge gets no answers until it has.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: kCostPerTurn of answers for one input, kWindow of a lane's unacknowledged cost; HeldQueries
//         and OwedAnswers for queries that wait.
#ifndef CAIRN_CORE_QUERY_ANSWERS_H_
#define CAIRN_CORE_QUERY_ANSWERS_H_

#include <cstddef>
#include <deque>
#include <string>

#include "core/directory.h"
#include "core/held_queries.h"
#include "core/lane_output.h"
#include "core/record_store.h"

namespace cairn::core {

class QueryAnswers {
 public:
  // The cost of the answers that are made during one input; others wait for the next.
  static constexpr size_t kCostPerTurn = 512 << 10;
  // No answers are made for a lane whose unacknowledged cost is above this.
  static constexpr size_t kWindow = 4 << 20;

  // All must outlive this.
  QueryAnswers(const RecordStore& records, Directory& directory, LaneOutput& output)
      : records_(records), directory_(directory), output_(output) {}

  // A new input is handled: as much may be answered again.
  void BeginTurn() { cost_ = 0; }

  // Answers the peer's query in its turn, or lets it wait for a record.
  void Add(PeerRecord& peer, const std::string& topic);
  // The peer no longer waits for the topic.
  void End(PeerRecord& peer, const std::string& topic);
  // There is a new record: the queries that wait for one are answered in their turn.
  void OnRecord(const std::string& topic);
  // Makes answers up to kCostPerTurn; true when that is used up.
  bool Pay();

  // The peer, or the lane, is about to be removed.
  void Forget(PeerRecord& peer);
  void Forget(LaneRecord& lane);

  // Queries that wait for a record.
  size_t held() const { return held_.size(); }

 private:
  static bool CanTake(LaneRecord& lane);
  // The cost of the answer; 0: there is no record to answer with.
  size_t Answer(const PeerRecord& peer, const std::string& topic);

  // Borrowed; must outlive this.
  const RecordStore& records_;
  Directory& directory_;
  LaneOutput& output_;
  // Router thread only.
  HeldQueries held_;
  std::deque<LaneRecord*> owing_;  // lanes with waiting answers, the next one first
  size_t cost_ = 0;                // of this turn
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_QUERY_ANSWERS_H_
