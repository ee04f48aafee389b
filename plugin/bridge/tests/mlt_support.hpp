/// Shared by tests of projects in MLT's XML: projects in their own folder, media for them, and a
/// measurement of when a sound is heard in melt's output.
#ifndef KINESCORE_BRIDGE_TESTS_MLT_SUPPORT_HPP
#define KINESCORE_BRIDGE_TESTS_MLT_SUPPORT_HPP

#include "../mlt.hpp"
#include "../timeline.hpp"
#include "fakes.hpp"
#include "outside.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace mlt_support {

using namespace kinescore::bridge;
namespace fs = std::filesystem;

using outside::replaced;
using outside::runs;
using outside::runs_melt;

/// The projects have 25 frames a second, but where a test says otherwise.
constexpr Flicks frame = flicks_per_second / 25;

/// In samples at 48,000 Hz.
constexpr std::uint32_t two_seconds = 96'000;

/// Whether the machine has the programs for tests that listen.
inline bool can_listen() { return runs("command -v melt") && runs("command -v ffmpeg"); }

inline std::string fixture(const std::string &name) {
    return fakes::content((fs::path(__FILE__).parent_path() / "fixtures" / name).string());
}

inline void write(const std::string &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// A fixture in a folder.
inline std::string project(const fakes::Folder &folder, const std::string &name, const std::string &bytes) {
    const std::string path = folder.path() + "/" + name;
    write(path, replaced(bytes, "@FOLDER@", folder.path()));
    return path;
}

/// A sound of a length in samples at 48,000 Hz that begins with a click, as WAV.
inline std::string click(const fakes::Folder &folder, const std::string &name, std::uint32_t samples) {
    std::string bytes = "RIFF";
    const auto number = [&](std::uint32_t value, int count) {
        for (int byte = 0; byte < count; ++byte) {
            bytes += static_cast<char>(value >> (8 * byte) & 0xFF);
        }
    };
    number(36 + samples * 2, 4);
    bytes += "WAVEfmt ";
    number(16, 4);
    number(1, 2);
    number(1, 2);
    number(48'000, 4);
    number(96'000, 4);
    number(2, 2);
    number(16, 2);
    bytes += "data";
    number(samples * 2, 4);
    for (std::uint32_t sample = 0; sample < samples; ++sample) {
        const double wave = sample < 960 ? std::sin(2 * 3.14159265358979 * 3000 * sample / 48'000.0) : 0.0;
        number(static_cast<std::uint32_t>(static_cast<std::int16_t>(26'000 * wave)), 2);
    }
    write(folder.path() + "/" + name, bytes);
    return folder.path() + "/" + name;
}

/// Two videos of six seconds, the first with a low hum.
inline bool make_media(const fakes::Folder &folder) {
    const std::string video = "ffmpeg -v error -y -f lavfi -i testsrc=s=160x120:r=25:d=6 ";
    const std::string code = " -c:v libx264 -preset ultrafast -pix_fmt yuv420p ";
    return runs(video + "-f lavfi -i sine=f=200:d=6 -c:a aac" + code + folder.path() + "/one.mp4") &&
           runs(video + code + folder.path() + "/two.mp4");
}

/// Seconds at which clicks are heard when melt plays a project.
inline std::vector<double> heard(const fakes::Folder &folder, const std::string &project, int seconds) {
    const std::string wav = folder.path() + "/heard.wav";
    // A project without an end, such as Kdenlive's with its black background, is cut.
    if (!runs_melt("QT_QPA_PLATFORM=offscreen melt '" + project + "' out=" + std::to_string(seconds * 25 - 1) +
                   " -consumer avformat:'" + wav + "' vn=1 acodec=pcm_s16le ar=48000 ac=1")) {
        return {};
    }
    const std::string bytes = fakes::content(wav);
    const std::size_t data = bytes.find("data") + 8;
    const auto sample = [&](std::size_t index) {
        const auto low = static_cast<unsigned char>(bytes[data + 2 * index]);
        const auto high = static_cast<unsigned char>(bytes[data + 2 * index + 1]);
        return static_cast<int>(static_cast<std::int16_t>(low | high << 8));
    };
    std::vector<double> times;
    std::size_t quiet_until = 0;
    // Steps from sample to sample are large in the click, and small in the hum.
    for (std::size_t index = 1; data + 2 * index + 1 < bytes.size(); ++index) {
        if (std::abs(sample(index) - sample(index - 1)) > 2500) {
            if (index >= quiet_until) {
                times.push_back(static_cast<double>(index) / 48'000.0);
            }
            quiet_until = index + 4800;
        }
    }
    return times;
}

/// A sound for a clip, placed like the reconciler does.
inline Placed sound_for(const TimelineItem &item, const std::string &wav, const std::string &key,
                        const std::string &id = "") {
    Placed placed;
    placed.id = id;
    placed.made_for = item;
    placed.wav = wav;
    placed.key = key;
    placed.settings = {{"style", "jazz; 5% = \"<slow> & low\""}, {"seed", "7"}};
    placed.timeline_start = item.timeline_start;
    placed.duration = item.duration();
    return placed;
}

/// Lists, places and removes in a project that may be damaged; faults are thrown as Problem.
/// Returns false if it could not be opened.
template <typename Project> bool edited(const std::string &path, const std::string &wav) {
    bool opened = false;
    try {
        const auto timeline = Project::open(path);
        opened = true;
        for (const TimelineItem &item : timeline->items()) {
            timeline->place(sound_for(item, wav, "key"));
        }
        for (const Placed &placed : timeline->ours()) {
            timeline->remove(placed.id);
        }
    } catch (const Problem &problem) {
        CHECK(std::string(problem.what()).size() > 10);
    }
    return opened;
}

/// The sentence of the problem with which a call ends.
inline std::string problem_of(const std::function<void()> &call, Problem::Kind kind = Problem::Kind::input) {
    try {
        call();
    } catch (const Problem &problem) {
        CHECK(problem.kind() == kind);
        return problem.what();
    }
    FAIL("nothing was thrown");
    return "";
}

/// The items of a project that has a playlist written into fixed lines.
inline std::vector<TimelineItem> listed(const std::string &playlist, const std::string &rate = "25\" frame_rate_den=\"1") {
    const fakes::Folder folder;
    const std::string path = project(folder, "p.mlt",
                                     "<mlt root=\"/films\"><profile frame_rate_num=\"" + rate +
                                         "\"/><producer id=\"a\"><property name=\"resource\">a.mp4</property>"
                                         "<property name=\"length\">100000</property></producer>" +
                                         playlist + "</mlt>");
    return MltProject::open(path)->items();
}

} // namespace mlt_support

#endif
