// PublishedRecords: the records that peers have published, and the queries for them.
//
// Owner:  Router.
// Thread: the router's.
// Bounds: RecordStore's and QueryAnswers'.
#ifndef CAIRN_CORE_PUBLISHED_RECORDS_H_
#define CAIRN_CORE_PUBLISHED_RECORDS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "core/directory.h"
#include "core/lane_output.h"
#include "core/query_answers.h"
#include "core/record_store.h"
#include "core/turn.h"
#include "signaling/v1/lane.pb.h"

namespace cairn::core {

class PublishedRecords {
 public:
  // All must outlive this.
  PublishedRecords(Directory& directory, LaneOutput& output, const Turn& turn)
      : turn_(turn), answers_(store_, directory, output) {}

  // A peer of the lane has published the record, at this core or another.
  void Add(const std::string& topic, signaling::v1::Record record, RecordStore::Said said,
           uint64_t lane_id) {
    store_.Put(topic, std::move(record), turn_.steady_us, said, lane_id);
    answers_.OnRecord(topic);
    // As far as the turn allows, including this record: a later one of its publisher replaces it.
    answers_.Pay();
  }
  void Query(PeerRecord& peer, const signaling::v1::LaneEvent& event) {
    peer.max_answer_bytes = event.max_answer_bytes();
    store_.Expire(turn_.steady_us);
    answers_.Add(peer, event.topic());
  }
  void Expire() { store_.Expire(turn_.steady_us); }

  const RecordStore& store() const { return store_; }
  QueryAnswers& answers() { return answers_; }
  const QueryAnswers& answers() const { return answers_; }

 private:
  const Turn& turn_;  // borrowed
  RecordStore store_;
  QueryAnswers answers_;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_PUBLISHED_RECORDS_H_
