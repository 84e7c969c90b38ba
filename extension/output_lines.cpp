#include "extension/output_lines.h"

#include "common/log.h"

#include <algorithm>

namespace postlude::extension {

void OutputLines::add(std::string_view bytes) {
  if (allowance_.left == 0) {
    allowance_.withheld += bytes.size();
    return;
  }
  while (!bytes.empty()) {
    const std::size_t feed = bytes.find('\n');
    const std::size_t line = feed == std::string_view::npos ? bytes.size() : feed + 1;
    const std::size_t size = std::min(line, kMaxLogLineBytes - partial_.size());
    const std::string_view piece = bytes.substr(0, size);
    bytes.remove_prefix(size);
    const bool whole = piece.back() == '\n' || partial_.size() + size == kMaxLogLineBytes;
    if (whole && partial_.empty()) {
      pass_on(piece);
      continue;
    }
    partial_.append(piece);
    if (whole) {
      pass_on(partial_);
      partial_.clear();
    }
  }
}

void OutputLines::finish() {
  if (!partial_.empty()) {
    partial_.push_back('\n');
    pass_on(partial_);
    partial_.clear();
  }
}

void OutputLines::pass_on(std::string_view text) {
  const std::size_t size = std::min(text.size(), allowance_.left);
  allowance_.left -= size;
  allowance_.withheld += text.size() - size;
  if (size == text.size()) {
    write_(text);
  } else if (size > 0) {
    write_(std::string(text.substr(0, size - 1)).append("\n"));
    ++allowance_.withheld;
  }
}

}  // namespace postlude::extension
