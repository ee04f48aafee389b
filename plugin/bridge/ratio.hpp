/*
 * Exact arithmetic of times: flicks, frames and speeds, in 128 bits.
 *
 * A flick is a 705,600,000th of a second, and projects tell speeds with nine decimals: products of
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

/// About the time of one sample. Sounds are whole samples long and frames are not, and some
/// programs count nanoseconds: times that differ by less are the same.
constexpr Flicks slack = flicks_per_second / 44'100;

bool is_near(Flicks a, Flicks b);

/// The longest timeline and the longest media that are believed, seconds: about three years.
constexpr std::int64_t longest_seconds = 100'000'000;
constexpr Flicks longest_time = longest_seconds * flicks_per_second;

/// The nearest whole number to value * numerator / denominator; halves go up. `denominator` is
/// above 0.
std::int64_t scaled(std::int64_t value, Wide numerator, Wide denominator);

/// As the C library's lrint: halves go to the even side. Neither is below 0.
std::int64_t rounded_to_even(Wide numerator, Wide denominator);

/// Whether two ratios are the same number.
bool is_same(const Ratio &a, const Ratio &b);

/// A ratio in lowest terms.
Ratio reduced(Ratio ratio);

/// What a length on the timeline takes of a media that is played at a speed.
Flicks on_media(Flicks length, const Ratio &speed);

/// What a length of a media takes on the timeline.
Flicks on_timeline(Flicks length, const Ratio &speed);

/// Where a frame begins.
Flicks flicks_of_frames(std::int64_t frames, const Ratio &rate);

/// The frame that begins nearest to a time.
std::int64_t nearest_frame(Flicks time, const Ratio &rate);

/// The same with parts of frames, as formats write them that have decimal numbers.
Flicks flicks_of_frames(double frames, const Ratio &rate);
double frames_of(Flicks time, const Ratio &rate);

/// The beginning of a frame, where a time is one but for rounding to samples or nanoseconds; else
/// the time itself.
Flicks to_frame_edge(Flicks time, const Ratio &rate);

/// Nanoseconds, as GStreamer counts.
Flicks flicks_of_nanoseconds(std::uint64_t time);
std::uint64_t nanoseconds_of(Flicks time);

/// The simplest ratio that a decimal number above 0 can stand for: within `tolerance` of it, as a
/// part of it.
Ratio simplest(double number, double tolerance);

/// Frames a second of a decimal number above 0. Writers spell 24000/1001 as 23.976023976..., 23.976
/// or 23.98, and 30000/1001 as 29.97: all mean the rate of television.
Ratio frame_rate_of(double number);

/// A whole number in decimal digits, which are all of the text.
std::optional<std::int64_t> whole_number(const std::string &text);

/// A number above 0 as decimals ("0.5", "1,5"), exactly; none where it is no such number. Digits
/// behind the ninth are beyond what anybody means.
std::optional<Ratio> decimal(const std::string &text);

/// "3/2".
std::string spelled(const Ratio &ratio);

/// What `spelled` has written; 1/1 where it is no ratio of numbers above 0.
Ratio ratio_from(const std::string &text);

} // namespace kinescore::bridge

#endif
