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

/// Frames, as all places on a timeline of MLT are whole ones.
using Frames = std::int64_t;

/// Times as MLT writes them in attributes and properties.
class MltClock {
public:
    MltClock() = default;
    explicit MltClock(const Ratio &rate) : rate_(rate) {}

    const Ratio &rate() const noexcept { return rate_; }

    /// Reads "50", "00:00:02.000" and "00:00:02:00". Nothing where it is none of these.
    std::optional<Frames> read(const std::string &text) const;

    /// Writes a time as the project does.
    std::string write(Frames frames) const;

    /// How a project writes, told by one of its times.
    void write_like(const std::string &sample);

    Flicks flicks(Frames frames) const;
    Frames nearest(Flicks flicks) const;

private:
    std::string clock(Frames frames) const;

    Ratio rate_{25, 1};
    char point_ = '\0'; ///< Before the fraction of a second; '\0' where frames are written.
};

} // namespace kinescore::bridge

#endif
