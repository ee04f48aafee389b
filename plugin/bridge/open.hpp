/*
 * Opens a project file of any editor as a timeline.
 */
#ifndef KINESCORE_BRIDGE_OPEN_HPP
#define KINESCORE_BRIDGE_OPEN_HPP

#include "fitness.hpp"
#include "timeline.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// Options for opening a project.
struct OpenOptions {
    std::vector<std::string> media_folders; ///< Folders in which missing media are searched for.
    std::string timeline; ///< In a file with several timelines: the name, or the number from 1, of the wanted one.
    MediaOpener open_media = {}; ///< Opens media, to compare clips with them; empty: they are not compared.
};

/// Reads a project file: MLT, Shotcut, Kdenlive or OpenTimelineIO, recognised by its content; or a
/// folder that is a bundle of OpenTimelineIO (.otiod). Clips of nested projects are listed as they
/// are seen on the timeline. Throws Problem: `input` if it cannot be read or is none of these,
/// `usage` if an option requests something that does not exist.
std::unique_ptr<Timeline> open_project(const std::string &path, const OpenOptions &options = {});

/// Lists the clips of a bundle of OpenTimelineIO that is one file (.otioz): `content` is its
/// content.otio. Clips whose media are in the bundle cannot be given a soundtrack before it is
/// unpacked. Throws Problem like `open_project`.
std::unique_ptr<Timeline> open_bundle(const std::string &path, const std::string &content,
                                      const OpenOptions &options = {});

} // namespace kinescore::bridge

#endif
