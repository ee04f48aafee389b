/*
 * A soundtrack on disk: its source and its files.
 */
#ifndef KINESCORE_OFX_SOUNDTRACK_HPP
#define KINESCORE_OFX_SOUNDTRACK_HPP

#include "core.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace kinescore::ofx {

/// The host's frames of the clip.
struct FrameRange {
    double first = 0.0;
    double last = 0.0; ///< The last existing frame.
    bridge::Ratio rate; ///< Frames a second.

    long count() const;
    bridge::Flicks duration() const;
};

/// The source of a soundtrack: the same source gives the same sound.
struct Source {
    std::string media;      ///< Path of the video; "" if the host provides the frames.
    std::uintmax_t size = 0;///< Of the file, bytes.
    std::int64_t modified = 0; ///< Nanoseconds since 1970.
    bridge::Flicks in = 0;  ///< Start of the part that is heard,
    bridge::Flicks out = KINESCORE_MEDIA_END; ///< and its end.
    FrameRange frames;      ///< Used without media.
    bridge::Settings settings;

    /// Everything, as JSON.
    std::string text() const;
};

/// A frame rate in the sense of editors: 23.976, 29.97 and 59.94 are n × 1000/1001. Throws Problem
/// (input) if it is not a frame rate.
bridge::Ratio frame_rate(double rate);

/// A finished soundtrack.
struct Soundtrack {
    std::string wav;  ///< Notes and analysis are beside it, as .mid and .json.
    std::string key;  ///< The core's key, or for frames a hash of what the host reports of them.
    std::string source; ///< Source::text.

    /// In the form stored in a parameter.
    std::string text() const;

    /// Parses the result of `text`; none for any other text.
    static std::optional<Soundtrack> read(const std::string &text);

    /// The soundtrack described by the analysis beside a WAV; none if there is no analysis, or it
    /// is another program's.
    static std::optional<Soundtrack> beside(const std::string &wav);

    /// Adds this to the analysis beside the WAV. Throws Problem (output).
    void note() const;

    /// Whether all files exist.
    bool exists() const;

    /// Whether it exists, and was made of this source (its text).
    bool is_of(const std::string &wanted) const { return source == wanted && exists(); }
};

/// Files of a soundtrack, beside `wav`.
bridge::Files files_beside(const std::string &wav);

/// Chooses the name for a soundtrack's WAV: in a folder, after `stem`, numbered if such a file
/// belongs to something else. A file that was made of the same clip of the same media, or has the
/// name `before`, is used again. `taken` reports names that others use.
std::string choose_wav(const std::string &folder, const std::string &stem, const Source &source, const std::string &before,
                       const std::function<bool(const std::string &)> &taken);

} // namespace kinescore::ofx

#endif
