#pragma once

#include "extension/json_string_decoder.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::extension {

/// Keys and, in decimal without leading zeros, indexes.
using JsonPath = std::vector<std::string>;

/// A value taken out of a document (contract.md 4.4).
inline constexpr std::size_t kMaxTemplateValueBytes = std::size_t{1} << 20;

/// What a path leads to.
struct JsonValue {
  enum class State { missing, found, too_large };
  State state = State::missing;
  std::string text = {};  ///< found: valid JSON (parse_json), as the document has it
  std::string why = {};   ///< missing: what a user should know beyond that; may be empty

  [[nodiscard]] static JsonValue found(std::string text) {
    return JsonValue{State::found, std::move(text), {}};
  }
  [[nodiscard]] static JsonValue missing(std::string why = {}) {
    return JsonValue{State::missing, {}, std::move(why)};
  }
  [[nodiscard]] static JsonValue too_large() { return JsonValue{State::too_large, {}, {}}; }
};

struct WantedValue {
  JsonPath path;  ///< empty: the whole document
  std::size_t most_bytes = kMaxTemplateValueBytes;
};

/// Hands on the decoded content of a string, piece by piece. Of duplicate keys the last counts:
/// `begin` starts over.
struct StringStream {
  JsonPath path;
  std::function<void()> begin;
  std::function<void(std::string_view)> piece;
};

/// Pulls values out of a JSON text that comes in pieces of any size. Memory grows with what is
/// captured and not with the text; nothing recurses over it. Of duplicate keys the last wins, and
/// keys are compared decoded. Bytes around the values are not checked: of text that is no JSON it
/// finds something or nothing. Paths are bounded by kMaxReferenceKeys. One thread.
class JsonFilter {
 public:
  explicit JsonFilter(const std::vector<WantedValue>& wanted);
  JsonFilter(const std::vector<WantedValue>& wanted, StringStream stream);

  void add(std::string_view piece);
  /// The text is at its end: the values in the order they were wanted, each checked to be JSON.
  [[nodiscard]] std::vector<JsonValue> finish();
  /// The streamed string was there, came to its end and was well formed.
  [[nodiscard]] bool stream_complete() const { return streamed_ == Streamed::complete; }

 private:
  enum class State {
    value,
    string,
    scalar,
    skip,
    skip_string,
    key_or_end,
    key,
    colon,
    after_value,
    done,
  };
  enum class Streamed { none, running, complete };
  static constexpr std::size_t kUntracked = static_cast<std::size_t>(-1);

  /// A key that leads to something wanted; the first is the document itself.
  struct Node {
    std::string key;
    std::optional<std::uint64_t> index;  ///< the same as an index
    std::vector<std::size_t> children;
    std::optional<std::size_t> most_bytes;  ///< if wanted
    JsonValue value;
  };
  struct Frame {
    std::size_t node = 0;
    std::optional<std::uint64_t> index;  ///< of the item, in an array
  };
  struct Capture {
    std::size_t node = 0;
    std::size_t from = 0;  ///< in the piece
  };

  [[nodiscard]] std::size_t insert(const JsonPath& path);
  [[nodiscard]] std::size_t step(std::string_view piece, std::size_t at);
  [[nodiscard]] std::size_t step_value(std::string_view piece, std::size_t at);
  [[nodiscard]] std::size_t step_string(std::string_view piece, std::size_t at);
  [[nodiscard]] std::size_t step_skip(std::string_view piece, std::size_t at);
  [[nodiscard]] std::size_t step_skip_string(std::string_view piece, std::size_t at);
  [[nodiscard]] std::size_t step_key(std::string_view piece, std::size_t at);
  [[nodiscard]] std::size_t step_between(char c, std::string_view piece, std::size_t at);
  /// Stands behind the closing quote, or at the end of the piece.
  [[nodiscard]] std::size_t scan_string(std::string_view piece, std::size_t at, bool& closed);

  void begin_value(std::size_t at);
  void begin_string();
  void end_value(std::size_t node, std::string_view piece, std::size_t end);
  void open_container(char bracket);
  void close_container(std::string_view piece, std::size_t end);
  void forget(std::size_t node);
  void append(std::size_t node, std::string_view bytes);
  void stream(std::string_view raw);
  [[nodiscard]] std::size_t find_child(std::string_view key) const;
  [[nodiscard]] std::size_t find_child(std::uint64_t index) const;

  std::vector<Node> nodes_;
  std::vector<std::size_t> wanted_;  ///< nodes
  StringStream stream_;
  std::size_t stream_node_ = kUntracked;
  Streamed streamed_ = Streamed::none;
  std::string decoded_;  ///< of a key, or of a piece of the streamed string
  JsonStringDecoder decoder_;

  State state_ = State::value;
  std::size_t node_ = 0;  ///< of the value that is read, or kUntracked
  std::vector<Frame> frames_;
  std::vector<Capture> captures_;  ///< that are open, outermost first
  std::uint64_t skip_depth_ = 0;
  bool escaped_ = false;  ///< the last byte was a backslash of a string
  std::size_t longest_key_ = 0;
};

}  // namespace postlude::extension
