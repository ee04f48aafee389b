/*
 * Kinescore for C++17: kinescore.h with handles that free themselves. Header only.
 *
 * Objects own their handle and can be moved but not copied. A call that fails throws
 * kinescore::Error, which has the status and the message. The rules on threads are those of
 * kinescore.h.
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

/// A failed call: what() is the message.
class Error : public std::runtime_error {
public:
    Error(kinescore_status status, const std::string &sentence) : std::runtime_error(sentence), status_(status) {}

    kinescore_status status() const noexcept { return status_; }

    /// The status' name, such as "KINESCORE_NO_BEAT".
    const char *name() const noexcept { return kinescore_status_name(status_); }

private:
    kinescore_status status_;
};

/// Throws if `status` is not KINESCORE_OK. Must be called on the thread that made the call.
inline void check(kinescore_status status) {
    if (status != KINESCORE_OK) {
        throw Error(status, kinescore_last_error());
    }
}

/// Throws unless the loaded library has the interface version of this header. Call it before
/// anything else.
inline void check_abi() {
    if (kinescore_abi_version() != KINESCORE_ABI_VERSION) {
        throw Error(KINESCORE_OTHER, "libkinescore has interface " + std::to_string(kinescore_abi_version()) +
                                         "; this program needs " + std::to_string(KINESCORE_ABI_VERSION));
    }
}

namespace detail {

template <typename Handle, void (*Free)(Handle *)> struct Deleter {
    void operator()(Handle *handle) const noexcept { Free(handle); }
};

template <typename Handle, void (*Free)(Handle *)> using Owner = std::unique_ptr<Handle, Deleter<Handle, Free>>;

/// A struct with struct_size set and all other bytes zero.
template <typename Struct> Struct sized() {
    Struct value{};
    value.struct_size = static_cast<std::uint32_t>(sizeof(Struct));
    return value;
}

/// Reads text with two calls, the first of which returns its size.
template <typename Call> std::string text(Call call) {
    std::size_t size = 0;
    check(call(nullptr, 0, &size));
    std::string value(size, '\0');
    check(call(&value[0], value.size(), &size));
    value.resize(size == 0 ? 0 : size - 1);
    return value;
}

/// Reads items with two calls, the first of which returns their number.
template <typename Item, typename Call> std::vector<Item> items(Call call) {
    std::size_t count = 0;
    check(call(nullptr, 0, &count));
    std::vector<Item> values(count);
    if (count > 0) {
        check(call(values.data(), values.size(), &count));
    }
    return values;
}

} // namespace detail

/// Descriptions of all settings. Their strings stay valid until the process ends.
inline std::vector<kinescore_setting> settings_table() {
    std::vector<kinescore_setting> table;
    for (std::size_t index = 0; index < kinescore_setting_count(); ++index) {
        auto setting = detail::sized<kinescore_setting>();
        check(kinescore_setting_at(index, &setting));
        table.push_back(setting);
    }
    return table;
}

/// A set of values for all settings.
class Settings {
public:
    Settings() {
        kinescore_settings *made = nullptr;
        check(kinescore_settings_new(&made));
        handle_.reset(made);
    }

    void set(const std::string &key, const std::string &value) {
        check(kinescore_settings_set(handle_.get(), key.c_str(), value.c_str()));
    }

    std::string get(const std::string &key) const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *size) {
            return kinescore_settings_get(handle_.get(), key.c_str(), buffer, capacity, size);
        });
    }

    kinescore_settings *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<kinescore_settings, kinescore_settings_free> handle_;
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
    explicit Engine(const Resources &resources = {}) {
        auto given = detail::sized<kinescore_resources>();
        given.models = resources.models.c_str();
        given.onnxruntime = resources.onnxruntime.c_str();
        given.soundfont = resources.soundfont.c_str();
        given.cache = resources.cache.c_str();
        given.cache_limit = resources.cache_limit;
        given.threads = resources.threads;
        kinescore_engine *made = nullptr;
        check(kinescore_engine_new(&given, &made));
        handle_.reset(made);
    }

    /// The key of the soundtrack for a media file: a soundtrack with the same key is up to date.
    std::string key(const Settings &settings, const std::string &media, std::int64_t start = KINESCORE_MEDIA_START,
                    std::int64_t end = KINESCORE_MEDIA_END, std::uint32_t speed_numerator = 1,
                    std::uint32_t speed_denominator = 1) const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *size) {
            return kinescore_engine_key(handle_.get(), settings.handle(), media.c_str(), start, end, speed_numerator,
                                        speed_denominator, buffer, capacity, size);
        });
    }

    kinescore_engine *handle() const noexcept { return handle_.get(); }

private:
    detail::Owner<kinescore_engine, kinescore_engine_free> handle_;
};

/// Makes the soundtrack of one clip.
class Job {
public:
    /// Receives the stage, the share of it that is done, and the share of the whole run; return
    /// false to cancel. run() rethrows its exceptions.
    using Progress = std::function<bool(int stage, double stage_done, double overall_done)>;

    explicit Job(const Engine &engine) : Job(engine.handle(), nullptr) {}
    Job(const Engine &engine, const Settings &settings) : Job(engine.handle(), settings.handle()) {}

    void open_video(const std::string &path) { check(kinescore_job_open_video(handle_.get(), path.c_str())); }

    /// These functions set struct_size themselves.
    void begin_frames(kinescore_frames_info info) {
        info.struct_size = static_cast<std::uint32_t>(sizeof info);
        check(kinescore_job_begin_frames(handle_.get(), &info));
    }
    void push_frame(kinescore_frame frame) {
        frame.struct_size = static_cast<std::uint32_t>(sizeof frame);
        check(kinescore_job_push_frame(handle_.get(), &frame));
    }
    void end_frames() { check(kinescore_job_end_frames(handle_.get())); }

    void set_cut(std::int64_t start, std::int64_t end, std::uint32_t speed_numerator = 1,
                 std::uint32_t speed_denominator = 1) {
        check(kinescore_job_set_cut(handle_.get(), start, end, speed_numerator, speed_denominator));
    }

    void run(const Progress &progress = {}) {
        if (!progress) {
            check(kinescore_job_run(handle_.get(), nullptr, nullptr));
            return;
        }
        Watch watch{&progress, nullptr};
        const kinescore_status status = kinescore_job_run(handle_.get(), &Job::report, &watch);
        if (watch.thrown) {
            std::rethrow_exception(watch.thrown);
        }
        check(status);
    }

    /// Can be called from any thread.
    void cancel() const { check(kinescore_job_cancel(handle_.get())); }

    kinescore_summary summary() const {
        auto value = detail::sized<kinescore_summary>();
        check(kinescore_job_summary(handle_.get(), &value));
        return value;
    }

    std::vector<kinescore_beat> beats() const {
        return detail::items<kinescore_beat>([&](kinescore_beat *to, std::size_t capacity, std::size_t *count) {
            return kinescore_job_beats(handle_.get(), to, capacity, count);
        });
    }

    std::vector<kinescore_accent> accents() const {
        return detail::items<kinescore_accent>([&](kinescore_accent *to, std::size_t capacity, std::size_t *count) {
            return kinescore_job_accents(handle_.get(), to, capacity, count);
        });
    }

    std::vector<kinescore_body_accent> body_accents() const {
        return detail::items<kinescore_body_accent>([&](kinescore_body_accent *to, std::size_t capacity, std::size_t *count) {
            return kinescore_job_body_accents(handle_.get(), to, capacity, count);
        });
    }

    std::vector<kinescore_hold> holds() const {
        return detail::items<kinescore_hold>([&](kinescore_hold *to, std::size_t capacity, std::size_t *count) {
            return kinescore_job_holds(handle_.get(), to, capacity, count);
        });
    }

    std::string key() const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *size) {
            return kinescore_job_key(handle_.get(), buffer, capacity, size);
        });
    }

    std::string music_key() const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *size) {
            return kinescore_job_music_key(handle_.get(), buffer, capacity, size);
        });
    }

    kinescore_audio_format audio_format() const {
        auto value = detail::sized<kinescore_audio_format>();
        check(kinescore_job_audio_format(handle_.get(), &value));
        return value;
    }

    /// Copies up to `frames` sample frames starting at `first`; returns how many were copied.
    std::size_t read_audio(std::uint64_t first, std::size_t frames, float *samples) const {
        std::size_t read = 0;
        check(kinescore_job_read_audio(handle_.get(), first, frames, samples, &read));
        return read;
    }

    void write(const std::string &format, const std::string &path) {
        check(kinescore_job_write(handle_.get(), format.c_str(), path.c_str()));
    }

    kinescore_job *handle() const noexcept { return handle_.get(); }

private:
    struct Watch {
        const Progress *progress;
        std::exception_ptr thrown;
    };

    Job(kinescore_engine *engine, kinescore_settings *settings) {
        kinescore_job *made = nullptr;
        check(kinescore_job_new(engine, settings, &made));
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

    detail::Owner<kinescore_job, kinescore_job_free> handle_;
};

} // namespace kinescore

#endif
