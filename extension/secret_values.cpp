#include "extension/secret_values.h"

#include "common/arn.h"
#include "common/base64.h"
#include "common/json_text.h"
#include "extension/aws_result.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace postlude::extension {
namespace {

using Json = nlohmann::json;
using Outcome = SecretValues::Outcome;

using Next = TemplateFailure::Next;

tl::unexpected<TemplateFailure> failure(Next next, std::string why) {
  return tl::unexpected(TemplateFailure{.why = std::move(why), .next = next});
}

/// What the services call a name that does not exist, or a version of it.
Next next_after(const AttemptResult& result) {
  const bool missing = ended_by(result, "ResourceNotFoundException") ||
                       ended_by(result, "ParameterNotFound") ||
                       ended_by(result, "ParameterVersionNotFound");
  if (missing) {
    return Next::missing;
  }
  return result.kind == AttemptResult::Kind::refused ? Next::fail : Next::retry;
}

std::optional<std::string> text_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? std::optional(found->get<std::string>())
                                                     : std::nullopt;
}

std::optional<std::string> secret_in(const Json& answer) {
  if (auto text = text_member(answer, "SecretString")) {
    return text;
  }
  const auto binary = text_member(answer, "SecretBinary");
  return binary ? base64_decode(*binary) : std::nullopt;
}

std::optional<std::string> parameter_in(const Json& answer) {
  const auto parameter = answer.find("Parameter");
  return parameter != answer.end() && parameter->is_object() ? text_member(*parameter, "Value")
                                                             : std::nullopt;
}

}  // namespace

Outcome SecretValues::secret(std::string_view name, const AwsClient& client, EpochTime deadline) {
  return get({Store::secrets_manager, std::string(name)}, client, deadline);
}

Outcome SecretValues::parameter(std::string_view name,
                                const AwsClient& client,
                                EpochTime deadline) {
  return get({Store::parameter_store, std::string(name)}, client, deadline);
}

Outcome SecretValues::get(const Key& key, const AwsClient& client, EpochTime deadline) {
  std::unique_lock lock(mutex_);
  const auto in_work = [&] {
    const auto found = entries_.find(key);
    return found != entries_.end() && found->second.fetching;
  };
  if (!fetched_.wait_until(lock, deadline, [&] { return !in_work(); })) {
    return failure(Next::retry, "another request for it takes too long");
  }
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    const Millis age = client.time() - found->second.fetched_at;
    if (age >= Millis::zero() && age < kSecretLifetime) {
      return found->second.value;
    }
    entries_.erase(found);
  }
  make_room();
  entries_[key].fetching = true;
  lock.unlock();
  auto outcome = fetch(key, client, deadline);
  lock.lock();
  if (outcome) {
    entries_[key] = {.fetching = false, .value = *outcome, .fetched_at = client.time()};
  } else {
    entries_.erase(key);
  }
  fetched_.notify_all();
  return outcome;
}

Outcome SecretValues::fetch(const Key& key, const AwsClient& client, EpochTime deadline) {
  const auto& [store, name] = key;
  const bool is_secret = store == Store::secrets_manager;
  const auto request =
      json_request({.service = is_secret ? "secretsmanager" : "ssm",
                    .operation = is_secret ? "GetSecretValue" : "GetParameter",
                    .region = region_of_arn(name).value_or(""),
                    .trace_id = {},
                    .input = dump_json(is_secret ? Json{{"SecretId", name}}
                                                 : Json{{"Name", name}, {"WithDecryption", true}})},
                   client.endpoints());
  if (!request) {
    return failure(Next::fail, request.error().message);
  }
  const auto answer = client.call(*request, deadline);
  if (!answer) {
    return failure(next_after(answer.error()), answer.error().why);
  }
  const auto document = parse_json(answer->body);
  auto value = !document || !document->is_object() ? std::nullopt
               : is_secret                         ? secret_in(*document)
                                                   : parameter_in(*document);
  if (!value) {
    return failure(Next::fail, "the answer holds no value");
  }
  return std::move(*value);
}

void SecretValues::forget() {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const auto& entry) { return !entry.second.fetching; });
}

void SecretValues::make_room() {
  if (entries_.size() < kMostCachedSecrets) {
    return;
  }
  const auto older = [](const auto& one, const auto& other) {
    return !one.second.fetching &&
           (other.second.fetching || one.second.fetched_at < other.second.fetched_at);
  };
  const auto oldest = std::min_element(entries_.begin(), entries_.end(), older);
  if (!oldest->second.fetching) {
    entries_.erase(oldest);
  }
}

}  // namespace postlude::extension
