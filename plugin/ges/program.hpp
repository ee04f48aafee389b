/*
 * kinescore-ges: soundtracks under the clips of projects of GStreamer Editing Services, which
 * Pitivi and ges-launch write.
 */
#ifndef KINESCORE_GES_PROGRAM_HPP
#define KINESCORE_GES_PROGRAM_HPP

#include "maker.hpp"

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace kinescore::ges {

/// What the program needs from outside.
struct Surroundings {
    /// Opens what makes the sound, by the library's path that was asked for ("": the usual one).
    std::function<std::unique_ptr<bridge::Maker>(const std::string &library)> maker;
    /// Whether the user has asked to stop. Asked often, on any thread.
    std::function<bool()> stopped;
    std::ostream &out;    ///< Results, a line each.
    std::ostream &err;    ///< Errors, and progress where that is wanted.
    bool progress = false;
    unsigned rest = 1000; ///< Milliseconds without another save, after which `watch` begins.
};

/// Runs the program with its arguments, without its name. Returns the exit code, which means what
/// it means for `kinescore timeline`. Throws nothing.
int run(const std::vector<std::string> &arguments, const Surroundings &surroundings);

} // namespace kinescore::ges

#endif
