/*
 * What a sound on a timeline remembers of the clip that it was made for: the same in every project
 * format.
 */
#ifndef KINESCORE_BRIDGE_MEMORY_HPP
#define KINESCORE_BRIDGE_MEMORY_HPP

#include "timeline.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kinescore::bridge {

/// Pairs as one text: key=value;key=value. What would be taken for a mark is written as % and two
/// digits.
std::string joined(const std::map<std::string, std::string> &pairs);
std::map<std::string, std::string> separated(const std::string &text);

/// Settings that `joined` has written, or an object of JSON, as older projects of GES have them.
Settings settings_from(const std::string &text);

/// The fields of a sound's memory as texts, in their order: key, settings, media, name, in, out,
/// start, speed, track. Each format keeps them under names of its own.
std::vector<std::pair<std::string, std::string>> remembered(const Placed &placed);

/// What these fields say. `field` returns a field's text, "" where it is missing. Numbers that no
/// timeline has are taken for 0.
Placed recalled(const std::function<std::string(const char *name)> &field);

} // namespace kinescore::bridge

#endif
