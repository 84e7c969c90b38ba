#include "extension/sigv4.h"

#include "extension/digest.h"
#include "extension/uri_encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <vector>

namespace postlude::extension {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
/// Stations on the way may change or drop them; the same as AWS's own signers leave out.
constexpr std::array<std::string_view, 15> kUnsigned{"authorization",
                                                     "cache-control",
                                                     "connection",
                                                     "expect",
                                                     "from",
                                                     "keep-alive",
                                                     "max-forwards",
                                                     "pragma",
                                                     "referer",
                                                     "trailer",
                                                     "transfer-encoding",
                                                     "upgrade",
                                                     "proxy-authorization",
                                                     "user-agent",
                                                     "x-amzn-trace-id"};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return out;
}

/// Without white space around it, and any other run of it as one space.
std::string folded(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (!is_space(c)) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  if (!out.empty() && out.back() == ' ') {
    out.pop_back();
  }
  return out;
}

/// Names in lower case, sorted; a name that comes twice has its values in their order.
std::map<std::string, std::string> signed_fields(const HttpRequest& request) {
  std::map<std::string, std::string> fields{{"host", host_field(request.url)}};
  for (const auto& [name, value] : request.fields) {
    const std::string key = lower(name);
    if (key == "host" || std::find(kUnsigned.begin(), kUnsigned.end(), key) != kUnsigned.end()) {
      continue;
    }
    const auto [at, is_new] = fields.try_emplace(key, folded(value));
    if (!is_new) {
      at->second.append(",").append(folded(value));
    }
  }
  return fields;
}

std::string joined_names(const std::map<std::string, std::string>& fields) {
  std::string names;
  for (const auto& [name, value] : fields) {
    names.append(names.empty() ? "" : ";").append(name);
  }
  return names;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

/// Without empty, "." and ".." segments.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view segment : split(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) {
        kept.pop_back();
      }
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string_view segment : kept) {
    out.append("/").append(segment);
  }
  return kept.empty() || path.ends_with('/') ? out + "/" : out;
}

std::string canonical_path(std::string_view path, std::string_view service) {
  if (service == "s3") {
    return path.empty() ? "/" : std::string(path);
  }
  return uri_encode_path(normalised(path));
}

std::string encoded_again(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '+', ' ');
  return uri_encode(uri_decode(plain));
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) {
      continue;
    }
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    pairs.emplace_back(encoded_again(part.substr(0, equals)), encoded_again(value));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [key, value] : pairs) {
    out.append(out.empty() ? "" : "&").append(key).append("=").append(value);
  }
  return out;
}

/// Secret and scope, hashed into each other.
Result<std::string> signing_key(std::string_view secret,
                                std::string_view date,
                                const SigningScope& scope) {
  std::string key = "AWS4" + std::string(secret);
  for (const std::string_view part :
       {date, scope.region, scope.service, std::string_view("aws4_request")}) {
    auto next = hmac_sha256(key, part);
    if (!next) {
      return next;
    }
    key = std::move(*next);
  }
  return key;
}

}  // namespace

std::string host_field(const Url& url) {
  const std::string host =
      url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  const std::uint16_t usual = url.tls ? 443 : 80;
  return url.port == usual ? host : fmt::format("{}:{}", host, url.port);
}

std::string amz_date(EpochTime at) {
  const auto days = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - days));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z",
                     static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()),
                     time.hours().count(),
                     time.minutes().count(),
                     time.seconds().count());
}

std::string canonical_request(const HttpRequest& request,
                              std::string_view service,
                              std::string_view payload_hash) {
  const std::string_view target = request.url.target;
  const std::size_t path_end = std::min(target.find('?'), target.size());
  std::string out = request.method + "\n";
  out.append(canonical_path(target.substr(0, path_end), service)).append("\n");
  out.append(canonical_query(target.substr(std::min(path_end + 1, target.size())))).append("\n");
  const auto fields = signed_fields(request);
  for (const auto& [name, value] : fields) {
    out.append(name).append(":").append(value).append("\n");
  }
  out.append("\n").append(joined_names(fields)).append("\n").append(payload_hash);
  return out;
}

Result<void> sign(HttpRequest& request,
                  const AwsCredentials& credentials,
                  const SigningScope& scope) {
  const auto payload = sha256(request.body);
  if (!payload) {
    return tl::unexpected(payload.error());
  }
  const std::string payload_hash = to_hex(*payload);
  const std::string time = amz_date(scope.at);
  const std::string date = time.substr(0, time.find('T'));
  request.fields.emplace_back("X-Amz-Date", time);
  if (!credentials.session_token.empty()) {
    request.fields.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  if (scope.service == "s3") {
    request.fields.emplace_back("x-amz-content-sha256", payload_hash);
  }

  const auto request_hash = sha256(canonical_request(request, scope.service, payload_hash));
  const auto key = signing_key(credentials.secret_access_key, date, scope);
  if (!request_hash || !key) {
    return tl::unexpected(request_hash ? key.error() : request_hash.error());
  }
  const std::string scope_text =
      fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  const auto signature = hmac_sha256(
      *key, fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope_text, to_hex(*request_hash)));
  if (!signature) {
    return tl::unexpected(signature.error());
  }
  request.fields.emplace_back("Authorization",
                              fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}",
                                          kAlgorithm,
                                          credentials.access_key_id,
                                          scope_text,
                                          joined_names(signed_fields(request)),
                                          to_hex(*signature)));
  return {};
}

}  // namespace postlude::extension
