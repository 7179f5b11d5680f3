// Records for a RecordStore, and its answers to queries.
#ifndef CAIRN_TESTS_SUPPORT_STORED_RECORDS_H_
#define CAIRN_TESTS_SUPPORT_STORED_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/record_store.h"

namespace cairn::core {

inline constexpr int64_t kTtlUs = 1000;
inline constexpr uint64_t kNobody = 0;

inline signaling::v1::Record From(uint64_t connection, const std::string& blob,
                                  const std::string& peer_id = "", int64_t ttl_us = kTtlUs) {
  signaling::v1::Record record;
  record.set_connection(connection);
  record.set_peer_id(peer_id);
  record.set_blob(blob);
  record.set_ttl_us(ttl_us);
  return record;
}

inline signaling::v1::Record At(const std::string& source, uint64_t connection,
                                const std::string& blob, const std::string& peer_id = "") {
  signaling::v1::Record record = From(connection, blob, peer_id);
  record.set_source(source);
  return record;
}

// The blobs of the records that `asking` gets, newest first.
inline std::vector<std::string> Told(const RecordStore& store, std::string_view topic,
                                     uint64_t asking = kNobody) {
  google::protobuf::RepeatedPtrField<signaling::v1::Record> records;
  store.Collect(topic, asking, SIZE_MAX, &records);
  std::vector<std::string> blobs;
  for (const signaling::v1::Record& record : records) blobs.push_back(record.blob());
  return blobs;
}

}  // namespace cairn::core

#endif  // CAIRN_TESTS_SUPPORT_STORED_RECORDS_H_
