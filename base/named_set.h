// NamedSet: owns objects and finds them by their `name`, which is stored only in the object.
//
// Thread: its owner's.
// Bounds: 9 bytes for each object and free slot, besides the objects themselves.
#ifndef CAIRN_BASE_NAMED_SET_H_
#define CAIRN_BASE_NAMED_SET_H_

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <memory>
#include <string_view>

namespace cairn {

template <typename T>
struct NamedSetTraits {
  static std::string_view NameOf(std::string_view name) { return name; }
  static std::string_view NameOf(const std::unique_ptr<T>& object) { return object->name; }

  struct Hash {
    using is_transparent = void;
    template <typename Key>
    size_t operator()(const Key& key) const {
      const std::string_view name = NameOf(key);
      return absl::Hash<absl::string_view>()(absl::string_view(name.data(), name.size()));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return NameOf(a) == NameOf(b);
    }
  };
};

template <typename T>
using NamedSet = absl::flat_hash_set<std::unique_ptr<T>, typename NamedSetTraits<T>::Hash,
                                     typename NamedSetTraits<T>::Equal>;

}  // namespace cairn

#endif  // CAIRN_BASE_NAMED_SET_H_
