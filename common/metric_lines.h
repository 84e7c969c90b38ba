#pragma once

#include "common/receipt.h"

#include <string>
#include <string_view>
#include <vector>

namespace postlude {

/// What a receipt tells, as metrics: log lines in CloudWatch's embedded metric format, without line
/// feed. CloudWatch makes metrics of the namespace `Postlude` of them, without a request of ours.
///
/// One line with the dimension FunctionName: of an answer `ResponseTime`, `HeldTime`
/// (milliseconds), `ResponseErrors` and `LateErrors` (0 or 1), and where there are tasks
/// `TasksAccepted` (those that no earlier receipt named), `TasksDone`, `TasksFailed`,
/// `TasksSpilled`, `TasksExpired`, `TasksDropped`, `TasksCarried`. Then for each name of a task
/// that ran `TaskDuration`, by the dimensions FunctionName and TaskName: the milliseconds that each
/// of them ran in this invocation, at most 100 a line. `"postlude":"log"` and `requestId` stand in
/// every line, and are no dimensions.
///
/// Each is below kMaxLogLineBytes. Pure. Source: CloudWatch User Guide, "Specification: Embedded
/// metric format" (at most 100 values of a metric in a document; dimension values of 1 to 1,024
/// ASCII characters).
[[nodiscard]] std::vector<std::string> metric_lines(const Receipt& receipt,
                                                    std::string_view function_name,
                                                    EpochTime at);

}  // namespace postlude
