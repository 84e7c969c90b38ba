#pragma once

#include "common/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postlude {

/// Where a message, or work that cannot be finished here, may go (contract.md 4.1, 4.5).
enum class TargetKind : std::uint8_t {
  sqs,
  sns,
  event_bus,
  function,
  state_machine,
  kinesis,
  firehose,
  s3_prefix,
};

struct TargetArn {
  TargetKind kind = TargetKind::sqs;
  std::string text;       ///< the ARN as given
  std::string partition;  ///< "aws", "aws-cn" or "aws-us-gov"
  std::string region;     ///< empty for S3
  std::string account;    ///< empty for S3
  std::string name;       ///< of the queue, topic, bus, ...; of S3 the bucket
  /// Version or alias of a function or a state machine; of S3 what a key begins with.
  std::string rest;
  bool fifo = false;  ///< a FIFO queue or topic
};

/// The error says what is wrong, or lists what is possible; it names the ARN's service, not the
/// whole text. Pure.
[[nodiscard]] Result<TargetArn> parse_target_arn(std::string_view text);

/// "amazonaws.com", or "amazonaws.com.cn" in China.
[[nodiscard]] std::string_view dns_suffix(std::string_view partition);
/// "aws-cn" of "cn-north-1".
[[nodiscard]] std::string_view partition_of_region(std::string_view region);

/// "eu-west-1": what may stand in a host name. [a-z]{2,}(-[a-z0-9]+)+ at most 32 characters.
[[nodiscard]] bool valid_region(std::string_view region);

/// The region that any ARN names, of any service ("arn:aws:ssm:eu-west-1:..."); nothing where the
/// text is no ARN or names none.
[[nodiscard]] std::optional<std::string_view> region_of_arn(std::string_view text);

}  // namespace postlude
