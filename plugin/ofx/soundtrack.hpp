/*
 * A soundtrack on disk: what it was made of, and the files that it lies in.
 */
#ifndef KINESCORE_OFX_SOUNDTRACK_HPP
#define KINESCORE_OFX_SOUNDTRACK_HPP

#include "core.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace kinescore::ofx {

/// Frames that the host has of the clip.
struct FrameRange {
    double first = 0.0;
    double last = 0.0; ///< The last one that is there.
    bridge::Ratio rate; ///< Frames a second.

    long count() const;
    bridge::Flicks duration() const;
};

/// What a soundtrack is made of: the same source gives the same sound.
struct Source {
    std::string media;      ///< Path of the video; "" where the host gives the frames.
    std::uintmax_t size = 0;///< Of the file, bytes.
    std::int64_t modified = 0; ///< Nanoseconds since 1970.
    bridge::Flicks in = 0;  ///< What of the media is heard: from here
    bridge::Flicks out = KINESCORE_MEDIA_END; ///< to here.
    FrameRange frames;      ///< Without media.
    bridge::Settings settings;

    /// Everything, as JSON.
    std::string text() const;
};

/// A frame rate as editors mean it: 23.976, 29.97 and 59.94 are n × 1000/1001. Throws Problem
/// (input) for what is none.
bridge::Ratio frame_rate(double rate);

/// A soundtrack that was made.
struct Soundtrack {
    std::string wav;  ///< Notes and analysis lie beside it, as .mid and .json.
    std::string key;  ///< The core's key, or for frames a hash of what the host reports of them.
    std::string source; ///< Source::text.

    /// As a parameter holds it.
    std::string text() const;

    /// Reads what `text` returns; none where the text is another one.
    static std::optional<Soundtrack> read(const std::string &text);

    /// The soundtrack that the analysis beside a WAV describes; none where there is no analysis, or
    /// another program's.
    static std::optional<Soundtrack> beside(const std::string &wav);

    /// Adds this to the analysis beside the WAV. Throws Problem (output).
    void note() const;

    /// Whether all files are there.
    bool exists() const;

    /// Whether it is there, and made of this source (its text).
    bool is_of(const std::string &wanted) const { return source == wanted && exists(); }
};

/// Files of a soundtrack, beside `wav`.
bridge::Files files_beside(const std::string &wav);

/// The name for a soundtrack's WAV: in a folder, after `stem`, numbered where such a file is
/// somebody else's. One that was made of the same clip of the same media, or whose name is
/// `before`, is taken again. `taken` reports names that others use.
std::string choose_wav(const std::string &folder, const std::string &stem, const Source &source, const std::string &before,
                       const std::function<bool(const std::string &)> &taken);

} // namespace kinescore::ofx

#endif
