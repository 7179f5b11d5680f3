// Views: peers, topics and edges as rows of tables.
//
// Thread: any; no state.
#ifndef CAIRN_ADMIN_CLI_PRINTING_VIEWS_H_
#define CAIRN_ADMIN_CLI_PRINTING_VIEWS_H_

#include <absl/time/time.h>

#include "admin-cli/printing/table.h"
#include "signaling/v1/admin.pb.h"

namespace cairn::admin {

// The first columns are the ones operators look at first; a narrow terminal shows those and the
// column it is sorted by.
Table PeerTable(bool with_topics, ::cairn::signaling::v1::ListPeersRequest::Sort sorted_by =
                                      ::cairn::signaling::v1::ListPeersRequest::SORT_ID);
void AddRow(const ::cairn::signaling::v1::Peer& peer, absl::Time now, bool with_topics,
            Table& table);

Table ClosedPeerTable();
void AddClosedRow(const ::cairn::signaling::v1::Peer& peer, absl::Time now, Table& table);

Table TopicTable();
void AddRow(const ::cairn::signaling::v1::Topic& topic, absl::Time now, Table& table);

Table EdgeTable();
void AddRow(const ::cairn::signaling::v1::EdgeInfo& edge, absl::Time now, Table& table);

// Core: this one's own answer if there is one, and how the core that was asked reaches it.
Table CoreTable();
void AddRow(const ::cairn::signaling::v1::CoreInfo& core, absl::Time now, Table& table);

// The time from then until `now`, as "3m12s"; "-" for 0.
std::string Since(int64_t time_us, absl::Time now);
// "412us"; "-" for 0.
std::string RoundTrip(int64_t rtt_us);
// "ends in 61d04h", in a tone that shows its urgency; "none" for 0.
Cell CertificateEnd(int64_t not_after_us, absl::Time now);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_VIEWS_H_
