#include "common/arn.h"

#include "common/aws_services.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace postlude {
namespace {

constexpr std::string_view kPossible =
    "possible are an SQS queue, an SNS topic, an EventBridge bus, a Lambda function, a Step "
    "Functions state machine, a Kinesis stream, a Firehose stream, or an S3 prefix "
    "(arn:aws:s3:::bucket/prefix/)";
constexpr std::size_t kMostRegionBytes = 32;
/// The longest name any of the targets may have (an SNS topic); S3 keys have a limit of their own.
constexpr std::size_t kMostNameBytes = 256;
constexpr std::size_t kAccountDigits = 12;
/// Of 1,024 bytes of a key; the rest is for date and task id (Amazon S3 User Guide, object keys).
constexpr std::size_t kMostPrefixBytes = 768;

struct Fields {
  std::string_view partition;
  std::string_view service;
  std::string_view region;
  std::string_view account;
  std::string_view resource;
};

/// How the ARNs of one service name what we can send to.
struct Form {
  std::string_view service;
  TargetKind kind;
  std::string_view resource_prefix;  ///< before the name
  std::string_view example;          ///< of the resource
};

constexpr std::array<Form, 7> kForms{{
    {"sqs", TargetKind::sqs, "", "queue"},
    {"sns", TargetKind::sns, "", "topic"},
    {"events", TargetKind::event_bus, "event-bus/", "event-bus/name"},
    {"lambda", TargetKind::function, "function:", "function:name"},
    {"states", TargetKind::state_machine, "stateMachine:", "stateMachine:name"},
    {"kinesis", TargetKind::kinesis, "stream/", "stream/name"},
    {"firehose", TargetKind::firehose, "deliverystream/", "deliverystream/name"},
}};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Lambda allows "$LATEST", EventBridge names with slashes and dots.
bool is_name(std::string_view text) {
  constexpr std::string_view kAlso = "-_./$";
  return !text.empty() && text.size() <= kMostNameBytes &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter(c) || is_digit(c) || kAlso.find(c) != std::string_view::npos;
         });
}

std::optional<Fields> split(std::string_view text) {
  constexpr std::string_view kStart = "arn:";
  if (!text.starts_with(kStart)) {
    return std::nullopt;
  }
  text.remove_prefix(kStart.size());
  Fields fields;
  for (std::string_view* const field :
       {&fields.partition, &fields.service, &fields.region, &fields.account}) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
      return std::nullopt;
    }
    *field = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  fields.resource = text;
  return fields;
}

Result<TargetArn> s3_prefix(const Fields& fields, TargetArn target) {
  const std::size_t slash = fields.resource.find('/');
  if (slash == std::string_view::npos) {
    return fail("an S3 target is a prefix: arn:aws:s3:::bucket/prefix/");
  }
  const std::string_view bucket = fields.resource.substr(0, slash);
  const std::string_view prefix = fields.resource.substr(slash + 1);
  // A colon would make it an access point, whose requests look different.
  if (!fields.region.empty() || !fields.account.empty() || !is_name(bucket)) {
    return fail("an S3 target names neither region nor account: arn:aws:s3:::bucket/prefix/");
  }
  const bool has_control = std::any_of(prefix.begin(), prefix.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (has_control || prefix.size() > kMostPrefixBytes) {
    return fail("an S3 prefix has at most 768 bytes and no control characters");
  }
  target.kind = TargetKind::s3_prefix;
  target.name = bucket;
  target.rest = prefix;
  return target;
}

Result<TargetArn> named_target(const Form& form, const Fields& fields, TargetArn target) {
  const auto malformed = [&] {
    return fail("not an ARN of " + std::string(form.service) +
                " to send to: expected arn:" + target.partition + ":" + std::string(form.service) +
                ":<region>:<account>:" + std::string(form.example));
  };
  std::string_view name = fields.resource;
  const bool digits = fields.account.size() == kAccountDigits &&
                      std::all_of(fields.account.begin(), fields.account.end(), is_digit);
  if (!valid_region(fields.region) || !digits || !name.starts_with(form.resource_prefix)) {
    return malformed();
  }
  if (partition_of_region(fields.region) != fields.partition) {
    return fail("region " + std::string(fields.region) + " is not in partition " +
                std::string(fields.partition));
  }
  name.remove_prefix(form.resource_prefix.size());
  const std::size_t colon = std::min(name.find(':'), name.size());
  if (colon < name.size()) {
    target.rest = name.substr(colon + 1);
    const bool qualified =
        form.kind == TargetKind::function || form.kind == TargetKind::state_machine;
    if (!qualified || !is_name(target.rest)) {
      return malformed();
    }
  }
  name = name.substr(0, colon);
  if (!is_name(name)) {
    return malformed();
  }
  target.kind = form.kind;
  target.region = fields.region;
  target.account = fields.account;
  target.name = name;
  target.fifo =
      (form.kind == TargetKind::sqs || form.kind == TargetKind::sns) && name.ends_with(".fifo");
  return target;
}

}  // namespace

Result<TargetArn> parse_target_arn(std::string_view text) {
  const auto fields = split(text);
  if (!fields) {
    return fail("not an ARN; " + std::string(kPossible));
  }
  if (fields->partition != "aws" && fields->partition != "aws-cn" &&
      fields->partition != "aws-us-gov") {
    return fail("unknown partition of an ARN; possible are aws, aws-cn and aws-us-gov");
  }
  TargetArn target;
  target.text = text;
  target.partition = fields->partition;
  if (fields->service == "s3") {
    return s3_prefix(*fields, std::move(target));
  }
  const auto* const form = std::find_if(kForms.begin(), kForms.end(), [&](const Form& each) {
    return each.service == fields->service;
  });
  if (form == kForms.end()) {
    const std::string service(valid_service_name(fields->service) ? fields->service
                                                                  : "this service");
    return fail("nothing can be sent to an ARN of " + service + "; " + std::string(kPossible));
  }
  return named_target(*form, *fields, std::move(target));
}

std::string_view dns_suffix(std::string_view partition) {
  return partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
}

std::string_view partition_of_region(std::string_view region) {
  if (region.starts_with("cn-")) {
    return "aws-cn";
  }
  return region.starts_with("us-gov-") ? "aws-us-gov" : "aws";
}

bool valid_region(std::string_view region) {
  return region.size() <= kMostRegionBytes && region.find('-') != std::string_view::npos &&
         is_letter(region.front()) && region.back() != '-' &&
         std::all_of(region.begin(), region.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
         });
}

std::optional<std::string_view> region_of_arn(std::string_view text) {
  const auto fields = split(text);
  return fields && valid_region(fields->region) ? std::optional(fields->region) : std::nullopt;
}

}  // namespace postlude
