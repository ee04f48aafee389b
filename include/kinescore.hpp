/*
 * Kinescore for C++17: kinescore.h with handles that free themselves. Header only.
 *
 * Objects own their handle and can be moved but not copied. A call that fails throws
 * kinescore::Error, which has the status and the message. The rules on threads are those of
 * kinescore.h.
 *
 * By default the functions are those of the library that the program is linked with. A plugin that
 * opens the library itself, such as with dlopen, passes an Api with the functions that it found to
 * what it makes first: Engine and Settings. It then needs nothing at link time.
 */
#ifndef KINESCORE_HPP
#define KINESCORE_HPP

#include "kinescore.h"

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kinescore {

/// The functions of kinescore.h, without their prefix.
#define KINESCORE_FUNCTIONS(use)                                                                   \
    use(abi_version) use(version) use(status_name) use(last_error) use(set_log)                    \
    use(setting_count) use(setting_at)                                                             \
    use(settings_new) use(settings_set) use(settings_get) use(settings_free)                       \
    use(engine_new) use(engine_key) use(engine_free)                                               \
    use(job_new) use(job_open_video) use(job_set_cut) use(job_set_marks) use(job_key)              \
    use(job_run) use(job_cancel)                                                                   \
    use(job_begin_frames) use(job_push_frame) use(job_end_frames) use(job_summary) use(job_beats)  \
    use(job_accents) use(job_body_accents) use(job_holds) use(job_music_key)                       \
    use(job_audio_format) use(job_read_audio) use(job_write) use(job_free)

/// A failed call: what() is the message.
class Error : public std::runtime_error {
public:
    /// `name` must be a string that is never freed.
    Error(kinescore_status status, const std::string &sentence, const char *name)
        : std::runtime_error(sentence), status_(status), name_(name) {}

    kinescore_status status() const noexcept { return status_; }

    /// The status' name, such as "KINESCORE_NO_BEAT".
    const char *name() const noexcept { return name_; }

private:
    kinescore_status status_;
    const char *name_;
};

/// The functions of one libkinescore. Objects made with it refer to it: it must outlive them.
struct Api {
#define KINESCORE_POINTER(name) decltype(&kinescore_##name) name = nullptr;
    KINESCORE_FUNCTIONS(KINESCORE_POINTER)
#undef KINESCORE_POINTER

    /// Those of the library that the program is linked with.
    static const Api &linked() {
        static const Api api = [] {
            Api made;
#define KINESCORE_LINKED(name) made.name = &kinescore_##name;
            KINESCORE_FUNCTIONS(KINESCORE_LINKED)
#undef KINESCORE_LINKED
            return made;
        }();
        return api;
    }

    /// Those that `find` returns for their names, such as "kinescore_job_run", as void *; nullptr
    /// if the library lacks one. Throws unless the library has the interface version of this header
    /// and all of its functions; only kinescore_abi_version is called.
    template <typename Find> static Api loaded(Find find) {
        Api made;
        get(made.abi_version, find, "kinescore_abi_version");
        made.check_abi();
#define KINESCORE_LOADED(name) get(made.name, find, "kinescore_" #name);
        KINESCORE_FUNCTIONS(KINESCORE_LOADED)
#undef KINESCORE_LOADED
        return made;
    }

    /// Throws if `status` is not KINESCORE_OK. Must be called on the thread that made the call.
    void check(kinescore_status status) const {
        if (status != KINESCORE_OK) {
            throw Error(status, last_error(), status_name(status));
        }
    }

    /// Throws unless the library has the interface version of this header.
    void check_abi() const {
        if (abi_version() != KINESCORE_ABI_VERSION) {
            throw Error(KINESCORE_OTHER,
                        "libkinescore has interface " + std::to_string(abi_version()) + "; expected " +
                            std::to_string(KINESCORE_ABI_VERSION),
                        "KINESCORE_OTHER");
        }
    }

private:
    template <typename Function, typename Find> static void get(Function &function, Find &find, const char *name) {
        void *found = find(name);
        if (found == nullptr) {
            throw Error(KINESCORE_OTHER, std::string("not a libkinescore: it lacks ") + name, "KINESCORE_OTHER");
        }
        function = reinterpret_cast<Function>(found);
    }
};

/// Throws unless the linked library has the interface version of this header. Call it before
/// anything else.
inline void check_abi() { Api::linked().check_abi(); }

namespace detail {

template <typename Handle> using Owner = std::unique_ptr<Handle, void (*)(Handle *)>;

/// A struct with struct_size set and all other bytes zero.
template <typename Struct> Struct sized() {
    Struct value{};
    value.struct_size = static_cast<std::uint32_t>(sizeof(Struct));
    return value;
}

/// Reads text with two calls, the first of which returns its size.
template <typename Call> std::string text(const Api &api, Call call) {
    std::size_t size = 0;
    api.check(call(nullptr, 0, &size));
    std::string value(size, '\0');
    api.check(call(&value[0], value.size(), &size));
    value.resize(size == 0 ? 0 : size - 1);
    return value;
}

/// Reads items with two calls, the first of which returns their number.
template <typename Item, typename Call> std::vector<Item> items(const Api &api, Call call) {
    std::size_t count = 0;
    api.check(call(nullptr, 0, &count));
    std::vector<Item> values(count);
    if (count > 0) {
        api.check(call(values.data(), values.size(), &count));
    }
    return values;
}

} // namespace detail

/// Descriptions of all settings. Their strings stay valid until the process ends.
inline std::vector<kinescore_setting> settings_table(const Api &api = Api::linked()) {
    std::vector<kinescore_setting> table;
    for (std::size_t index = 0; index < api.setting_count(); ++index) {
        auto setting = detail::sized<kinescore_setting>();
        api.check(api.setting_at(index, &setting));
        table.push_back(setting);
    }
    return table;
}

/// A set of values for all settings.
class Settings {
public:
    explicit Settings(const Api &api = Api::linked()) : api_(&api), handle_(nullptr, api.settings_free) {
        kinescore_settings *made = nullptr;
        api.check(api.settings_new(&made));
        handle_.reset(made);
    }

    void set(const std::string &key, const std::string &value) {
        api_->check(api_->settings_set(handle_.get(), key.c_str(), value.c_str()));
    }

    std::string get(const std::string &key) const {
        return detail::text(*api_, [&](char *buffer, std::size_t capacity, std::size_t *size) {
            return api_->settings_get(handle_.get(), key.c_str(), buffer, capacity, size);
        });
    }

    kinescore_settings *handle() const noexcept { return handle_.get(); }

private:
    const Api *api_;
    detail::Owner<kinescore_settings> handle_;
};

/// Where an engine finds its files; "" and 0 mean the defaults.
struct Resources {
    std::string models;
    std::string onnxruntime;
    std::string soundfont;
    std::string cache; ///< "": no cache
    std::uint64_t cache_limit = 0;
    std::uint32_t threads = 0;
};

/// Loaded models and SoundFont, shared by all jobs and threads.
class Engine {
public:
    explicit Engine(const Resources &resources = {}, const Api &api = Api::linked())
        : api_(&api), handle_(nullptr, api.engine_free) {
        auto given = detail::sized<kinescore_resources>();
        given.models = resources.models.c_str();
        given.onnxruntime = resources.onnxruntime.c_str();
        given.soundfont = resources.soundfont.c_str();
        given.cache = resources.cache.c_str();
        given.cache_limit = resources.cache_limit;
        given.threads = resources.threads;
        kinescore_engine *made = nullptr;
        api.check(api.engine_new(&given, &made));
        handle_.reset(made);
    }

    /// The key of the soundtrack for a media file: a soundtrack with the same key is up to date.
    std::string key(const Settings &settings, const std::string &media, std::int64_t start = KINESCORE_MEDIA_START,
                    std::int64_t end = KINESCORE_MEDIA_END, std::uint32_t speed_numerator = 1,
                    std::uint32_t speed_denominator = 1) const {
        return detail::text(*api_, [&](char *buffer, std::size_t capacity, std::size_t *size) {
            return api_->engine_key(handle_.get(), settings.handle(), media.c_str(), start, end, speed_numerator,
                                        speed_denominator, buffer, capacity, size);
        });
    }

    kinescore_engine *handle() const noexcept { return handle_.get(); }
    const Api &api() const noexcept { return *api_; }

private:
    const Api *api_;
    detail::Owner<kinescore_engine> handle_;
};

/// Makes the soundtrack of one clip.
class Job {
public:
    /// Receives the stage, the share of it that is done, and the share of the whole run; return
    /// false to cancel. run() rethrows its exceptions.
    using Progress = std::function<bool(int stage, double stage_done, double overall_done)>;

    explicit Job(const Engine &engine) : Job(engine, nullptr) {}
    /// The settings must be of the engine's library.
    Job(const Engine &engine, const Settings &settings) : Job(engine, settings.handle()) {}

    void open_video(const std::string &path) { api_->check(api_->job_open_video(handle_.get(), path.c_str())); }

    /// These functions set struct_size themselves.
    void begin_frames(kinescore_frames_info info) {
        info.struct_size = static_cast<std::uint32_t>(sizeof info);
        api_->check(api_->job_begin_frames(handle_.get(), &info));
    }
    void push_frame(kinescore_frame frame) {
        frame.struct_size = static_cast<std::uint32_t>(sizeof frame);
        api_->check(api_->job_push_frame(handle_.get(), &frame));
    }
    void end_frames() { api_->check(api_->job_end_frames(handle_.get())); }

    void set_cut(std::int64_t start, std::int64_t end, std::uint32_t speed_numerator = 1,
                 std::uint32_t speed_denominator = 1) {
        api_->check(api_->job_set_cut(handle_.get(), start, end, speed_numerator, speed_denominator));
    }

    /// The JSON text of marks; "" removes them.
    void set_marks(const std::string &marks) { api_->check(api_->job_set_marks(handle_.get(), marks.c_str())); }

    void run(const Progress &progress = {}) {
        if (!progress) {
            api_->check(api_->job_run(handle_.get(), nullptr, nullptr));
            return;
        }
        Watch watch{&progress, nullptr};
        const kinescore_status status = api_->job_run(handle_.get(), &Job::report, &watch);
        if (watch.thrown) {
            std::rethrow_exception(watch.thrown);
        }
        api_->check(status);
    }

    /// Can be called from any thread.
    void cancel() const { api_->check(api_->job_cancel(handle_.get())); }

    kinescore_summary summary() const {
        auto value = detail::sized<kinescore_summary>();
        api_->check(api_->job_summary(handle_.get(), &value));
        return value;
    }

    std::vector<kinescore_beat> beats() const {
        return detail::items<kinescore_beat>(*api_, [&](kinescore_beat *to, std::size_t capacity, std::size_t *count) {
            return api_->job_beats(handle_.get(), to, capacity, count);
        });
    }

    std::vector<kinescore_accent> accents() const {
        return detail::items<kinescore_accent>(*api_, [&](kinescore_accent *to, std::size_t capacity, std::size_t *count) {
            return api_->job_accents(handle_.get(), to, capacity, count);
        });
    }

    std::vector<kinescore_body_accent> body_accents() const {
        return detail::items<kinescore_body_accent>(*api_, [&](kinescore_body_accent *to, std::size_t capacity, std::size_t *count) {
            return api_->job_body_accents(handle_.get(), to, capacity, count);
        });
    }

    std::vector<kinescore_hold> holds() const {
        return detail::items<kinescore_hold>(*api_, [&](kinescore_hold *to, std::size_t capacity, std::size_t *count) {
            return api_->job_holds(handle_.get(), to, capacity, count);
        });
    }

    std::string key() const {
        return detail::text(*api_, [&](char *buffer, std::size_t capacity, std::size_t *size) {
            return api_->job_key(handle_.get(), buffer, capacity, size);
        });
    }

    std::string music_key() const {
        return detail::text(*api_, [&](char *buffer, std::size_t capacity, std::size_t *size) {
            return api_->job_music_key(handle_.get(), buffer, capacity, size);
        });
    }

    kinescore_audio_format audio_format() const {
        auto value = detail::sized<kinescore_audio_format>();
        api_->check(api_->job_audio_format(handle_.get(), &value));
        return value;
    }

    /// Copies up to `frames` sample frames starting at `first`; returns how many were copied.
    std::size_t read_audio(std::uint64_t first, std::size_t frames, float *samples) const {
        std::size_t read = 0;
        api_->check(api_->job_read_audio(handle_.get(), first, frames, samples, &read));
        return read;
    }

    void write(const std::string &format, const std::string &path) {
        api_->check(api_->job_write(handle_.get(), format.c_str(), path.c_str()));
    }

    kinescore_job *handle() const noexcept { return handle_.get(); }

private:
    struct Watch {
        const Progress *progress;
        std::exception_ptr thrown;
    };

    Job(const Engine &engine, kinescore_settings *settings)
        : api_(&engine.api()), handle_(nullptr, api_->job_free) {
        kinescore_job *made = nullptr;
        api_->check(api_->job_new(engine.handle(), settings, &made));
        handle_.reset(made);
    }

    // Exceptions must not pass through the library.
    static std::int32_t report(void *user, std::int32_t stage, double stage_done, double overall_done) noexcept {
        auto *watch = static_cast<Watch *>(user);
        if (watch->thrown) {
            return 0;
        }
        try {
            return (*watch->progress)(stage, stage_done, overall_done) ? 1 : 0;
        } catch (...) {
            watch->thrown = std::current_exception();
            return 0;
        }
    }

    const Api *api_;
    detail::Owner<kinescore_job> handle_;
};

} // namespace kinescore

#endif
