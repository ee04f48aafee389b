// The timeline bridge's core on the real library, which it opens by its path. Arguments: library,
// models, ONNX Runtime, a clip of four seconds, a folder.

#include "../../../plugin/bridge/core.hpp"

#include <cstdio>
#include <fstream>
#include <string>

using namespace kinescore::bridge;

namespace {

int failures = 0;

void expect(bool holds, const char *what) {
    if (!holds) {
        std::fprintf(stderr, "not so: %s\n", what);
        ++failures;
    }
}

long size_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    return file ? static_cast<long>(file.tellg()) : -1;
}

template <typename Call> Problem::Kind kind_of(Call call) {
    try {
        call();
    } catch (const Problem &problem) {
        std::printf("%s\n", problem.what());
        return problem.kind();
    }
    expect(false, "a problem is reported");
    return Problem::Kind::usage;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 6) {
        return 2;
    }
    const std::string clip = argv[4], folder = argv[5];
    Core core({argv[1], argv[2], argv[3], "", ""});
    SoundOrder order;
    order.media = clip;
    order.source_out = 3 * flicks_per_second;
    order.settings = {{"music.instruments", "drums"}, {"pose.rate", "10"}, {"device", "cpu"}};

    const std::string key = core.key(order);
    expect(key.size() == 64 && core.key(order) == key, "a key is the same each time");
    double most = 0.0;
    const auto watch = [&](double done) {
        most = done;
        return true;
    };
    core.make(order, folder + "/whole.wav", watch);
    // Stereo, 24 bits, 48 kHz, and a head.
    const long second = 48'000 * 6;
    expect(size_of(folder + "/whole.wav") / second == 3, "three seconds of sound");
    expect(most > 0.99, "progress is reported to the end");

    SoundOrder trimmed = order;
    trimmed.source_in = flicks_per_second / 2;
    expect(core.key(trimmed) != key, "another cut is another key");
    core.make(trimmed, folder + "/trimmed.wav", {});
    const long shorter = size_of(folder + "/whole.wav") - size_of(folder + "/trimmed.wav");
    expect(shorter == second / 2, "half a second less");
    trimmed.speed = {2, 1};
    trimmed.source_in = 0;
    trimmed.source_out = 4 * flicks_per_second;
    core.make(trimmed, folder + "/faster.wav", {});
    expect(size_of(folder + "/faster.wav") / second == 2, "four seconds at double speed");

    SoundOrder other = order;
    other.settings["seed"] = "9";
    const auto cancelled = [&] { core.make(other, folder + "/cancelled.wav", [](double) { return false; }); };
    expect(kind_of(cancelled) == Problem::Kind::cancelled, "cancelled");
    expect(size_of(folder + "/cancelled.wav") < 0, "no file after a cancellation");
    other.settings["seed"] = "many";
    expect(kind_of([&] { core.key(other); }) == Problem::Kind::music, "an unknown setting");
    other = order;
    other.media = folder + "/none.mp4";
    expect(kind_of([&] { core.key(other); }) == Problem::Kind::input, "a missing media");
    // After all of that it still works.
    expect(core.key(order) == key, "the key is unchanged");
    core.make(order, folder + "/again.wav", {});
    expect(size_of(folder + "/again.wav") == size_of(folder + "/whole.wav"), "the same sound again");
    return failures == 0 ? 0 : 1;
}
