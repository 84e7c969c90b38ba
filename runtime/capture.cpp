#include "runtime/capture.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace postlude::runtime {
namespace {

/// Functions clean /tmp: the name may be gone while the open file still holds the bytes.
bool unlinked(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && info.st_nlink == 0;
}

Result<void> copy_file(int from, int to, Spool& spool, std::string_view object) {
  std::array<char, std::size_t{64} << 10> block;
  off_t offset = 0;
  while (true) {
    const ssize_t size = ::pread(from, block.data(), block.size(), offset);
    if (size < 0 && errno != EINTR) {
      return errno_failure("read", object);
    }
    if (size == 0) {
      return {};
    }
    if (size > 0) {
      const std::string_view piece(block.data(), static_cast<std::size_t>(size));
      if (auto written = spool.append_capture(to, piece, object); !written) {
        return written;
      }
      offset += size;
    }
  }
}

}  // namespace

Capture::~Capture() {
  if (file_ && !kept_) {
    spool_->remove_capture(name_);
  }
}

void Capture::append(std::string_view bytes) {
  if (!written_) {
    return;
  }
  if (extent_ == Extent::prefix) {
    const std::size_t room = kMaxResponseBytes - std::min(kMaxResponseBytes, memory_.size());
    truncated_ = truncated_ || bytes.size() > room;
    memory_.append(bytes.substr(0, room));
  } else if (!file_ && memory_.size() + bytes.size() <= kMemoryBytes) {
    memory_.append(bytes);
  } else {
    spill(bytes);
  }
}

void Capture::spill(std::string_view bytes) {
  if (!file_) {
    auto file = spool_->write_capture(name_, std::exchange(memory_, {}));
    if (!file) {
      give_up(file.error());
      return;
    }
    file_ = std::move(*file);
  }
  if (auto written = spool_->append_capture(file_.get(), bytes, name_); !written) {
    give_up(written.error());
  }
}

/// What is left of it takes no room that others need.
void Capture::give_up(const Error& error) {
  written_ = tl::unexpected(error);
  memory_ = {};
  if (file_) {
    file_.reset();
    spool_->remove_capture(name_);
  }
}

Result<std::string> Capture::store() {
  if (!written_) {
    return tl::unexpected(written_.error());
  }
  if (!file_) {
    auto file = spool_->write_capture(name_, memory_);
    if (!file) {
      return tl::unexpected(file.error());
    }
    file_ = std::move(*file);
  } else if (unlinked(file_.get())) {
    auto again = spool_->create_capture(name_);
    if (!again) {
      return tl::unexpected(again.error());
    }
    if (auto copied = copy_file(file_.get(), again->get(), *spool_, name_); !copied) {
      spool_->remove_capture(name_);
      return tl::unexpected(copied.error());
    }
    file_ = std::move(*again);
  }
  stored_ = true;
  return name_;
}

}  // namespace postlude::runtime
