/*
 * The interface to a maker of soundtracks: libkinescore in an editor, the program itself on the
 * command line, and a fast substitute in tests.
 */
#ifndef KINESCORE_BRIDGE_MAKER_HPP
#define KINESCORE_BRIDGE_MAKER_HPP

#include "timeline.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// A requested soundtrack.
struct SoundOrder {
    std::string media;     ///< Absolute path of the video.
    Flicks source_in = 0;  ///< Start of the part that is heard.
    Flicks source_out = 0; ///< Its end (exclusive).
    Ratio speed;           ///< Its playback speed.
    Settings settings;
    std::string marks = {}; ///< The JSON text of the marks of the clip; "" for none.

    /// Length of the soundtrack.
    Flicks duration() const;
};

/// A beat of a soundtrack.
struct Beat {
    Flicks time = 0;         ///< From the beginning of the soundtrack.
    std::int64_t number = 1; ///< In the bar, from 1.
};

/// Called with the share that is done, 0 to 1; return false to cancel.
using Progress = std::function<bool(double done)>;

/// Makes soundtracks. Used by one thread at a time.
class Maker {
public:
    virtual ~Maker() = default;

    /// Key of a soundtrack: orders with the same key give the same sound. Takes milliseconds.
    /// Throws Problem (input, core).
    virtual std::string key(const SoundOrder &order) = 0;

    /// Makes a soundtrack and writes it as WAV to a path at which there is no file. Throws Problem:
    /// `music` if none can be made of this clip, `cancelled` if `progress` returned false,
    /// otherwise the kind of the failure.
    virtual void make(const SoundOrder &order, const std::string &wav, const Progress &progress) = 0;

    /// The beats of a soundtrack, in the order of time; quick after `make` of the same order. Throws
    /// Problem like `make`, and (core) if the maker does not know beats.
    virtual std::vector<Beat> beats(const SoundOrder &order, const Progress &progress);
};

} // namespace kinescore::bridge

#endif
