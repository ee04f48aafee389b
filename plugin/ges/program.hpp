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

/// The program's interface to its surroundings.
struct Surroundings {
    /// Opens the maker of sound, by the requested path of the library ("": the usual one).
    std::function<std::unique_ptr<bridge::Maker>(const std::string &library)> maker;
    /// Whether the user has asked to stop. Called often, on any thread.
    std::function<bool()> stopped;
    std::ostream &out;    ///< Results, one per line.
    std::ostream &err;    ///< Errors, and progress if wanted.
    bool progress = false;
    unsigned rest = 1000; ///< Milliseconds without another save before `watch` begins.
};

/// Runs the program with its arguments, without its name. Returns the exit code, with the meanings
/// of `kinescore timeline`. Never throws.
int run(const std::vector<std::string> &arguments, const Surroundings &surroundings);

} // namespace kinescore::ges

#endif
