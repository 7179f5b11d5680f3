// NamedSet: owns objects and finds them by their name, which is stored only once, behind the object
// in the same block of memory.
//
// Thread: its owner's.
// Bounds: 9 bytes for each object and free slot, besides the objects themselves.
#ifndef CAIRN_BASE_NAMED_SET_H_
#define CAIRN_BASE_NAMED_SET_H_

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace cairn {

// The base of a T that a NamedSet<T> owns. REQUIRES: T is final.
template <typename T>
class Named {
 public:
  // REQUIRES: the name is shorter than 4 GiB.
  static std::unique_ptr<T> New(std::string_view name) {
    void* const block = ::operator new(sizeof(T) + name.size());
    std::unique_ptr<T> object(new (block) T);
    object->name_bytes_ = static_cast<uint32_t>(name.size());
    if (!name.empty()) std::memcpy(object->name_begin(), name.data(), name.size());
    return object;
  }
  // The block is larger than a T.
  static void operator delete(void* block) { ::operator delete(block); }
  static void* operator new(size_t bytes) = delete;

  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;

  // Valid as long as the object.
  std::string_view name() const {
    return {reinterpret_cast<const char*>(static_cast<const T*>(this) + 1), name_bytes_};
  }

 protected:
  Named() = default;
  ~Named() = default;

 private:
  static void* operator new(size_t, void* block) { return block; }
  char* name_begin() { return reinterpret_cast<char*>(static_cast<T*>(this) + 1); }

  uint32_t name_bytes_ = 0;
};

template <typename T>
struct NamedSetTraits {
  static std::string_view NameOf(std::string_view name) { return name; }
  static std::string_view NameOf(const std::unique_ptr<T>& object) { return object->name(); }

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

// The order of names, for sets of pointers to such objects.
template <typename T>
struct NamedBefore {
  using is_transparent = void;
  static std::string_view NameOf(std::string_view name) { return name; }
  static std::string_view NameOf(const T* object) { return object->name(); }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return NameOf(a) < NameOf(b);
  }
};

}  // namespace cairn

#endif  // CAIRN_BASE_NAMED_SET_H_
