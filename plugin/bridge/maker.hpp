/*
 * What makes soundtracks: libkinescore in an editor, the program itself on the command line, and
 * something quick in tests.
 */
#ifndef KINESCORE_BRIDGE_MAKER_HPP
#define KINESCORE_BRIDGE_MAKER_HPP

#include "timeline.hpp"

#include <functional>
#include <string>

namespace kinescore::bridge {

/// A soundtrack that is wanted.
struct SoundOrder {
    std::string media;     ///< Absolute path of the video.
    Flicks source_in = 0;  ///< What of it is heard: from here
    Flicks source_out = 0; ///< to here (exclusive),
    Ratio speed;           ///< so many times as fast.
    Settings settings;

    /// Length of the soundtrack.
    Flicks duration() const;
};

/// Called with the share that is done, 0 to 1; returning false cancels.
using Progress = std::function<bool(double done)>;

/// Makes soundtracks. Used by one thread at a time.
class Maker {
public:
    virtual ~Maker() = default;

    /// Key of a soundtrack: orders with one key give the same sound. Takes milliseconds. Throws
    /// Problem (input, core).
    virtual std::string key(const SoundOrder &order) = 0;

    /// Makes a soundtrack and writes it as WAV to a path at which there is no file. Throws Problem:
    /// `music` where none can be made of this clip, `cancelled` where `progress` returned false,
    /// else what went wrong.
    virtual void make(const SoundOrder &order, const std::string &wav, const Progress &progress) = 0;
};

} // namespace kinescore::bridge

#endif
