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
#include <vector>

namespace kinescore::bridge {

/// What is known of a media after opening it.
struct MediaFacts {
    /// Where the video ends, from its first shown frame; none if that is unknown before all of it was
    /// read.
    std::optional<Flicks> end;
    int stream = -1;                ///< Number of the stream that a soundtrack follows.
    std::vector<int> video_streams; ///< Numbers of all video streams, rising.
};

/// Opens a media. Throws Problem if the file cannot be used as a video.
using MediaOpener = std::function<MediaFacts(const std::string &path)>;

/// Why a clip of a speed that no soundtrack can have is not given one.
std::string why_wrong_speed(double speed);

/// Why a clip is not given a soundtrack, as far as that is known without its media; "" if it may be.
std::string why_unfit(const TimelineItem &item);

/// Why something that exists is not a file of media, as "its media is a folder"; "" if it is one, or
/// does not exist.
std::string why_not_file(const std::string &path);

/// Why a clip that shows a certain stream of its media is not given a soundtrack; "" if it may be. If
/// the media has no such video stream, editors show another one.
std::string why_other_stream(const StreamChoice &choice, const MediaFacts &media);

/// Cuts a clip to the part that exists in its media, and notes that; it becomes unfit if too little
/// is left. Editors round, so a clip may end a little after its media.
void fit_to_media(TimelineItem &item, Flicks media_end);

} // namespace kinescore::bridge

#endif
