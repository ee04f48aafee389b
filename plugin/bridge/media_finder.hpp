/*
 * Finds media that are not where a project says they are: on a computer with Windows, in the network, or where they were
 * before they were moved.
 */
#ifndef KINESCORE_BRIDGE_MEDIA_FINDER_HPP
#define KINESCORE_BRIDGE_MEDIA_FINDER_HPP

#include "timeline.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// Looks for media by the names of their files, in folders and in all that is in these.
class MediaFinder {
public:
    /// Throws Problem (usage) for what is no folder.
    explicit MediaFinder(std::vector<std::string> folders);

    bool has_folders() const noexcept { return !folders_.empty(); }

    /// Files of a name, in the order of their paths. Where none is spelled like that, those that differ in capitals only.
    /// Throws Problem (usage) where the folders have too many files to look through.
    std::vector<std::string> named(const std::string &name);

private:
    void read();

    std::vector<std::string> folders_;
    bool is_read_ = false;
    std::multimap<std::string, std::string> by_lower_name_;
};

/// A timeline the media of which are looked for in folders where they are missing. Items say where they were found; those
/// that are still missing are unfit. All else is the timeline's own; the names in the project stay as they are.
std::unique_ptr<Timeline> with_media(std::unique_ptr<Timeline> timeline, std::vector<std::string> folders);

} // namespace kinescore::bridge

#endif
