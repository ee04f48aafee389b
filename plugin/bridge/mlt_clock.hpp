/*
 * Times as MLT writes them.
 */
#ifndef KINESCORE_BRIDGE_MLT_CLOCK_HPP
#define KINESCORE_BRIDGE_MLT_CLOCK_HPP

#include "timeline.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace kinescore::bridge {

/// Frames: all positions on a timeline of MLT are whole frames.
using Frames = std::int64_t;

/// Times as MLT writes them in attributes and properties.
class MltClock {
public:
    MltClock() = default;
    explicit MltClock(const Ratio &rate) : rate_(rate) {}

    const Ratio &rate() const noexcept { return rate_; }

    /// Reads "50", "00:00:02.000" and "00:00:02:00"; nothing if the text has none of these forms.
    std::optional<Frames> read(const std::string &text) const;

    /// Writes a time in the project's notation.
    std::string write(Frames frames) const;

    /// Sets the notation to that of one of the project's times.
    void write_like(const std::string &sample);

    Flicks flicks(Frames frames) const;
    Frames nearest(Flicks flicks) const;

private:
    std::string clock(Frames frames) const;

    Ratio rate_{25, 1};
    char point_ = '\0'; ///< Before the fraction of a second; '\0' if frames are written.
};

} // namespace kinescore::bridge

#endif
