#include "../maker.hpp"
#include "../ratio.hpp"

#include <doctest/doctest.h>
#include <limits>

using namespace kinescore::bridge;

namespace {

constexpr Flicks second = flicks_per_second;
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

} // namespace

TEST_CASE("a speed of nine decimals is exact") {
    // 9.876543211 s of media are a second; its products with flicks do not fit in 64 bits.
    const Ratio speed{9'876'543'211, 1'000'000'000};
    TimelineItem item;
    item.speed = speed;
    item.source_out = 3600 * second;
    CHECK(item.duration() == 257'191'199'971); // 3600 * 705600000 * 10^9 / 9876543211, to the nearest
    CHECK(SoundOrder{"", 0, 3600 * second, speed, {}}.duration() == item.duration());
    CHECK(std::abs(on_media(on_timeline(3600 * second, speed), speed) - 3600 * second) <= 5);
}

TEST_CASE("ratios that differ in the fifteenth digit are distinguished") {
    const Ratio a{999'999'999'999'999, 1'000'000'000}, b{999'999'999'999'998, 1'000'000'000};
    CHECK(!is_same(a, b));
    CHECK(is_same(a, a));
    // Their products are equal modulo 2^64.
    CHECK(!is_same({std::int64_t(1) << 32, 1}, {std::int64_t(1) << 33, std::int64_t(1) << 33}));
    CHECK(!is_same({std::int64_t(1) << 62, 4}, {4, std::int64_t(1) << 62}));
    CHECK(is_same({30, 20}, {3, 2}));
}

TEST_CASE("rounding is to the nearest, with halves up, and a value that does not fit becomes the nearest that does") {
    CHECK(scaled(5, 1, 2) == 3);
    CHECK(scaled(-5, 1, 2) == -2);
    CHECK(scaled(-7, 1, 3) == -2);
    CHECK(scaled(7, 1, 3) == 2);
    CHECK(scaled(8, 1, 3) == 3);
    CHECK(scaled(largest, largest, largest) == largest);
    CHECK(scaled(largest, largest, 1) == largest);
    CHECK(scaled(-largest, largest, 1) == -largest);
    CHECK(scaled(largest, 1, largest) == 1);
    CHECK(rounded_to_even(5, 2) == 2);
    CHECK(rounded_to_even(7, 2) == 4);
    CHECK(flicks_of_frames(std::int64_t(100'000'000'000'000), {25, 1}) == largest);
    CHECK(flicks_of_frames(1e300, {25, 1}) == largest);
    CHECK(flicks_of_frames(-1e300, {25, 1}) == -largest);
}

TEST_CASE("frames at television rates are whole flicks") {
    const Ratio ntsc{30'000, 1001};
    CHECK(flicks_of_frames(std::int64_t(1), ntsc) == 23'543'520);
    CHECK(flicks_of_frames(std::int64_t(107'892), ntsc) == 107'892 * std::int64_t(23'543'520)); // an hour
    CHECK(nearest_frame(107'892 * std::int64_t(23'543'520) + 11'000'000, ntsc) == 107'892);
    CHECK(flicks_of_frames(1.5, ntsc) == 35'315'280);
    CHECK(frames_of(35'315'280, ntsc) == 1.5);
    CHECK(to_frame_edge(23'543'520 + slack, ntsc) == 23'543'520);
    CHECK(to_frame_edge(23'543'520 + slack + 1, ntsc) == 23'543'520 + slack + 1);
}

TEST_CASE("nanoseconds and flicks are converted to the nearest") {
    CHECK(flicks_of_nanoseconds(1'000'000'000) == second);
    CHECK(nanoseconds_of(second) == 1'000'000'000);
    CHECK(nanoseconds_of(-5) == 0);
    for (const Flicks time : {std::int64_t(0), std::int64_t(1), std::int64_t(23'543'520), 86'400 * second}) {
        CHECK(std::abs(flicks_of_nanoseconds(nanoseconds_of(time)) - time) <= 1);
    }
    CHECK(flicks_of_nanoseconds(std::numeric_limits<std::uint64_t>::max()) > 0);
}

TEST_CASE("numbers as programs spell them are the ratios that are meant") {
    const auto text = [](const Ratio &ratio) { return spelled(ratio); };
    CHECK(text(frame_rate_of(23.976)) == "24000/1001");
    CHECK(text(frame_rate_of(23.98)) == "24000/1001");
    CHECK(text(frame_rate_of(29.97)) == "30000/1001");
    CHECK(text(frame_rate_of(59.94005994)) == "60000/1001");
    CHECK(text(frame_rate_of(25)) == "25/1");
    CHECK(text(frame_rate_of(12.5)) == "25/2");
    CHECK(text(simplest(1.0 / 3.0, 1e-9)) == "1/3");
    CHECK(text(simplest(1.5000004, 1e-6)) == "3/2");
    CHECK(text(*decimal("1,5")) == "3/2");
    CHECK(text(*decimal("9.876543211")) == "9876543211/1000000000");
    CHECK(text(*decimal("0.1234567899999")) == "123456789/1000000000");
    CHECK(text(*decimal("2.")) == "2/1");
    for (const char *wrong : {"", ".", "0", "-1", "1e3", "1.x", "1.123456789x", "1234567890123456", "+1", "nan"}) {
        CAPTURE(wrong);
        CHECK(!decimal(wrong));
    }
    CHECK(text(ratio_from("30000/1001")) == "30000/1001");
    for (const char *wrong : {"", "/", "1", "0/1", "1/0", "-1/2", "1/2x", "1/99999999999999999999"}) {
        CAPTURE(wrong);
        CHECK(text(ratio_from(wrong)) == "1/1");
    }
}
