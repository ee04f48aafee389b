/*
 * From a project file to a timeline, whichever editor it is of.
 */
#ifndef KINESCORE_BRIDGE_OPEN_HPP
#define KINESCORE_BRIDGE_OPEN_HPP

#include "timeline.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// How a project is opened.
struct OpenOptions {
    std::vector<std::string> media_folders; ///< Where media are looked for that are missing.
    std::string timeline; ///< Of a file with several timelines: the name or the number, from 1, of the one that is meant.
};

/// Reads a project file: MLT, Shotcut, Kdenlive, OpenTimelineIO, told apart by what is in it; or a folder that is a bundle of
/// OpenTimelineIO (.otiod). Clips of projects that are clips are listed as they are seen on the timeline. Throws Problem:
/// `input` where it cannot be read or is none of these, `usage` where an option asks for what is not there.
std::unique_ptr<Timeline> open_project(const std::string &path, const OpenOptions &options = {});

/// Lists what a bundle of OpenTimelineIO that is one file (.otioz) holds: `content` is the content.otio in it. Clips the media
/// of which are in the bundle cannot be given a soundtrack before it is unpacked. Throws Problem as `open_project`.
std::unique_ptr<Timeline> open_bundle(const std::string &path, const std::string &content,
                                      const OpenOptions &options = {});

} // namespace kinescore::bridge

#endif
