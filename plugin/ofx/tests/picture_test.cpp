// Pictures pass through bit for bit, and reach the core as displayed.
#include "bundle.hpp"

#include <doctest/doctest.h>

#include <cstdio>

using namespace kinescore::ofx_test;

namespace {

constexpr const char *filter = kOfxImageEffectContextFilter;

/// All forms of pictures that hosts have.
std::vector<HostTraits> forms() {
    std::vector<HostTraits> all;
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f16, Depth::f32}) {
        for (const Components components : {Components::rgba, Components::rgb, Components::alpha}) {
            for (const RowOrder rows : {RowOrder::bottom_up, RowOrder::top_down}) {
                HostTraits traits;
                traits.depth = depth;
                traits.components = components;
                traits.rows = rows;
                traits.row_padding = depth == Depth::u16 ? 0 : 64;
                all.push_back(traits);
            }
        }
    }
    return all;
}

/// Colours that all depths represent exactly, except 8 and 16 bits, which always round them the
/// same way.
void paint_exactly(int t, Picture &picture) {
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            picture.set(x, y, {x / 64.0, y / 64.0, (t % 64) / 64.0, (x + y) % 2 / 2.0});
        }
    }
}

std::string digits(std::uint64_t number) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
    return text;
}

} // namespace

TEST_CASE("a hundred frames of every form are unchanged") {
    const Bundle bundle;
    for (const HostTraits &traits : forms()) {
        TestHost host(bundle.plugins(), identifier, traits);
        const auto effect = host.create(filter);
        effect->begin_sequence(0, 99);
        int same = 0;
        for (int frame = 0; frame < 100; ++frame) {
            const Rendered rendered = effect->force_render(frame);
            CHECK(rendered.identity);
            CHECK(rendered.identity_clip == "Source");
            CHECK(rendered.identity_time == frame);
            same += rendered.picture == effect->source_picture(frame) ? 1 : 0;
        }
        effect->end_sequence();
        CHECK(same == 100);
        CHECK(effect->violations() == std::vector<std::string>{});
    }
}

TEST_CASE("only the window is written") {
    const Bundle bundle;
    for (const HostTraits &traits : forms()) {
        TestHost host(bundle.plugins(), identifier, traits);
        const auto effect = host.create(filter);
        const Picture source = effect->source_picture(7);
        // Rows of OpenFX count from the bottom.
        const OfxRectI window{5, 10, 33, 20};
        const Picture rendered = effect->force_render(7, window).picture;
        REQUIRE(rendered.bytes.size() == source.bytes.size());
        Picture expected = rendered;
        std::fill(expected.bytes.begin(), expected.bytes.end(), 0xa5);
        for (int y = source.height - window.y2; y < source.height - window.y1; ++y) {
            const auto from = static_cast<std::ptrdiff_t>(y * source.row_bytes() + window.x1 * source.pixel_bytes());
            const auto length = static_cast<std::ptrdiff_t>((window.x2 - window.x1) * source.pixel_bytes());
            std::copy_n(source.bytes.begin() + from, length, expected.bytes.begin() + from);
        }
        CHECK(rendered == expected);
        // A window that extends beyond the picture is clipped to it.
        CHECK(effect->force_render(7, OfxRectI{-50, -50, 5000, 5000}).picture == source);
    }
}

TEST_CASE("the picture is black and transparent where the clip shows nothing") {
    const Bundle bundle;
    HostTraits traits;
    traits.depth = Depth::f32;
    TestHost host(bundle.plugins(), identifier, traits);
    const auto effect = host.create(filter);
    effect->source().last = 9;
    const Picture rendered = effect->force_render(50).picture;
    CHECK(rendered.bytes == std::vector<unsigned char>(rendered.bytes.size(), 0));
}

TEST_CASE("without a media file the host's frames are used, each once, as displayed") {
    const Bundle bundle;
    ::setenv("HOME", bundle.work().c_str(), 1);
    for (const HostTraits &traits : forms()) {
        TestHost host(bundle.plugins(), identifier, traits);
        const auto effect = host.create(filter, {{"folder", bundle.work() + "/out"}});
        effect->source().first = 10;
        effect->source().last = 69;
        effect->source().fps = 29.97;
        effect->source().painter = paint_exactly;
        effect->press("generate");
        CHECK(effect->violations() == std::vector<std::string>{});
        if (traits.components == Components::alpha) {
            REQUIRE(effect->messages().size() == 1);
            CHECK(has(effect->messages()[0].text, "expected RGB or RGBA"));
            continue;
        }
        CHECK(has(effect->get_string("status"), "Up to date"));
        CHECK(effect->fetches().size() == 60);
        const std::string sound = text_of(bundle.work() + "/out/clip.soundtrack.wav");
        for (const int frame : {10, 69}) {
            // The core has no half floats: it gets the same numbers as floats.
            Picture seen(64, 48, traits.depth == Depth::f16 ? Depth::f32 : traits.depth, traits.components);
            paint_exactly(frame, seen);
            CHECK(has(sound, digits(seen.checksum())));
        }
        CHECK(has(sound, "frames: 60\n"));
        CHECK(has(sound, "rate 29.970030 duration 2.002000"));
        CHECK(has(sound, "frame 59: 64x48"));
        CHECK(has(sound, " at 1.968633 "));
        std::filesystem::remove_all(bundle.work() + "/out");
    }
}
