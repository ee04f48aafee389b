#include "mlt_clock.hpp"

#include "ratio.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

namespace kinescore::bridge {

namespace {

std::vector<std::string> parts_of(const std::string &text, char mark) {
    std::vector<std::string> parts{""};
    for (const char character : text) {
        if (character == mark) {
            parts.emplace_back();
        } else {
            parts.back() += character;
        }
    }
    return parts;
}

} // namespace

std::optional<Frames> MltClock::read(const std::string &text) const {
    const std::size_t mark = text.find_last_of(":;");
    if (mark == std::string::npos) {
        const auto frames = whole_number(text);
        return frames && *frames >= 0 && *frames < 1'000'000'000 ? frames : std::nullopt;
    }
    std::string fields = text;
    std::replace(fields.begin(), fields.end(), ';', ':');
    std::vector<std::string> parts = parts_of(fields, ':');
    const std::string last = parts.back();
    const bool is_clock = last.find_first_of(".,") != std::string::npos;
    std::vector<std::int64_t> numbers(is_clock ? 3 : 4, 0);
    if (parts.size() > numbers.size()) {
        return std::nullopt;
    }
    for (std::size_t part = 0; part + (is_clock ? 1 : 0) < parts.size(); ++part) {
        const auto number = parts[part].empty() ? std::optional<std::int64_t>(0) : whole_number(parts[part]);
        if (!number || *number < 0 || *number > 1'000'000) {
            return std::nullopt;
        }
        numbers[numbers.size() - parts.size() + part] = *number;
    }
    // MLT rounds down the frames of whole hours and of whole minutes separately.
    const auto whole = [&](std::int64_t seconds) { return Wide(seconds) * rate_.numerator / rate_.denominator; };
    const Wide minutes = whole(numbers[0] * 3600) + whole(numbers[1] * 60);
    if (!is_clock) {
        const Wide seconds = (Wide(numbers[2]) * rate_.numerator + rate_.denominator - 1) / rate_.denominator;
        return static_cast<Frames>(minutes + seconds + numbers[3]);
    }
    const std::size_t point = last.find_first_of(".,");
    const auto seconds = point == 0 ? std::optional<std::int64_t>(0) : whole_number(last.substr(0, point));
    const std::string fraction = last.substr(point + 1, 9);
    const auto part = fraction.empty() ? std::optional<std::int64_t>(0) : whole_number(fraction);
    if (!seconds || !part || *seconds < 0 || *part < 0 || *seconds > 1'000'000) {
        return std::nullopt;
    }
    Wide unit = 1;
    for (std::size_t digit = 0; digit < fraction.size(); ++digit) {
        unit *= 10;
    }
    const Wide fine = Wide(*seconds) * unit + *part;
    return static_cast<Frames>(minutes) + rounded_to_even(fine * rate_.numerator, unit * rate_.denominator);
}

std::string MltClock::clock(Frames frames) const {
    const auto whole = [&](Frames seconds) {
        return static_cast<Frames>(Wide(seconds) * rate_.numerator / rate_.denominator);
    };
    const auto take = [&](Frames seconds) {
        const auto unit = Wide(seconds) * rate_.numerator;
        auto count = static_cast<Frames>(Wide(frames) * rate_.denominator / unit);
        while (whole((count + 1) * seconds) <= frames) {
            ++count;
        }
        frames -= whole(count * seconds);
        return count;
    };
    const Frames hours = take(3600);
    const Frames minutes = take(60);
    const auto thousandths = scaled(frames, Wide(rate_.denominator) * 1000, rate_.numerator);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%02lld:%02lld:%02lld%c%03lld", static_cast<long long>(hours),
                  static_cast<long long>(minutes), static_cast<long long>(thousandths / 1000), point_,
                  static_cast<long long>(thousandths % 1000));
    return text.data();
}

std::string MltClock::write(Frames frames) const {
    if (point_ != '\0') {
        const std::string text = clock(frames);
        if (read(text) == frames) {
            return text;
        }
    }
    return std::to_string(frames); // which MLT reads in any project
}

void MltClock::write_like(const std::string &sample) {
    const std::size_t mark = sample.rfind(':');
    const std::size_t point = sample.find_last_of(".,");
    point_ = mark != std::string::npos && point != std::string::npos && point > mark ? sample[point] : '\0';
}

Flicks MltClock::flicks(Frames frames) const { return flicks_of_frames(frames, rate_); }

Frames MltClock::nearest(Flicks flicks) const { return nearest_frame(flicks, rate_); }

} // namespace kinescore::bridge
