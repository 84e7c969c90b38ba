#pragma once

#include "common/error.h"
#include "common/spool_budget.h"
#include "common/spool_files.h"
#include "common/spool_format.h"
#include "common/spool_generations.h"
#include "common/unique_fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude {

/// The folder that holds accepted work of one generation (one life of the shim) of one environment:
/// "<root>/<environment>/<generation>/". The shim writes records and captures; the extension reads,
/// renames and removes them. SPOOL.md describes the files. Survives processes, not the machine:
/// nothing is synced.
///
/// Functions clean /tmp: where the folder is gone, writing makes it again, and the other calls
/// answer ErrorCode::not_found. One thread at a time in each process.
class Spool {
 public:
  /// Makes a new generation, which takes over what older ones left. Folders are private to the user
  /// (0700). An error where they cannot be made or are not to be trusted; a full disk is none, see
  /// adoption().
  /// `limit`: bytes of records and bodies, those that it took over included. What does not fit is
  /// refused with ErrorCode::no_space, and so is what the disk has no room for.
  [[nodiscard]] static Result<Spool> create(const std::string& root,
                                            std::string_view log_stream_name,
                                            std::uint64_t limit = SpoolBudget::kUnlimited);

  /// Joins the generation that another process made; without a limit.
  [[nodiscard]] static Spool attach(std::string folder) { return Spool(std::move(folder)); }

  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// What create() took over, and what stood in its way.
  [[nodiscard]] const Adoption& adoption() const { return adoption_; }
  /// What numbers_of_generation() takes; 0 for a folder that create() did not make.
  [[nodiscard]] std::uint64_t generation() const;
  /// A newer generation has taken over: what is left to do is its business.
  [[nodiscard]] bool superseded() const;

  /// Opens a new file for a body that is captured piece by piece; readable and writable.
  [[nodiscard]] Result<UniqueFd> create_capture(const std::string& name);
  /// The next piece of it. After an error the file is of no use any more.
  [[nodiscard]] Result<void> append_capture(int fd, std::string_view bytes, std::string_view name);
  /// The whole file, or none; it stays open for whoever is to read it even if its name goes.
  [[nodiscard]] Result<UniqueFd> write_capture(const std::string& name, std::string_view bytes);
  [[nodiscard]] Result<UniqueFd> open_capture(const std::string& name) const;

  /// Durable once this returns: written beside and renamed into place. The file, still open.
  [[nodiscard]] Result<UniqueFd> write_record(const RecordName& name, const TaskRecord& record);
  [[nodiscard]] Result<TaskRecord> read_record(const RecordName& name) const;
  /// The same from an open file.
  [[nodiscard]] static Result<TaskRecord> read_record(int fd, const RecordName& name);
  /// Whose record an open file was that cannot be read.
  [[nodiscard]] static std::optional<RecordOwner> read_owner(int fd);
  /// Notes an attempt or an interruption before it counts.
  [[nodiscard]] Result<void> rename_record(const RecordName& from, const RecordName& to) const;

  /// The records there are, by number; ErrorCode::not_found if the folder is gone.
  [[nodiscard]] Result<std::vector<RecordName>> records() const;

  /// The names of all captured bodies there are; ErrorCode::not_found if the folder is gone.
  [[nodiscard]] Result<std::vector<std::string>> captures() const;
  /// A damaged record is none any more; its new name.
  [[nodiscard]] Result<std::string> set_aside(const RecordName& name) const;

  /// A file that is gone already is fine.
  void remove_record(const RecordName& name) const;
  void remove_capture(const std::string& name) const;

 private:
  explicit Spool(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::string path(std::string_view file) const;
  void measure();
  [[nodiscard]] Result<void> take_room(std::size_t bytes);
  [[nodiscard]] Result<UniqueFd> open_new(const std::string& file) const;
  [[nodiscard]] Result<UniqueFd> put_in_place(const std::string& target,
                                              std::string_view bytes) const;

  std::string folder_;
  Adoption adoption_;
  SpoolBudget budget_;
};

}  // namespace postlude
