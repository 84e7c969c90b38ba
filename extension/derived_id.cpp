#include "extension/derived_id.h"

#include "extension/digest.h"

#include <algorithm>

namespace postlude::extension {
namespace {

/// In hexadecimal.
constexpr std::size_t kHashBytes = 32;

}  // namespace

Result<std::string> derived_id(std::string_view task_id, const IdRules& rules) {
  const auto allowed = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           rules.punctuation.find(c) != std::string_view::npos;
  };
  if (!task_id.empty() && task_id.size() <= rules.most_bytes &&
      std::all_of(task_id.begin(), task_id.end(), allowed)) {
    return std::string(task_id);
  }
  const auto hash = sha256(task_id);
  if (!hash) {
    return tl::unexpected(hash.error());
  }
  std::string id(task_id.substr(0, rules.most_bytes - kHashBytes - 1));
  std::replace_if(
      id.begin(), id.end(), [&](char c) { return !allowed(c); }, '-');
  return id + "-" + to_hex(*hash).substr(0, kHashBytes);
}

}  // namespace postlude::extension
