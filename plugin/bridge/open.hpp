/*
 * From a project file to a timeline, whichever editor it is of.
 */
#ifndef KINESCORE_BRIDGE_OPEN_HPP
#define KINESCORE_BRIDGE_OPEN_HPP

#include "timeline.hpp"

#include <memory>
#include <string>

namespace kinescore::bridge {

/// Reads a project file: MLT, Shotcut, Kdenlive, OpenTimelineIO, told apart by what is in it. Throws Problem (input) where it cannot
/// be read or is none of these.
std::unique_ptr<Timeline> open_project(const std::string &path);

} // namespace kinescore::bridge

#endif
