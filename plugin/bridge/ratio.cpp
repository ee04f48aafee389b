#include "ratio.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

namespace kinescore::bridge {

namespace {

std::int64_t fitting(Wide value) {
    constexpr Wide most = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp<Wide>(value, -most, most));
}

/// Rounds down, also below 0.
Wide floored(Wide numerator, Wide denominator) {
    return numerator / denominator - (numerator % denominator < 0 ? 1 : 0);
}

} // namespace

bool is_near(Flicks a, Flicks b) { return std::abs(a - b) <= slack; }

std::int64_t scaled(std::int64_t value, Wide numerator, Wide denominator) {
    const Wide product = value * numerator;
    const Wide whole = floored(product, denominator);
    const Wide rest = product - whole * denominator;
    return fitting(whole + (rest >= denominator - rest ? 1 : 0));
}

std::int64_t rounded_to_even(Wide numerator, Wide denominator) {
    const Wide whole = numerator / denominator;
    const Wide rest = numerator % denominator;
    return fitting(2 * rest > denominator || (2 * rest == denominator && whole % 2 != 0) ? whole + 1 : whole);
}

bool is_same(const Ratio &a, const Ratio &b) {
    return static_cast<Wide>(a.numerator) * b.denominator == static_cast<Wide>(b.numerator) * a.denominator;
}

Ratio reduced(Ratio ratio) {
    const std::int64_t common = std::gcd(ratio.numerator, ratio.denominator);
    return common == 0 ? ratio : Ratio{ratio.numerator / common, ratio.denominator / common};
}

Flicks on_media(Flicks length, const Ratio &speed) { return scaled(length, speed.numerator, speed.denominator); }

Flicks on_timeline(Flicks length, const Ratio &speed) { return scaled(length, speed.denominator, speed.numerator); }

Flicks flicks_of_frames(std::int64_t frames, const Ratio &rate) {
    return scaled(frames, static_cast<Wide>(flicks_per_second) * rate.denominator, rate.numerator);
}

std::int64_t nearest_frame(Flicks time, const Ratio &rate) {
    return scaled(time, rate.numerator, static_cast<Wide>(flicks_per_second) * rate.denominator);
}

Flicks flicks_of_frames(double frames, const Ratio &rate) {
    const double whole = std::trunc(frames);
    if (!(std::abs(whole) < 1e18)) {
        return whole > 0 ? std::numeric_limits<Flicks>::max() : -std::numeric_limits<Flicks>::max();
    }
    const Wide ticks = static_cast<Wide>(whole) * rate.denominator * flicks_per_second;
    const double part =
        (frames - whole) * static_cast<double>(rate.denominator) * static_cast<double>(flicks_per_second);
    const double rest = static_cast<double>(ticks % rate.numerator) + part;
    return fitting(ticks / rate.numerator + std::llround(rest / static_cast<double>(rate.numerator)));
}

double frames_of(Flicks time, const Ratio &rate) {
    const Wide ticks = static_cast<Wide>(time) * rate.numerator;
    const Wide frame = static_cast<Wide>(flicks_per_second) * rate.denominator;
    return static_cast<double>(ticks / frame) + static_cast<double>(ticks % frame) / static_cast<double>(frame);
}

Flicks to_frame_edge(Flicks time, const Ratio &rate) {
    const Flicks edge = flicks_of_frames(nearest_frame(time, rate), rate);
    return is_near(time, edge) ? edge : time;
}

// A second is 705,600,000 flicks and 1,000,000,000 ns: 441 to 625.

Flicks flicks_of_nanoseconds(std::uint64_t time) {
    return scaled(fitting(static_cast<Wide>(time)), 441, 625);
}

std::uint64_t nanoseconds_of(Flicks time) {
    return time <= 0 ? 0 : static_cast<std::uint64_t>((static_cast<Wide>(time) * 625 + 220) / 441);
}

Ratio simplest(double number, double tolerance) {
    // The convergents of its continued fraction.
    constexpr double most = 1'000'000.0;
    double rest = number;
    std::int64_t before_up = 0, up = 1, before_down = 1, down = 0;
    for (int step = 0; step < 32; ++step) {
        const double whole = std::floor(rest);
        const double next_up = whole * static_cast<double>(up) + static_cast<double>(before_up);
        const double next_down = whole * static_cast<double>(down) + static_cast<double>(before_down);
        if (step > 0 && (next_down > most || next_up > most * most)) {
            break;
        }
        before_up = std::exchange(up, static_cast<std::int64_t>(next_up));
        before_down = std::exchange(down, static_cast<std::int64_t>(next_down));
        const double value = static_cast<double>(up) / static_cast<double>(down);
        if (std::abs(value - number) <= tolerance * number || rest - whole < 1e-12) {
            break;
        }
        rest = 1.0 / (rest - whole);
    }
    return {std::max<std::int64_t>(up, 1), std::max<std::int64_t>(down, 1)};
}

Ratio frame_rate_of(double number) {
    constexpr double spelling = 0.005;
    const double nearest = std::round(number);
    if (nearest >= 1.0 && std::abs(number - nearest) < 1e-6) {
        return {static_cast<std::int64_t>(nearest), 1};
    }
    const auto above = static_cast<std::int64_t>(std::ceil(number));
    if (above % 6 == 0 && std::abs(number - static_cast<double>(above) * 1000.0 / 1001.0) < spelling) {
        return {above * 1000, 1001};
    }
    return simplest(number, 1e-9);
}

std::optional<std::int64_t> whole_number(const std::string &text) {
    std::int64_t value = 0;
    const char *end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && last == end ? std::optional(value) : std::nullopt;
}

std::optional<Ratio> decimal(const std::string &text) {
    constexpr std::size_t most_digits = 15, most_decimals = 9;
    const auto is_digit = [](char digit) { return digit >= '0' && digit <= '9'; };
    const std::size_t point = std::min(text.find_first_of(".,"), text.size());
    const std::string decimals = point < text.size() ? text.substr(point + 1) : "";
    const std::string digits = text.substr(0, point) + decimals.substr(0, most_decimals);
    const auto number = whole_number(digits);
    if (!number || *number <= 0 || digits.size() > most_digits || !std::all_of(digits.begin(), digits.end(), is_digit) ||
        !std::all_of(decimals.begin(), decimals.end(), is_digit)) {
        return std::nullopt;
    }
    Ratio ratio{*number, 1};
    for (std::size_t digit = 0; digit < std::min(decimals.size(), most_decimals); ++digit) {
        ratio.denominator *= 10;
    }
    return reduced(ratio);
}

std::string spelled(const Ratio &ratio) {
    return std::to_string(ratio.numerator) + "/" + std::to_string(ratio.denominator);
}

Ratio ratio_from(const std::string &text) {
    constexpr std::int64_t most = 1'000'000'000'000'000;
    const std::size_t slash = std::min(text.find('/'), text.size());
    const auto numerator = whole_number(text.substr(0, slash));
    const auto denominator = slash < text.size() ? whole_number(text.substr(slash + 1)) : std::nullopt;
    const bool is_ratio = numerator && denominator && *numerator > 0 && *denominator > 0 && *numerator <= most &&
                          *denominator <= most;
    return is_ratio ? Ratio{*numerator, *denominator} : Ratio{};
}

} // namespace kinescore::bridge
