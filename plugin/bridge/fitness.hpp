/*
 * Which clips can be given a soundtrack, whichever editor they are from: by their length, their speed
 * and their media.
 */
#ifndef KINESCORE_BRIDGE_FITNESS_HPP
#define KINESCORE_BRIDGE_FITNESS_HPP

#include "timeline.hpp"

#include <functional>
#include <optional>
#include <string>

namespace kinescore::bridge {

/// Where the video in a file ends, from its first shown frame; none if that is unknown before all of
/// it was read. Throws Problem if the file cannot be used as a video.
using MediaEnd = std::function<std::optional<Flicks>(const std::string &path)>;

/// Why a clip of a speed that no soundtrack can have is not given one.
std::string why_wrong_speed(double speed);

/// Why a clip is not given a soundtrack, as far as that is known without its media; "" if it may be.
std::string why_unfit(const TimelineItem &item);

/// Why something that exists is not a file of media, as "its media is a folder"; "" if it is one, or
/// does not exist.
std::string why_not_file(const std::string &path);

/// Cuts a clip to the part that exists in its media, and notes that; it becomes unfit if too little
/// is left. Editors round, so a clip may end a little after its media.
void fit_to_media(TimelineItem &item, Flicks media_end);

} // namespace kinescore::bridge

#endif
