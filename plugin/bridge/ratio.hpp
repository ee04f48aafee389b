/*
 * Exact arithmetic of times: flicks, frames and speeds, in 128 bits.
 *
 * A flick is a 705,600,000th of a second, and projects write speeds with nine decimals: products of
 * two such numbers do not fit in 64 bits. Results beyond 64 bits are the nearest value that fits.
 */
#ifndef KINESCORE_BRIDGE_RATIO_HPP
#define KINESCORE_BRIDGE_RATIO_HPP

#include "timeline.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace kinescore::bridge {

__extension__ typedef __int128 Wide;

/// About the length of a sample. Sounds are whole samples long and frames are not, and some
/// programs count nanoseconds: times that differ by less are equal.
constexpr Flicks slack = flicks_per_second / 44'100;

bool is_near(Flicks a, Flicks b);

/// Maximum length of timelines and media, seconds: about three years.
constexpr std::int64_t longest_seconds = 100'000'000;
constexpr Flicks longest_time = longest_seconds * flicks_per_second;

/// The nearest whole number to value * numerator / denominator; halves go up. `denominator` is
/// above 0.
std::int64_t scaled(std::int64_t value, Wide numerator, Wide denominator);

/// Rounds like the C library's lrint: halves go to the even side. Both must be 0 or more.
std::int64_t rounded_to_even(Wide numerator, Wide denominator);

/// Whether two ratios are the same number.
bool is_same(const Ratio &a, const Ratio &b);

/// A ratio in lowest terms.
Ratio reduced(Ratio ratio);

/// The length of media used by a length on the timeline at a speed.
Flicks on_media(Flicks length, const Ratio &speed);

/// The length on the timeline of a length of media at a speed.
Flicks on_timeline(Flicks length, const Ratio &speed);

/// Start time of a frame.
Flicks flicks_of_frames(std::int64_t frames, const Ratio &rate);

/// The frame whose start is nearest to a time.
std::int64_t nearest_frame(Flicks time, const Ratio &rate);

/// The same with fractions of frames, for formats with decimal numbers.
Flicks flicks_of_frames(double frames, const Ratio &rate);
double frames_of(Flicks time, const Ratio &rate);

/// The start of a frame if a time equals one up to rounding to samples or nanoseconds; otherwise
/// the time itself.
Flicks to_frame_edge(Flicks time, const Ratio &rate);

/// Converts nanoseconds, GStreamer's unit.
Flicks flicks_of_nanoseconds(std::uint64_t time);
std::uint64_t nanoseconds_of(Flicks time);

/// The simplest ratio that a decimal number above 0 can represent: within `tolerance` of it,
/// relative to its value.
Ratio simplest(double number, double tolerance);

/// The frame rate that a decimal number above 0 represents. Writers spell 24000/1001 as
/// 23.976023976..., 23.976 or 23.98, and 30000/1001 as 29.97: all mean the television rate.
Ratio frame_rate_of(double number);

/// A whole number in decimal digits, which must be the entire text.
std::optional<std::int64_t> whole_number(const std::string &text);

/// A number above 0 as decimals ("0.5", "1,5"), exactly; none for other texts. Digits after the
/// ninth are not significant.
std::optional<Ratio> decimal(const std::string &text);

/// "3/2".
std::string spelled(const Ratio &ratio);

/// The ratio in a text written by `spelled`; 1/1 if it is not a ratio of numbers above 0.
Ratio ratio_from(const std::string &text);

} // namespace kinescore::bridge

#endif
