#include "core.hpp"

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <utility>

namespace kinescore::bridge {

namespace {

/// The functions of the core that are used here, except `abi_version`, which is called first.
#define KINESCORE_USED(use)                                                                                             \
    use(last_error) use(settings_new) use(settings_set) use(settings_free) use(engine_new) use(engine_key)              \
        use(engine_free) use(job_new) use(job_open_video) use(job_set_cut) use(job_begin_frames) use(job_push_frame)    \
            use(job_end_frames) use(job_run) use(job_write) use(job_free)

struct Api {
#define KINESCORE_DECLARE(name) decltype(&kinescore_##name) name;
    KINESCORE_USED(KINESCORE_DECLARE)
#undef KINESCORE_DECLARE
};

struct Unload {
    void operator()(void *library) const noexcept { ::dlclose(library); }
};

template <typename Handle> using Owner = std::unique_ptr<Handle, void (*)(Handle *)>;

/// Number of jobs kept open: after that, an edit of a recently rendered clip takes a fraction of a
/// second.
constexpr std::size_t jobs_kept = 4;

struct OpenJob {
    std::string media;
    Settings settings;
    Owner<kinescore_job> job;
};

template <typename Function> void find(void *library, const std::string &path, const char *name, Function &function) {
    void *symbol = ::dlsym(library, name);
    if (symbol == nullptr) {
        throw Problem(Problem::Kind::core, path + ": is not a libkinescore: it lacks " + name);
    }
    function = reinterpret_cast<Function>(symbol);
}

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

/// Receives the progress of a render: no exception may pass through the library.
struct Watch {
    const Progress &progress;
    std::exception_ptr thrown;
};

std::int32_t report(void *user, std::int32_t, double, double done) noexcept {
    auto &watch = *static_cast<Watch *>(user);
    if (watch.thrown) {
        return 0;
    }
    try {
        return !watch.progress || watch.progress(done) ? 1 : 0;
    } catch (...) {
        watch.thrown = std::current_exception();
        return 0;
    }
}

} // namespace

struct Core::Opened {
    // In this order, so that handles are destroyed before the library is closed.
    std::unique_ptr<void, Unload> library;
    Api api{};
    Owner<kinescore_engine> engine{nullptr, nullptr};
    std::list<OpenJob> jobs; ///< The most recently used is the first.

    void check(kinescore_status status) const {
        if (status != KINESCORE_OK) {
            throw Problem(kind_of(status), api.last_error());
        }
    }

    Owner<kinescore_settings> settings(const Settings &values) const {
        kinescore_settings *made = nullptr;
        check(api.settings_new(&made));
        Owner<kinescore_settings> settings(made, api.settings_free);
        for (const auto &[key, value] : values) {
            check(api.settings_set(made, key.c_str(), value.c_str()));
        }
        return settings;
    }

    Owner<kinescore_job> new_job(const Settings &values) const {
        const Owner<kinescore_settings> chosen = settings(values);
        kinescore_job *made = nullptr;
        check(api.job_new(engine.get(), chosen.get(), &made));
        return {made, api.job_free};
    }

    void run(kinescore_job *job, const Progress &progress) const {
        Watch watch{progress, nullptr};
        const kinescore_status status = api.job_run(job, &report, &watch);
        if (watch.thrown) {
            std::rethrow_exception(watch.thrown);
        }
        check(status);
    }

    void write(kinescore_job *job, const Files &files) const {
        for (const auto &[format, path] : files) {
            check(api.job_write(job, format.c_str(), path.c_str()));
        }
    }

    /// The open job of a media with these settings, or a new one, moved to the front.
    OpenJob &job(const SoundOrder &order) {
        for (auto job = jobs.begin(); job != jobs.end(); ++job) {
            if (job->media == order.media && job->settings == order.settings) {
                jobs.splice(jobs.begin(), jobs, job);
                return jobs.front();
            }
        }
        Owner<kinescore_job> job = new_job(order.settings);
        check(api.job_open_video(job.get(), order.media.c_str()));
        jobs.push_front({order.media, order.settings, std::move(job)});
        if (jobs.size() > jobs_kept) {
            jobs.pop_back();
        }
        return jobs.front();
    }
};

struct Core::Frames : PushedClip {
    Frames(const Opened &core, const kinescore_frames_info &info, const Settings &settings)
        : core(core), job(core.new_job(settings)) {
        core.check(core.api.job_begin_frames(job.get(), &info));
    }

    void push(const kinescore_frame &frame) override { core.check(core.api.job_push_frame(job.get(), &frame)); }

    void finish(const Files &files, const Progress &progress) override {
        core.check(core.api.job_end_frames(job.get()));
        core.run(job.get(), progress);
        core.write(job.get(), files);
    }

    const Opened &core;
    Owner<kinescore_job> job;
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
    void *library = opening->library.get();
    Api &api = opening->api;
    decltype(&kinescore_abi_version) abi_version = nullptr;
    find(library, path, "kinescore_abi_version", abi_version);
    if (abi_version() != KINESCORE_ABI_VERSION) {
        throw Problem(Problem::Kind::core, path + ": has interface " + std::to_string(abi_version()) + "; expected " +
                                               std::to_string(KINESCORE_ABI_VERSION) +
                                               ": please install plugin and library from the same release");
    }
#define KINESCORE_FIND(name) find(library, path, "kinescore_" #name, api.name);
    KINESCORE_USED(KINESCORE_FIND)
#undef KINESCORE_FIND

    kinescore_resources resources{};
    resources.struct_size = static_cast<std::uint32_t>(sizeof resources);
    resources.models = places_.models.c_str();
    resources.onnxruntime = places_.onnxruntime.c_str();
    resources.soundfont = places_.soundfont.c_str();
    resources.cache = places_.cache.c_str();
    kinescore_engine *engine = nullptr;
    opening->check(api.engine_new(&resources, &engine));
    opening->engine = Owner<kinescore_engine>(engine, api.engine_free);
    opened_ = std::move(opening);
    return *opened_;
}

std::string Core::key(const SoundOrder &order) {
    Opened &core = opened();
    const Owner<kinescore_settings> settings = core.settings(order.settings);
    const auto ask = [&](char *buffer, std::size_t capacity, std::size_t &size) {
        core.check(core.api.engine_key(core.engine.get(), settings.get(), order.media.c_str(), order.source_in,
                                       order.source_out, term(order.speed.numerator, order),
                                       term(order.speed.denominator, order), buffer, capacity, &size));
    };
    std::size_t size = 0;
    ask(nullptr, 0, size);
    std::string key(size, '\0');
    ask(&key[0], key.size(), size);
    key.resize(size == 0 ? 0 : size - 1);
    return key;
}

void Core::make(const SoundOrder &order, const std::string &wav, const Progress &progress) {
    make_files(order, {{"wav", wav}}, progress);
}

void Core::make_files(const SoundOrder &order, const Files &files, const Progress &progress) {
    Opened &core = opened();
    kinescore_job *job = core.job(order).job.get();
    try {
        core.check(core.api.job_set_cut(job, order.source_in, order.source_out,
                                        term(order.speed.numerator, order),
                                        term(order.speed.denominator, order)));
        core.run(job, progress);
        core.write(job, files);
    } catch (...) {
        core.jobs.pop_front(); // its state is unknown
        throw;
    }
}

std::unique_ptr<PushedClip> Core::begin_frames(const kinescore_frames_info &info, const Settings &settings) {
    return std::make_unique<Frames>(opened(), info, settings);
}

} // namespace kinescore::bridge
