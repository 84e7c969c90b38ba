#include "tests/simulation/descriptors.h"

#include <utility>

namespace postlude::simulation {

int Descriptors::open(Entry entry) {
  const int descriptor = next_++;
  entries_.emplace(descriptor, std::move(entry));
  return descriptor;
}

void Descriptors::close(int descriptor) {
  auto entry = entries_.extract(descriptor);
  if (!entry.empty()) {
    entry.mapped().closed();
  }
}

short Descriptors::ready(int descriptor) const {
  const auto entry = entries_.find(descriptor);
  return entry == entries_.end() ? short{0} : entry->second.ready();
}

}  // namespace postlude::simulation
