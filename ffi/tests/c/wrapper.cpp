// The C++ wrapper: wrapper MODELS ONNXRUNTIME CLIP FOLDER
#include <kinescore.hpp>

#include <cstdio>
#include <cstdlib>
#include <type_traits>

static_assert(std::is_move_constructible_v<kinescore::Job> && !std::is_copy_constructible_v<kinescore::Job>);
static_assert(std::is_move_assignable_v<kinescore::Engine> && !std::is_copy_assignable_v<kinescore::Engine>);

static int failures = 0;

static void expect(bool condition, const char *what) {
    if (!condition) {
        std::fprintf(stderr, "not so: %s\n", what);
        ++failures;
    }
}

template <typename Call> static kinescore_status status_of(Call call) {
    try {
        call();
    } catch (const kinescore::Error &error) {
        expect(error.what()[0] != '\0' && error.name()[0] == 'K', "an error has a sentence and a name");
        return error.status();
    }
    return KINESCORE_OK;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    kinescore::check_abi();
    expect(kinescore::settings_table().size() == kinescore_setting_count(), "the whole table");

    kinescore::Settings settings;
    expect(status_of([&] { settings.set("tempo", "fast"); }) == KINESCORE_SETTING_VALUE, "a wrong value throws");
    settings.set("tempo", "120");
    settings.set("pose.rate", "10");
    settings.set("beats.source", "motion");
    settings.set("music.instruments", "drums");
    expect(settings.get("tempo") == "120", "a value that was set is read back");

    kinescore::Resources resources;
    resources.models = argv[1];
    resources.onnxruntime = argv[2];
    resources.cache = std::string(argv[4]) + "/cache";
    kinescore::Engine engine(resources);
    kinescore::Job made(engine, settings);
    kinescore::Job job(std::move(made));
    expect(status_of([&] { job.summary(); }) == KINESCORE_WRONG_STATE, "no result before a run");
    job.open_video(argv[3]);
    expect(job.key() == engine.key(settings, argv[3]), "one key");

    expect(status_of([&] { job.run([](int, double, double) { return false; }); }) == KINESCORE_CANCELLED,
           "false cancels");
    bool thrown = false;
    try {
        job.run([](int, double, double) -> bool { throw std::runtime_error("mine"); });
    } catch (const kinescore::Error &) {
    } catch (const std::runtime_error &error) {
        thrown = std::string(error.what()) == "mine";
    }
    expect(thrown, "an exception of the progress function comes out of run");
    double last = 0;
    job.run([&](int, double, double overall) {
        last = overall;
        return true;
    });
    expect(last == 1.0, "progress reaches the end");
    expect(job.beats().size() == job.summary().beats && !job.accents().empty(), "beats and accents");
    expect(job.music_key().empty(), "drums have no key");
    const auto format = job.audio_format();
    std::vector<float> samples(format.frames * format.channels);
    expect(job.read_audio(0, samples.size(), samples.data()) == format.frames, "all of the sound");
    job.write("wav", std::string(argv[4]) + "/wrapper.wav");

    // Results are kept by the media's content: another job runs without searching for poses.
    kinescore::Job again(engine, settings);
    again.open_video(argv[3]);
    again.set_marks(R"({"format": "kinescore-marks", "version": 1, "hits": [{"time": 1.5}]})");
    again.set_cut(KINESCORE_MEDIA_START, 3 * KINESCORE_FLICKS_PER_SECOND);
    int pose_reports = 0;
    again.run([&](int stage, double, double) {
        pose_reports += stage == KINESCORE_STAGE_POSE;
        return true;
    });
    expect(pose_reports <= 4, "poses come from the cache");
    expect(again.audio_format().frames == 3 * 48000, "three seconds to the sample");
    again = kinescore::Job(engine);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
