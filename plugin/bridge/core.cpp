#include "core.hpp"

#include "../../include/kinescore.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <utility>

namespace kinescore::bridge {

namespace {

/// The functions of the core that are used here, by their names.
struct Api {
    decltype(&kinescore_abi_version) abi_version;
    decltype(&kinescore_last_error) last_error;
    decltype(&kinescore_settings_new) settings_new;
    decltype(&kinescore_settings_set) settings_set;
    decltype(&kinescore_settings_free) settings_free;
    decltype(&kinescore_engine_new) engine_new;
    decltype(&kinescore_engine_key) engine_key;
    decltype(&kinescore_engine_free) engine_free;
    decltype(&kinescore_job_new) job_new;
    decltype(&kinescore_job_open_video) job_open_video;
    decltype(&kinescore_job_set_cut) job_set_cut;
    decltype(&kinescore_job_run) job_run;
    decltype(&kinescore_job_write) job_write;
    decltype(&kinescore_job_free) job_free;
};

struct Unload {
    void operator()(void *library) const noexcept { ::dlclose(library); }
};

template <typename Handle> using Owner = std::unique_ptr<Handle, void (*)(Handle *)>;

/// Jobs that are kept open: an edit of a clip that was rendered a moment ago takes a fraction of a second.
constexpr std::size_t jobs_kept = 4;

struct OpenJob {
    std::string media;
    Settings settings;
    Owner<kinescore_job> job;
};

template <typename Function> void find(void *library, const std::string &path, const char *name, Function &function) {
    void *symbol = ::dlsym(library, name);
    if (symbol == nullptr) {
        throw Problem(Problem::Kind::core, path + ": is no libkinescore: it lacks " + name);
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

/// A term of a speed as the core takes it.
std::uint32_t term(std::int64_t value, const Order &order) {
    if (value < 1 || value > UINT32_MAX) {
        throw Problem(Problem::Kind::usage, order.media + ": is played at a speed of " +
                                                std::to_string(order.speed.numerator) + "/" +
                                                std::to_string(order.speed.denominator) +
                                                "; allowed are ratios of numbers from 1 to 4294967295");
    }
    return static_cast<std::uint32_t>(value);
}

/// What a render tells its progress to: no exception may pass through the library.
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
    // In this order, so that handles go before the library does.
    std::unique_ptr<void, Unload> library;
    Api api{};
    Owner<kinescore_engine> engine{nullptr, nullptr};
    std::list<OpenJob> jobs; ///< The one used last is the first.

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

    /// The open job of a media with these settings, or a new one, in front of the others.
    OpenJob &job(const Order &order) {
        for (auto job = jobs.begin(); job != jobs.end(); ++job) {
            if (job->media == order.media && job->settings == order.settings) {
                jobs.splice(jobs.begin(), jobs, job);
                return jobs.front();
            }
        }
        const Owner<kinescore_settings> values = settings(order.settings);
        kinescore_job *made = nullptr;
        check(api.job_new(engine.get(), values.get(), &made));
        Owner<kinescore_job> job(made, api.job_free);
        check(api.job_open_video(made, order.media.c_str()));
        jobs.push_front({order.media, order.settings, std::move(job)});
        if (jobs.size() > jobs_kept) {
            jobs.pop_back();
        }
        return jobs.front();
    }
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
    // It stays loaded for good: threads of its own may still be on their way out when it is closed.
    opening->library.reset(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE));
    if (!opening->library) {
        const char *reason = ::dlerror();
        throw Problem(Problem::Kind::core, "Kinescore's library cannot be opened, please install it again: " +
                                               std::string(reason != nullptr ? reason : path));
    }
    void *library = opening->library.get();
    Api &api = opening->api;
    find(library, path, "kinescore_abi_version", api.abi_version);
    if (api.abi_version() != KINESCORE_ABI_VERSION) {
        throw Problem(Problem::Kind::core, path + ": has interface " + std::to_string(api.abi_version()) + "; needed is " +
                                               std::to_string(KINESCORE_ABI_VERSION) +
                                               ": please install plugin and library of one release");
    }
    find(library, path, "kinescore_last_error", api.last_error);
    find(library, path, "kinescore_settings_new", api.settings_new);
    find(library, path, "kinescore_settings_set", api.settings_set);
    find(library, path, "kinescore_settings_free", api.settings_free);
    find(library, path, "kinescore_engine_new", api.engine_new);
    find(library, path, "kinescore_engine_key", api.engine_key);
    find(library, path, "kinescore_engine_free", api.engine_free);
    find(library, path, "kinescore_job_new", api.job_new);
    find(library, path, "kinescore_job_open_video", api.job_open_video);
    find(library, path, "kinescore_job_set_cut", api.job_set_cut);
    find(library, path, "kinescore_job_run", api.job_run);
    find(library, path, "kinescore_job_write", api.job_write);
    find(library, path, "kinescore_job_free", api.job_free);

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

std::string Core::key(const Order &order) {
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

void Core::make(const Order &order, const std::string &wav, const Progress &progress) {
    Opened &core = opened();
    kinescore_job *job = core.job(order).job.get();
    try {
        core.check(core.api.job_set_cut(job, order.source_in, order.source_out,
                                        term(order.speed.numerator, order),
                                        term(order.speed.denominator, order)));
        Watch watch{progress, nullptr};
        const kinescore_status status = core.api.job_run(job, &report, &watch);
        if (watch.thrown) {
            std::rethrow_exception(watch.thrown);
        }
        core.check(status);
        core.check(core.api.job_write(job, "wav", wav.c_str()));
    } catch (...) {
        core.jobs.pop_front(); // whatever state it is in
        throw;
    }
}

} // namespace kinescore::bridge
