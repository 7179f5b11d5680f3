#!/ usr / bin / env python3
"""As mutations.py, for the rules of docs/MESH.md and the simulation of several cores.

  mesh_mutations.py BUILD_DIR [NAME...]
"""
import sys

import mutations

MESH = ["core/mesh.cc", "core/mesh_lanes.cc", "core/mesh_relays.cc"]

mutations.SIMULATION = "mesh_sim_test"
mutations.MUTATIONS = {
    "a gap is not asked for, and what comes after it is handled":
        ("core/mesh_link.h", [("message.number() > link_.received() + 1", "false")], MESH),
    "what is not acknowledged is never sent again":
        ("core/mesh_link.h", [("    wait_ = std::min(2 * wait_, kMaxWait);\n    Rewind(now);", "    wait_ = kMaxWait;")], MESH),
    "what a lane's last core has not settled does not follow it":
        ("core/mesh_lanes.cc", [("    for (const MeshMember::Open& one : Residue(id, state.believed, state.arriving)) {",
                                 "    for (const MeshMember::Open& one : std::vector<MeshMember::Open>()) {")], None),
    "what this core kept for a lane is not delivered when it comes":
        ("core/mesh_lanes.cc", [("    relays = Residue(lane.id, state.believed, MeshInterest::kHere);", "")], None),
    "what follows a lane is not sorted":
        ("core/mesh_lanes.cc", [("return key(a) < key(b);", "return key(a) > key(b);")], None),
    "a lane gets relays of a core that has not found it yet":
        ("core/mesh_relays.cc", [("moving != moving_.end() && moving->second.unaware.contains(from.id);", "false && from.id == 0;")], None),
    "a core settles relays for a lane that has gone":
        ("core/mesh_relays.cc", [("    moving.tags[from.id].push_back(item.tag());\n    ++targets;", "")], None),
    "late words of a sender's last core are taken":
        ("core/mesh_relays.cc", [("sender->second.core != from.id", "false")], None),
    "a lane that was given up elsewhere is not told":
        ("core/mesh_lanes.cc", [("item.set_missed(missed);", "item.set_missed(false);")], None),
    "an older stream of a lane takes it back":
        ("core/mesh_lanes.cc", [("if (item.session() < known.session) {", "if (false) {")], None),
    "what a lane has not acknowledged is forgotten when it goes":
        ("core/mesh_lanes.cc", [("      Send(*kept, owed, relay, id);", "      host_.Settle(owed);")], None),
    "a core that joins takes lanes at once":
        ("core/mesh.cc", [("ready_ = now - started_ >=", "ready_ = true || now - started_ >=")], None),
    "a relay is settled when another core has it":
        ("core/mesh_relays.cc", [("  from.incoming.Routed(item.tag(), targets);\n}", "  from.incoming.Routed(item.tag(), 0);\n}")], None),
}

if __name__ == "__main__":
    sys.exit(mutations.main())
