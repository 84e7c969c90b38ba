// Stands before the system's <nlohmann/json.hpp>: the same library, instantiated once in json.cpp
// and without the standard headers that only its conversions of paths and ranges need. Parsing and
// dumping stay expensive to include: call common/json_text.h instead.
#pragma once

#define JSON_HAS_FILESYSTEM 0
#define JSON_HAS_EXPERIMENTAL_FILESYSTEM 0
#define JSON_HAS_RANGES 0
#include_next <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
