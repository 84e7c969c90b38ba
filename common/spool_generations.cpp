#include "common/spool_generations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace postlude {
namespace {

using spool_files::Kind;

/// Others may take numbers at the same time, and functions clean /tmp.
constexpr int kMostTries = 200;

std::string path_of(const std::string& environment, std::uint64_t generation) {
  return fmt::format("{}/{}", environment, generation_folder(generation));
}

bool failed_with(const Result<void>& result, ErrorCode code) {
  return !result && result.error().code == code;
}

/// Every name counts, also of what is no folder: mkdir would refuse it.
std::uint64_t highest_generation(const std::vector<spool_files::Entry>& entries) {
  std::uint64_t highest = 0;
  for (const auto& entry : entries) {
    highest = std::max(highest, generation_number(entry.name).value_or(0));
  }
  return highest;
}

void note_problem(Adoption& adoption, const Error& problem) {
  ++adoption.failed;
  if (!adoption.problem) {
    adoption.problem = problem;
  }
}

void adopt(const std::string& environment,
           const std::vector<spool_files::Entry>& entries,
           Generation& generation) {
  std::vector<OldGeneration> older;
  for (const auto& entry : entries) {
    const auto number = generation_number(entry.name);
    if (!number || *number >= generation.number || entry.kind != Kind::folder) {
      continue;
    }
    auto left = spool_files::list(path_of(environment, *number));
    if (left) {
      older.push_back({*number, *std::move(left)});
    } else if (left.error().code != ErrorCode::not_found) {
      note_problem(generation.adoption, left.error());
    }
  }
  const auto steps = plan_adoption(std::move(older));
  for (const AdoptionStep& step : steps) {
    const auto done = carry_out(step, environment, generation.number);
    // A folder that is not empty has files of others, or one that could not be taken over.
    if (!done && step.kind != AdoptionStep::Kind::remove_folder) {
      note_problem(generation.adoption, done.error());
    }
    generation.adoption.files += done && step.kind == AdoptionStep::Kind::take_over ? 1U : 0U;
  }
}

tl::unexpected<Error> untrusted(const std::string& path, std::string_view why) {
  return fail(fmt::format("{} {}; name a folder of this user", path, why));
}

Result<void> check_root(const std::string& root) {
  for (const auto& about : {spool_files::look(root), spool_files::look_through(root)}) {
    if (about && about->owner != spool_files::own_user() && about->owner != 0) {
      return untrusted(root, fmt::format("belongs to another user ({})", about->owner));
    }
  }
  return {};
}

Result<void> check_environment(const std::string& folder) {
  const auto about = spool_files::look(folder);
  if (about && about->kind != Kind::folder) {
    return untrusted(folder, "is no folder");
  }
  if (about && about->owner != spool_files::own_user()) {
    return untrusted(folder, fmt::format("belongs to another user ({})", about->owner));
  }
  return {};
}

struct Place {
  std::uint64_t number = 1;
  /// What is beside it, or why its folder could not be made.
  Result<std::vector<spool_files::Entry>> neighbours;
};

Place no_place(std::uint64_t number, Error error) {
  return {number, tl::unexpected(std::move(error))};
}

/// The usual case, no older generation, takes one listing.
///
/// A number may be free because a newer generation removed its folder meanwhile: it is taken only
/// if there is no higher one afterwards.
Place take_place(const std::string& folder) {
  std::uint64_t number = 1;
  for (int tries = 0; tries < kMostTries; ++tries) {
    auto made = make_folders(folder);
    if (auto trusted = check_environment(folder); !trusted) {
      return no_place(number, trusted.error());
    }
    if (made) {
      made = spool_files::make_folder(path_of(folder, number));
    }
    auto entries = spool_files::list(folder);
    const std::uint64_t highest = entries ? highest_generation(*entries) : 0;
    if (made && highest <= number) {
      return {number, std::move(entries)};
    }
    if (made) {
      static_cast<void>(spool_files::remove_folder(path_of(folder, number)));
    }
    number = highest + 1;
    if (number > kMostGenerations) {
      return no_place(number, {ErrorCode::failed, fmt::format("no free generation in {}", folder)});
    }
    if (!made && made.error().code != ErrorCode::exists &&
        made.error().code != ErrorCode::not_found) {
      return no_place(number, made.error());
    }
  }
  return no_place(number, {ErrorCode::failed, fmt::format("{} is never left alone", folder)});
}

}  // namespace

Result<void> make_folders(const std::string& folder) {
  for (std::size_t slash = folder.find('/', 1);; slash = folder.find('/', slash + 1)) {
    auto made = spool_files::make_folder(folder.substr(0, slash));
    if (!made && made.error().code != ErrorCode::exists) {
      return made;
    }
    if (slash == std::string::npos) {
      return {};
    }
  }
}

Result<Generation> begin_generation(const std::string& root, const std::string& environment) {
  if (auto trusted = check_root(root); !trusted) {
    return tl::unexpected(trusted.error());
  }
  const std::string folder = fmt::format("{}/{}", root, environment);
  const Place place = take_place(folder);
  Generation generation{place.number, {}};
  if (place.neighbours) {
    adopt(folder, *place.neighbours, generation);
  } else if (place.neighbours.error().code == ErrorCode::no_space) {
    generation.adoption.problem = place.neighbours.error();
  } else {
    return tl::unexpected(place.neighbours.error());
  }
  return generation;
}

Result<void> carry_out(const AdoptionStep& step,
                       const std::string& environment,
                       std::uint64_t own_generation) {
  const std::string folder = path_of(environment, step.generation);
  const std::string file = fmt::format("{}/{}", folder, step.file);
  Result<void> done;
  switch (step.kind) {
    case AdoptionStep::Kind::take_over:
      done = spool_files::rename(
          file, fmt::format("{}/{}", path_of(environment, own_generation), step.file));
      break;
    case AdoptionStep::Kind::remove:
      done = spool_files::remove(file);
      break;
    case AdoptionStep::Kind::remove_folder:
      done = spool_files::remove_folder(folder);
      break;
  }
  return failed_with(done, ErrorCode::not_found) ? Result<void>() : done;
}

}  // namespace postlude
