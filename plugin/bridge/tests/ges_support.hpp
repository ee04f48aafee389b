/*
 * Projects of GStreamer Editing Services for tests. Needs ffmpeg and GStreamer's base and good
 * plugins; no display and no sound device.
 */
#ifndef KINESCORE_BRIDGE_TESTS_GES_SUPPORT_HPP
#define KINESCORE_BRIDGE_TESTS_GES_SUPPORT_HPP

#include "../timeline.hpp"
#include "outside.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <ges/ges.h>
#include <iterator>
#include <memory>
#include <string>

namespace ges_support {

namespace fs = std::filesystem;
using namespace kinescore::bridge;

constexpr int sample_rate = 48'000;

inline double seconds(Flicks time) { return static_cast<double>(time) / static_cast<double>(flicks_per_second); }

inline Flicks flicks(double time) { return std::llround(time * static_cast<double>(flicks_per_second)); }

class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "kinescore-ges-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = fs::canonical(name);
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    std::string operator/(const std::string &name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

inline void run(const std::string &command) {
    INFO(command);
    REQUIRE(outside::status(command, "25") == 0);
}

inline std::string bytes_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void make_video(const std::string &path, double length) {
    run("ffmpeg -v error -y -f lavfi -i testsrc=size=160x120:rate=25:duration=" + std::to_string(length) +
        " -c:v mjpeg -pix_fmt yuvj420p '" + path + "'");
}

inline void put(std::string &bytes, std::uint32_t value, int size) {
    for (int byte = 0; byte < size; ++byte) {
        bytes += static_cast<char>(value >> (8 * byte) & 0xFFU);
    }
}

/// Mono; silence except for 20 ms of a tone that begins at `onset`.
inline void make_click(const std::string &path, double length, double onset = 0.0) {
    const auto count = static_cast<std::uint32_t>(std::lround(length * sample_rate));
    std::string bytes = "RIFF";
    put(bytes, 36 + 2 * count, 4);
    bytes += "WAVEfmt ";
    put(bytes, 16, 4);
    put(bytes, 1, 2);
    put(bytes, 1, 2);
    put(bytes, sample_rate, 4);
    put(bytes, 2 * sample_rate, 4);
    put(bytes, 2, 2);
    put(bytes, 16, 2);
    bytes += "data";
    put(bytes, 2 * count, 4);
    for (std::uint32_t sample = 0; sample < count; ++sample) {
        const double time = static_cast<double>(sample) / sample_rate - onset;
        const bool heard = time >= 0.0 && time < 0.02;
        const double value = heard ? 20'000.0 * std::cos(2.0 * 3.14159265358979 * 1'000.0 * time) : 0.0;
        put(bytes, static_cast<std::uint16_t>(static_cast<std::int16_t>(std::lround(value))), 2);
    }
    std::ofstream(path, std::ios::binary) << bytes;
}

struct Object {
    void operator()(void *object) const { g_object_unref(object); }
};

/// Two clips of two seconds on one layer, the second at 2.4 s from 0.6 s of its media.
inline void make_project(const Folder &folder, const std::string &path) {
    gst_init(nullptr, nullptr);
    REQUIRE(ges_init());
    const std::unique_ptr<GESTimeline, Object> timeline(
        static_cast<GESTimeline *>(g_object_ref_sink(ges_timeline_new_audio_video())));
    GList *tracks = ges_timeline_get_tracks(timeline.get());
    for (const GList *at = tracks; at != nullptr; at = at->next) {
        auto *track = GES_TRACK(at->data);
        if (track->type == GES_TRACK_TYPE_VIDEO) {
            GstCaps *caps = gst_caps_from_string("video/x-raw,width=160,height=120,framerate=25/1");
            ges_track_set_restriction_caps(track, caps);
            gst_caps_unref(caps);
        }
    }
    g_list_free_full(tracks, g_object_unref);
    GESLayer *layer = ges_timeline_append_layer(timeline.get());
    const auto add = [&](const std::string &name, double start, double in) {
        const std::unique_ptr<char, void (*)(void *)> uri(gst_filename_to_uri((folder / name).c_str(), nullptr),
                                                          g_free);
        GESUriClipAsset *asset = ges_uri_clip_asset_request_sync(uri.get(), nullptr);
        REQUIRE(asset != nullptr);
        const auto nanoseconds = [](double time) { return static_cast<GstClockTime>(std::llround(time * 1e9)); };
        REQUIRE(ges_layer_add_asset(layer, GES_ASSET(asset), nanoseconds(start), nanoseconds(in), nanoseconds(2.0),
                                    GES_TRACK_TYPE_UNKNOWN) != nullptr);
        g_object_unref(asset);
    };
    add("one.mkv", 0.0, 0.0);
    add("two.mkv", 2.4, 0.6);
    const std::unique_ptr<char, void (*)(void *)> uri(gst_filename_to_uri(path.c_str(), nullptr), g_free);
    REQUIRE(ges_timeline_save_to_uri(timeline.get(), uri.get(), nullptr, TRUE, nullptr));
}

/// A project of two clips, and a click as long as the second one.
struct Project {
    Project() {
        make_video(folder / "one.mkv", 3.0);
        make_video(folder / "two.mkv", 3.0);
        make_click(folder / "click.wav", 2.0);
        make_project(folder, path);
    }

    Folder folder;
    std::string path = folder / "p.xges";
};

} // namespace ges_support

#endif
