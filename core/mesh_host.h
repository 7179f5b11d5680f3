// MeshHost: the parts of the router that its mesh uses: they alone handle relays, notices and lanes
// of this core.
//
// Owner:  Router.
// Thread: the router's.
#ifndef CAIRN_CORE_MESH_HOST_H_
#define CAIRN_CORE_MESH_HOST_H_

namespace cairn::core {

class Directory;
class Lanes;
class Presence;
class PublishedRecords;
class Recovery;
class Relays;
struct Turn;

// All must outlive the mesh.
struct MeshHost {
  const Turn& turn;
  Directory& directory;
  Relays& relays;
  Presence& presence;
  PublishedRecords& records;
  Recovery& recovery;
  Lanes& lanes;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_MESH_HOST_H_
