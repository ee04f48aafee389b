#include "core.hpp"

#include "../../include/kinescore.hpp"

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>

namespace kinescore::bridge {

namespace {

struct Unload {
    void operator()(void *library) const noexcept { ::dlclose(library); }
};

/// Number of jobs kept open: after that, an edit of a recently rendered clip takes a fraction of a
/// second.
constexpr std::size_t jobs_kept = 4;

struct OpenJob {
    std::string media;
    Settings settings;
    kinescore::Job job;
};

Problem::Kind kind_of(kinescore_status status) {
    switch (status) {
    case KINESCORE_CANCELLED:
        return Problem::Kind::cancelled;
    case KINESCORE_INPUT:
        return Problem::Kind::input;
    case KINESCORE_OUTPUT:
        return Problem::Kind::output;
    default:
        return Problem::Kind::music;
    }
}

/// A term of a speed in the core's type.
std::uint32_t term(std::int64_t value, const SoundOrder &order) {
    if (value < 1 || value > UINT32_MAX) {
        throw Problem(Problem::Kind::usage, order.media + ": is played at a speed of " +
                                                std::to_string(order.speed.numerator) + "/" +
                                                std::to_string(order.speed.denominator) +
                                                "; expected a ratio of numbers from 1 to 4294967295");
    }
    return static_cast<std::uint32_t>(value);
}

/// Returns what `work` returns; a failed call of the core in it becomes a Problem.
template <typename Work> decltype(auto) translated(Work work) {
    try {
        return work();
    } catch (const kinescore::Error &error) {
        throw Problem(kind_of(error.status()), error.what());
    }
}

void run(kinescore::Job &job, const Progress &progress) {
    job.run([&](int, double, double done) { return !progress || progress(done); });
}

void write(kinescore::Job &job, const Files &files) {
    for (const auto &[format, path] : files) {
        job.write(format, path);
    }
}

} // namespace

struct Core::Opened {
    // In this order, so that handles are destroyed before the library is closed.
    std::unique_ptr<void, Unload> library;
    kinescore::Api api;
    std::optional<kinescore::Engine> engine;
    std::list<OpenJob> jobs; ///< The most recently used is the first.

    kinescore::Settings settings(const Settings &values) const {
        kinescore::Settings settings(api);
        for (const auto &[key, value] : values) {
            settings.set(key, value);
        }
        return settings;
    }

    kinescore::Job new_job(const Settings &values) const { return kinescore::Job(*engine, settings(values)); }

    /// The open job of a media with these settings, or a new one, moved to the front.
    kinescore::Job &job(const SoundOrder &order) {
        for (auto job = jobs.begin(); job != jobs.end(); ++job) {
            if (job->media == order.media && job->settings == order.settings) {
                jobs.splice(jobs.begin(), jobs, job);
                return jobs.front().job;
            }
        }
        kinescore::Job job = new_job(order.settings);
        job.open_video(order.media);
        jobs.push_front({order.media, order.settings, std::move(job)});
        if (jobs.size() > jobs_kept) {
            jobs.pop_back();
        }
        return jobs.front().job;
    }
};

struct Core::Frames : PushedClip {
    Frames(const Opened &core, const kinescore_frames_info &info, const Settings &settings)
        : job(core.new_job(settings)) {
        job.begin_frames(info);
    }

    void push(const kinescore_frame &frame) override {
        translated([&] { job.push_frame(frame); });
    }

    void finish(const Files &files, const Progress &progress) override {
        translated([&] {
            job.end_frames();
            run(job, progress);
            write(job, files);
        });
    }

    kinescore::Job job;
};

Core::Core(CorePlaces places) : places_(std::move(places)) {}

Core::~Core() = default;

Core::Opened &Core::opened() {
    if (opened_) {
        return *opened_;
    }
    const std::string &path = places_.library;
    if (path.empty() || path.front() != '/') {
        throw Problem(Problem::Kind::core, "libkinescore is named by \"" + path + "\"; an absolute path is needed");
    }
    auto opening = std::make_unique<Opened>();
    // It stays loaded: threads of its own may still be ending when it is closed.
    opening->library.reset(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE));
    if (!opening->library) {
        const char *reason = ::dlerror();
        throw Problem(Problem::Kind::core, "Kinescore's library cannot be opened, please install it again: " +
                                               std::string(reason != nullptr ? reason : path));
    }
    try {
        opening->api = kinescore::Api::loaded(
            [&](const char *name) { return ::dlsym(opening->library.get(), name); });
    } catch (const kinescore::Error &error) {
        throw Problem(Problem::Kind::core,
                      path + ": " + error.what() + "; please install plugin and library of one release");
    }
    kinescore::Resources resources;
    resources.models = places_.models;
    resources.onnxruntime = places_.onnxruntime;
    resources.soundfont = places_.soundfont;
    resources.cache = places_.cache;
    translated([&] { opening->engine.emplace(resources, opening->api); });
    opened_ = std::move(opening);
    return *opened_;
}

std::string Core::key(const SoundOrder &order) {
    Opened &core = opened();
    return translated([&] {
        return core.engine->key(core.settings(order.settings), order.media, order.source_in, order.source_out,
                                term(order.speed.numerator, order), term(order.speed.denominator, order));
    });
}

void Core::make(const SoundOrder &order, const std::string &wav, const Progress &progress) {
    make_files(order, {{"wav", wav}}, progress);
}

void Core::make_files(const SoundOrder &order, const Files &files, const Progress &progress) {
    Opened &core = opened();
    kinescore::Job &job = translated([&]() -> kinescore::Job & { return core.job(order); });
    try {
        translated([&] {
            job.set_cut(order.source_in, order.source_out, term(order.speed.numerator, order),
                        term(order.speed.denominator, order));
            run(job, progress);
            write(job, files);
        });
    } catch (...) {
        core.jobs.pop_front(); // its state is unknown
        throw;
    }
}

std::unique_ptr<PushedClip> Core::begin_frames(const kinescore_frames_info &info, const Settings &settings) {
    Opened &core = opened();
    return translated([&] { return std::make_unique<Frames>(core, info, settings); });
}

} // namespace kinescore::bridge
