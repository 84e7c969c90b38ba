#pragma once

#include <optional>
#include <string>

namespace postlude::emulator {

/// A resource as far as its references need it.
struct CfnResource {
  std::string id;    ///< its key below Resources
  std::string type;  ///< "AWS::SQS::Queue"
  std::string name;  ///< the value of name_property(), else the id
};

struct CfnPlace {
  std::string region;
  std::string account;
};

/// The property that names resources of the type: "QueueName". Empty if none is known.
[[nodiscard]] std::string name_property(const std::string& type);

/// What `Ref` gives on AWS, for a resource that exists only here: the name, ARN or URL as it would
/// be. The id for types whose form is not known.
[[nodiscard]] std::string ref_value(const CfnResource& resource, const CfnPlace& place);

/// What `Fn::GetAtt` gives, in the same way; nothing for an attribute that is not known here.
[[nodiscard]] std::optional<std::string> attribute_value(const CfnResource& resource,
                                                         const std::string& attribute,
                                                         const CfnPlace& place);

}  // namespace postlude::emulator
