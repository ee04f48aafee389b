/*
 * Finds media that are not at the place named in a project: on a Windows computer, in the network,
 * or moved since.
 */
#ifndef KINESCORE_BRIDGE_MEDIA_FINDER_HPP
#define KINESCORE_BRIDGE_MEDIA_FINDER_HPP

#include "fitness.hpp"
#include "timeline.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// Searches for media by file name, in folders and everything below them.
class MediaFinder {
public:
    /// Throws Problem (usage) for a path that is not a folder.
    explicit MediaFinder(std::vector<std::string> folders);

    bool has_folders() const noexcept { return !folders_.empty(); }

    /// Files of a name, in the order of their paths. If none has exactly this spelling, those that
    /// differ only in capitals. Throws Problem (usage) if the folders contain too many files to
    /// search.
    std::vector<std::string> named(const std::string &name);

private:
    void read();

    std::vector<std::string> folders_;
    bool is_read_ = false;
    std::multimap<std::string, std::string> by_lower_name_;
};

/// A timeline whose clips are compared with what can have a soundtrack, and with their media.
/// Missing media are searched for in folders: items contain the place where they were found; those
/// still missing are unfit. Without an opener, no media is opened. Everything else is the timeline's
/// own; the names in the project are not changed.
std::unique_ptr<Timeline> with_media(std::unique_ptr<Timeline> timeline, std::vector<std::string> folders,
                                     MediaOpener open_media = {});

} // namespace kinescore::bridge

#endif
