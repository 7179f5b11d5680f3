#!/usr/bin/env python3
"""As mutations.py, for the rules of docs/MESH.md and the simulation of several cores.

  mesh_mutations.py BUILD_DIR [NAME...]       those, or all
  mesh_mutations.py BUILD_DIR --some COUNT    so many, others with each commit: what CTest runs
"""
import sys

import mutations

MESH = ["core/mesh.cc", "core/mesh_members.cc", "core/mesh_interest.cc", "core/mesh_elsewhere.cc", "core/mesh_lanes.cc", "core/mesh_places.cc",
        "core/mesh_records.cc", "core/mesh_relays.cc"]

mutations.SIMULATION = "mesh_sim_test"
mutations.FIRST = 1
mutations.MUTATIONS = {
    "M1: a link goes on with a core that has forgotten it":
        ("core/mesh_link.h", [("if (known_) return Receipt::kNewLink;", "")], MESH),
    "M2: a gap is not asked for, and what comes after it is handled":
        ("core/mesh_link.h", [("message.number() > link_.received() + 1", "false")], MESH),
    "M2: what is not acknowledged is never sent again":
        ("core/mesh_link.h", [("    wait_ = std::min(2 * wait_, kMaxWait);\n    Rewind(now);", "    wait_ = kMaxWait;")], MESH),
    "M3: what a lane's last core has not settled does not follow it":
        ("core/mesh_elsewhere.cc", [("std::vector<MeshRelay> residue = Residue(id, state.believed, state.arriving);",
                                 "std::vector<MeshRelay> residue;")], None),
    "M3: what this core kept for a lane is not delivered when it comes":
        ("core/mesh_lanes.cc", [("    relays = Residue(lane.id, state.believed, MeshInterest::kHere);", "")], None),
    "M4: what follows a lane is not sorted":
        ("core/mesh_places.cc", [("return key(a) < key(b);", "return key(a) > key(b);")], None),
    "M5: a lane gets relays of a core that has not found it yet":
        ("core/mesh_relays.cc", [("moving != moving_.end() && moving->second.unaware.contains(from.id);",
                                  "false && from.id == 0;")], None),
    "M6: a core settles relays for a lane that has gone":
        ("core/mesh_relays.cc", [("    moving.tags[from.id].push_back(item.tag);\n    ++held;", "")], None),
    "M7: late words of a sender's last core are taken":
        ("core/mesh_relays.cc", [("sender->second.source != from.id", "false")], None),
    "M8: an older stream of a lane takes it back":
        ("core/mesh_elsewhere.cc", [("  if (item.session() < lanes_[id].session) return;", "")], None),
    "M8: what a lane has not acknowledged is forgotten when it goes":
        ("core/mesh_lanes.cc", [("Send(*kept, owed, HashTopic(relay.topic), relay,",
                                "for (host_.relays.Settle(owed); false;) Send(*kept, owed, HashTopic(relay.topic), relay,")], None),
    "M9: a subscription is answered at once":
        ("core/mesh_interest.cc", [("if (wants_answer && !member->absent(now_))", "if (false)")], None),
    "M10: what was held back for a lane is not settled when its core has found it":
        ("core/mesh_elsewhere.cc", [("for (const uint64_t tag : tags->second) from.incoming.Settle(tag);", "")], None),
    "M10: a core says FOUND only to those that it knows":
        ("core/mesh_members.cc", [("    if (HasFound(id, lane)) TellFound(member, id, lane.session, false);", "")], None),
    "M11: a core that joins does not hear of lanes at third cores":
        ("core/mesh.cc", [("      OnAway(member, item);", "")], None),
    "M12: a lane that has left is forgotten at once":
        ("core/mesh_elsewhere.cc", [("item.missed() ? Lose(item.lane()) : RememberGone(item.lane());",
                                 "item.missed() ? Lose(item.lane()) : static_cast<void>(lanes_.erase(lane));")], None),
    "M13: a record stays at the core of its publisher":
        ("core/mesh_records.cc", [("  if (!record.ParseFromString(item.record())) return;", "  return;")], None),
    "M13: a core that joins is not told the records":
        ("core/mesh_members.cc", [("  TellRecords(member);", "")], None),
    "a lane that was given up elsewhere is not told":
        ("core/mesh_lanes.cc", [("item.set_missed(missed);", "item.set_missed(false);")], None),
    "a core that joins takes lanes at once":
        ("core/mesh_members.cc", [("ready_ = now - reached_ >=", "ready_ = true || now - reached_ >=")], None),
    "a relay is settled when another core has it":
        ("core/mesh_relays.cc", [("  from.incoming.Routed(item.tag, targets);\n}", "  from.incoming.Routed(item.tag, 0);\n}")], None),
}
mutations.MUTATIONS["cores that have served apart do not say so"] = (
    "core/mesh_elsewhere.cc", [("  if (apart) Lose(id);\n", "")], None)
mutations.UNIT_TESTS = {
    "cores that have served apart do not say so": "CoresThatServedApart.LanesOfTheOtherHaveMissedRelays",
}
# Caught by one of the first seeds.
mutations.IN_TESTS = [
    "M3: what a lane's last core has not settled does not follow it",
    "M5: a lane gets relays of a core that has not found it yet",
    "M6: a core settles relays for a lane that has gone",
    "M7: late words of a sender's last core are taken",
    "M9: a subscription is answered at once",
    "M13: a record stays at the core of its publisher",
]

if __name__ == "__main__":
    sys.exit(mutations.main())
