// The bundle with the real core: the bundled clip, as a media file and as pictures of the host.
#include "../../bridge/tests/outside.hpp"
#include "bundle.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace kinescore::ofx_test;
namespace fs = std::filesystem;

namespace {

const std::string root = KINESCORE_ROOT;
const std::string walkers = root + "/tests/fixtures/walking-two-people.mp4"; // 30 frames a second

/// Whether there is a core to test with; also sets the places of its resources.
bool with_real_core() {
    if (real_core.empty() || !fs::exists(real_core)) {
        MESSAGE("SKIPPED: there is no libkinescore at \"" << real_core << "\" (-DKINESCORE_LIBRARY=FILE)");
        return false;
    }
    ::setenv("KINESCORE_MODELS", (root + "/models").c_str(), 1);
    ::setenv("KINESCORE_ONNXRUNTIME", (root + "/.setup/onnxruntime").c_str(), 1);
    ::setenv("ORT_DISABLE_TELEMETRY", "1", 1); // the tester's home folder is left alone
    return true;
}

/// All variables of the environment, which belong to the host.
std::vector<std::string> environment() {
    std::vector<std::string> all;
    for (char **variable = environ; *variable != nullptr; ++variable) {
        all.emplace_back(*variable);
    }
    return all;
}

/// Seconds of sound in a WAV of 48 kHz, stereo, 24 bits.
double seconds_of(const std::string &wav) {
    const std::string bytes = text_of(wav);
    // Chunks follow the 12 bytes of the header: four letters, and the length in four bytes.
    for (std::size_t at = 12; at + 8 <= bytes.size();) {
        std::uint32_t length = 0;
        std::memcpy(&length, bytes.data() + at + 4, sizeof length);
        if (bytes.compare(at, 4, "data") == 0) {
            return std::floor(static_cast<double>(length) / 288.0) / 1000.0;
        }
        at += 8 + length + length % 2;
    }
    return 0.0;
}

nlohmann::json analysis_of(const std::string &stem) { return nlohmann::json::parse(text_of(stem + ".soundtrack.json")); }

/// Fast settings: the plugin is tested, not the core.
const Values quick = {{"music_instruments_drums", true}, {"pose_rate", 10.0}, {"device", 1}};

/// The bundled clip's first frames, decoded at a size.
std::vector<std::vector<unsigned char>> decoded(int frames, int width, int height) {
    const std::string command = "ffmpeg -nostdin -v error -i '" + walkers + "' -frames:v " + std::to_string(frames) + " -vf scale=" +
                                std::to_string(width) + ":" + std::to_string(height) + " -f rawvideo -pix_fmt rgba -";
    std::FILE *pipe = ::popen(outside::limited(command).c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::vector<std::vector<unsigned char>> pictures(static_cast<std::size_t>(frames));
    for (auto &picture : pictures) {
        picture.resize(static_cast<std::size_t>(4 * width * height));
        REQUIRE(std::fread(picture.data(), 1, picture.size(), pipe) == picture.size());
    }
    ::pclose(pipe);
    return pictures;
}

} // namespace

TEST_CASE("the bundled clip gets a soundtrack, as long as the clip, and another one when it is trimmed") {
    if (!with_real_core()) {
        return;
    }
    const Bundle bundle(real_core);
    TestHost host(bundle.plugins(), identifier);
    Values values = quick;
    values["media"] = walkers;
    values["folder"] = bundle.work();
    values["file_name"] = std::string("walk");
    const auto effect = host.create(kOfxImageEffectContextFilter, values);
    effect->source().last = 209;
    effect->source().fps = 30;
    const char *const *const place = environ;
    const std::vector<std::string> variables = environment();
    effect->press("generate");
    CHECK(place == environ);
    CHECK(variables == environment());
    const std::string stem = bundle.work() + "/walk";
    REQUIRE(effect->get_string("status") == "Up to date: " + stem + ".soundtrack.wav");
    CHECK(seconds_of(stem + ".soundtrack.wav") == 7.0);
    CHECK(text_of(stem + ".soundtrack.mid").substr(0, 4) == "MThd");
    const nlohmann::json whole = analysis_of(stem);
    CHECK(whole["soundtrack"]["key"].get<std::string>().size() == 64);
    CHECK(whole["beats"].size() > 3);

    effect->source().first = 30;
    effect->clip_changed();
    effect->edit("media_start", 1.0);
    effect->press("update");
    CHECK(seconds_of(stem + ".soundtrack.wav") == 6.0);
    CHECK(analysis_of(stem)["soundtrack"]["key"] != whole["soundtrack"]["key"]);
    CHECK(bundle.names().size() == 3);
    CHECK(effect->violations() == std::vector<std::string>{});
}

TEST_CASE("the same clip gets a soundtrack from the host's pictures, stored upside down") {
    if (!with_real_core()) {
        return;
    }
    const int width = 640;
    const int height = 360;
    const auto pictures = decoded(210, width, height);
    nlohmann::json beats;
    for (const RowOrder rows : {RowOrder::bottom_up, RowOrder::top_down}) {
        const Bundle bundle(real_core);
        HostTraits traits;
        traits.rows = rows;
        TestHost host(bundle.plugins(), identifier, traits);
        Values values = quick;
        values["folder"] = bundle.work();
        const auto effect = host.create(kOfxImageEffectContextGeneral, values);
        effect->source().width = width;
        effect->source().height = height;
        effect->source().last = 209;
        effect->source().fps = 30;
        effect->source().painter = [&](int t, Picture &picture) { picture.bytes = pictures.at(static_cast<std::size_t>(t)); };
        effect->press("generate");
        const std::string stem = bundle.work() + "/clip";
        REQUIRE(effect->get_string("status") == "Up to date: " + stem + ".soundtrack.wav");
        CHECK(seconds_of(stem + ".soundtrack.wav") == 7.0);
        const nlohmann::json found = analysis_of(stem)["beats"];
        CHECK(found.size() > 3);
        // However the pictures are stored, they show the same.
        CHECK((beats.is_null() || beats == found));
        beats = found;
        CHECK(effect->violations() == std::vector<std::string>{});
    }
}
