#include "extension/json_filter.h"

#include "common/json_text.h"
#include "extension/lone_surrogates.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace postlude::extension {
namespace {

using ByteSet = std::array<bool, 256>;

constexpr ByteSet byte_set(std::string_view bytes) {
  ByteSet set{};
  for (const char c : bytes) {
    set[static_cast<unsigned char>(c)] = true;
  }
  return set;
}

constexpr ByteSet kStringEnds = byte_set("\"\\");
constexpr ByteSet kStructure = byte_set("\"{}[]");
constexpr ByteSet kScalarEnds = byte_set(",]} \t\r\n");
constexpr std::string_view kWhite = " \t\r\n";

std::size_t find_any(std::string_view text, std::size_t at, const ByteSet& set) {
  while (at < text.size() && !set[static_cast<unsigned char>(text[at])]) {
    ++at;
  }
  return at;
}

/// Only as an index is written: "0", "17", not "+1" or "01".
std::optional<std::uint64_t> index_of(std::string_view key) {
  std::uint64_t index = 0;
  const auto parsed = std::from_chars(key.data(), key.data() + key.size(), index);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == key.data() + key.size();
  return whole && (key.size() == 1 || key.front() != '0') ? std::optional(index) : std::nullopt;
}

}  // namespace

JsonFilter::JsonFilter(const std::vector<WantedValue>& wanted) : JsonFilter(wanted, {}) {}

JsonFilter::JsonFilter(const std::vector<WantedValue>& wanted, StringStream stream)
    : stream_(std::move(stream)) {
  nodes_.emplace_back();
  for (const WantedValue& value : wanted) {
    const std::size_t node = insert(value.path);
    nodes_[node].most_bytes = std::max(nodes_[node].most_bytes.value_or(0), value.most_bytes);
    wanted_.push_back(node);
  }
  if (stream_.piece) {
    stream_node_ = insert(stream_.path);
  }
}

std::size_t JsonFilter::insert(const JsonPath& path) {
  std::size_t at = 0;
  for (const std::string& key : path) {
    const auto& children = nodes_[at].children;
    const auto child = std::find_if(children.begin(), children.end(), [&](std::size_t node) {
      return nodes_[node].key == key;
    });
    if (child != children.end()) {
      at = *child;
      continue;
    }
    longest_key_ = std::max(longest_key_, key.size());
    nodes_[at].children.push_back(nodes_.size());
    at = nodes_.size();
    Node& node = nodes_.emplace_back();
    node.key = key;
    node.index = index_of(key);
  }
  return at;
}

void JsonFilter::add(std::string_view piece) {
  std::size_t at = 0;
  while (at < piece.size() && state_ != State::done) {
    at = step(piece, at);
  }
  for (Capture& capture : captures_) {
    append(capture.node, piece.substr(capture.from));
    capture.from = 0;
  }
}

std::vector<JsonValue> JsonFilter::finish() {
  if (state_ == State::scalar) {
    end_value(node_, {}, 0);
  }
  for (const Capture& capture : std::exchange(captures_, {})) {
    nodes_[capture.node].value = JsonValue::missing("the text ends in it");
  }
  for (Node& node : nodes_) {
    if (node.value.state != JsonValue::State::found || check_json(node.value.text)) {
      continue;
    }
    node.value.text = without_lone_surrogates(node.value.text);
    if (!check_json(node.value.text)) {
      node.value = JsonValue::missing("it is not valid JSON");
    }
  }
  std::vector<JsonValue> values;
  values.reserve(wanted_.size());
  for (auto node = wanted_.begin(); node != wanted_.end(); ++node) {
    const bool wanted_again = std::find(node + 1, wanted_.end(), *node) != wanted_.end();
    JsonValue& value = nodes_[*node].value;
    values.push_back(wanted_again ? value : std::exchange(value, {}));
  }
  return values;
}

std::size_t JsonFilter::step(std::string_view piece, std::size_t at) {
  switch (state_) {
    case State::value:
      return step_value(piece, at);
    case State::string:
      return step_string(piece, at);
    case State::scalar:
      at = find_any(piece, at, kScalarEnds);
      if (at < piece.size()) {
        end_value(node_, piece, at);
      }
      return at;
    case State::skip:
      return step_skip(piece, at);
    case State::skip_string:
      return step_skip_string(piece, at);
    case State::key:
      return step_key(piece, at);
    case State::key_or_end:
    case State::colon:
    case State::after_value:
      return step_between(piece[at], piece, at);
    case State::done:
      break;
  }
  return piece.size();
}

std::size_t JsonFilter::step_value(std::string_view piece, std::size_t at) {
  const char c = piece[at];
  if (kWhite.find(c) != std::string_view::npos) {
    return at + 1;
  }
  if (c == ']' || c == '}' || c == ',') {
    // An empty array ends here; anything else is no JSON and leads nowhere.
    if (c != ',' && !frames_.empty()) {
      close_container(piece, at + 1);
    }
    return at + 1;
  }
  begin_value(at);
  if (c == '"') {
    begin_string();
    return at + 1;
  }
  if (c == '{' || c == '[') {
    open_container(c);
    return at + 1;
  }
  state_ = State::scalar;
  return at;
}

std::size_t JsonFilter::scan_string(std::string_view piece, std::size_t at, bool& closed) {
  closed = false;
  if (std::exchange(escaped_, false)) {
    ++at;
  }
  while (at < piece.size()) {
    at = find_any(piece, at, kStringEnds);
    if (at >= piece.size()) {
      return at;
    }
    if (piece[at] == '"') {
      closed = true;
      return at + 1;
    }
    at += 2;
  }
  // The escaped byte is in the next piece.
  escaped_ = at > piece.size();
  return piece.size();
}

std::size_t JsonFilter::step_string(std::string_view piece, std::size_t at) {
  bool closed = false;
  const std::size_t end = scan_string(piece, at, closed);
  if (streamed_ == Streamed::running) {
    stream(piece.substr(at, end - at - (closed ? 1 : 0)));
    if (closed) {
      streamed_ = decoder_.complete() ? Streamed::complete : Streamed::none;
    }
  }
  if (closed) {
    end_value(node_, piece, end);
  }
  return end;
}

std::size_t JsonFilter::step_skip(std::string_view piece, std::size_t at) {
  at = find_any(piece, at, kStructure);
  if (at == piece.size()) {
    return at;
  }
  const char c = piece[at++];
  if (c == '"') {
    state_ = State::skip_string;
    escaped_ = false;
  } else if (c == '{' || c == '[') {
    ++skip_depth_;
  } else if (--skip_depth_ == 0) {
    end_value(node_, piece, at);
  }
  return at;
}

std::size_t JsonFilter::step_skip_string(std::string_view piece, std::size_t at) {
  bool closed = false;
  at = scan_string(piece, at, closed);
  if (closed) {
    state_ = State::skip;
  }
  return at;
}

std::size_t JsonFilter::step_key(std::string_view piece, std::size_t at) {
  bool closed = false;
  const std::size_t end = scan_string(piece, at, closed);
  // Longer than any wanted key: what follows cannot make it one again.
  if (decoded_.size() <= longest_key_) {
    decoder_.add(piece.substr(at, end - at - (closed ? 1 : 0)), decoded_);
  }
  if (closed) {
    node_ = decoder_.complete() ? find_child(decoded_) : kUntracked;
    state_ = State::colon;
  }
  return end;
}

std::size_t JsonFilter::step_between(char c, std::string_view piece, std::size_t at) {
  ++at;
  if (state_ == State::colon) {
    if (c == ':') {
      state_ = State::value;
    }
    return at;
  }
  if (c == '}' || c == ']') {
    close_container(piece, at);
  } else if (state_ == State::key_or_end && c == '"') {
    state_ = State::key;
    decoder_ = {};
    decoded_.clear();
    escaped_ = false;
  } else if (state_ == State::after_value && c == ',') {
    Frame& frame = frames_.back();
    if (!frame.index) {
      state_ = State::key_or_end;
    } else {
      ++*frame.index;
      node_ = find_child(*frame.index);
      state_ = State::value;
    }
  }
  return at;
}

void JsonFilter::begin_value(std::size_t at) {
  if (node_ == kUntracked) {
    return;
  }
  forget(node_);
  if (nodes_[node_].most_bytes) {
    nodes_[node_].value.state = JsonValue::State::found;
    captures_.push_back({node_, at});
  }
}

void JsonFilter::begin_string() {
  state_ = State::string;
  escaped_ = false;
  if (node_ != kUntracked && node_ == stream_node_) {
    streamed_ = Streamed::running;
    decoder_ = {};
    stream_.begin();
  }
}

void JsonFilter::end_value(std::size_t node, std::string_view piece, std::size_t end) {
  if (!captures_.empty() && captures_.back().node == node) {
    const std::size_t from = captures_.back().from;
    captures_.pop_back();
    append(node, piece.substr(from, end - from));
  }
  state_ = frames_.empty() ? State::done : State::after_value;
}

void JsonFilter::open_container(char bracket) {
  if (node_ == kUntracked || nodes_[node_].children.empty()) {
    state_ = State::skip;
    skip_depth_ = 1;
    return;
  }
  frames_.push_back({node_, std::nullopt});
  if (bracket == '{') {
    state_ = State::key_or_end;
    return;
  }
  frames_.back().index = 0;
  node_ = find_child(0);
  state_ = State::value;
}

void JsonFilter::close_container(std::string_view piece, std::size_t end) {
  const std::size_t node = frames_.back().node;
  frames_.pop_back();
  end_value(node, piece, end);
}

/// A later value of the same key takes the place of the earlier with all that was in it. Recurses
/// over the wanted paths.
void JsonFilter::forget(std::size_t node) {
  nodes_[node].value = {};
  if (node == stream_node_) {
    streamed_ = Streamed::none;
  }
  for (const std::size_t child : nodes_[node].children) {
    forget(child);
  }
}

void JsonFilter::append(std::size_t node, std::string_view bytes) {
  JsonValue& value = nodes_[node].value;
  if (value.state != JsonValue::State::found) {
    return;
  }
  if (bytes.size() > nodes_[node].most_bytes.value_or(0) - value.text.size()) {
    value = JsonValue::too_large();
    return;
  }
  value.text.append(bytes);
}

void JsonFilter::stream(std::string_view raw) {
  decoded_.clear();
  decoder_.add(raw, decoded_);
  if (!decoded_.empty()) {
    stream_.piece(decoded_);
  }
}

std::size_t JsonFilter::find_child(std::string_view key) const {
  for (const std::size_t child : nodes_[frames_.back().node].children) {
    if (nodes_[child].key == key) {
      return child;
    }
  }
  return kUntracked;
}

std::size_t JsonFilter::find_child(std::uint64_t index) const {
  for (const std::size_t child : nodes_[frames_.back().node].children) {
    if (nodes_[child].index == index) {
      return child;
    }
  }
  return kUntracked;
}

}  // namespace postlude::extension
