#include "fitness.hpp"

#include "ratio.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

/// The core's limits: the shortest soundtrack, with the rounding that is allowed for it; and how far
/// a clip may be slowed down or sped up.
constexpr Flicks shortest = 2 * flicks_per_second;
constexpr Flicks rounding = flicks_per_second / 1000;
constexpr std::int64_t greatest_factor = 4;

/// How far the core lets a cut go on after the end of the media (less than 0.1 s).
constexpr Flicks allowed_overrun = flicks_per_second * 99 / 1000;

constexpr const char *needed = "a soundtrack needs 2 s";

bool is_too_short(Flicks length) { return length + rounding < shortest; }

std::string seconds(Flicks time) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.3f s", static_cast<double>(time) / static_cast<double>(flicks_per_second));
    return text.data();
}

} // namespace

std::string why_wrong_speed(double speed) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.9g", speed);
    return std::string("it is played at a speed of ") + text.data() + "; expected 0.25 to 4";
}

std::string why_unfit(const TimelineItem &item) {
    const Ratio &speed = item.speed;
    if (static_cast<Wide>(speed.numerator) > static_cast<Wide>(speed.denominator) * greatest_factor ||
        static_cast<Wide>(speed.numerator) * greatest_factor < speed.denominator) {
        return why_wrong_speed(static_cast<double>(speed.numerator) / static_cast<double>(speed.denominator));
    }
    return is_too_short(item.duration()) ? "it is " + seconds(item.duration()) + " long, and " + needed : "";
}

std::string why_not_file(const std::string &path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    switch (status.type()) {
    case fs::file_type::directory:
        return "its media is a folder";
    case fs::file_type::fifo:
        return "its media is a pipe; copy its content to a regular file first";
    case fs::file_type::socket:
        return "its media is a socket; copy its content to a regular file first";
    case fs::file_type::block:
    case fs::file_type::character:
        return "its media is a device; copy its content to a regular file first";
    default:
        return "";
    }
}

std::string why_other_stream(const StreamChoice &choice, const MediaFacts &media) {
    const std::vector<int> &streams = media.video_streams;
    int stream = choice.number;
    if (choice.of_video && stream >= 0) {
        stream = static_cast<std::size_t>(stream) < streams.size() ? streams[static_cast<std::size_t>(stream)] : -1;
    }
    if (stream == media.stream || std::find(streams.begin(), streams.end(), stream) == streams.end()) {
        return "";
    }
    return "it shows stream " + std::to_string(stream) + " of its media, and a soundtrack can only follow stream " +
           std::to_string(media.stream);
}

void fit_to_media(TimelineItem &item, Flicks media_end) {
    const Flicks overrun = item.source_out - media_end;
    if (overrun <= allowed_overrun && item.source_in < media_end) {
        return;
    }
    if (item.source_in >= media_end) {
        item.unfit = "it lies after the end of its media, which is " + seconds(media_end) + " long";
        return;
    }
    // Whole frames of the timeline, as in editors.
    const Flicks before = item.duration();
    const Flicks existing = on_timeline(media_end - item.source_in, item.speed);
    const std::int64_t frames = nearest_frame(existing, item.rate);
    const Flicks rounded = flicks_of_frames(frames, item.rate);
    const Flicks length = rounded <= existing ? rounded : flicks_of_frames(frames - 1, item.rate);
    item.source_out = item.source_in + on_media(std::max<Flicks>(length, 0), item.speed);
    const std::string ends = "its media ends at " + seconds(media_end) + ", so only ";
    if (is_too_short(length)) {
        item.unfit = ends + seconds(length) + " of it exist; " + needed;
    } else if (before - length > flicks_of_frames(std::int64_t{1}, item.rate) * 3 / 2) {
        item.note = ends + "the first " + seconds(length) + " of it have a soundtrack";
    }
}

} // namespace kinescore::bridge
