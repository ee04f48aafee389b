/*
 * A substitute for libkinescore in tests of plugins: the part of its C interface that plugins use,
 * fast, with results that contain the request.
 *
 * Environment, read at each call:
 *   KINESCORE_FAKE_LOG      file that gets a line for each call: the function's name
 *   KINESCORE_FAKE_STEPS    number of progress reports of a run, 10 by default
 *   KINESCORE_FAKE_STEP_MS  milliseconds before each, 1 by default
 *
 * A media file, or a clip of frames, with "nobody" in its name contains nobody. The setting
 * "no.such" is unknown, and no setting takes the value "impossible". Compiled with
 * KINESCORE_FAKE_ABI it has that interface version, and ends the process when anything else is
 * called.
 */
#pragma GCC visibility push(default)
#include "../../../include/kinescore.h"
#pragma GCC visibility pop

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifndef KINESCORE_FAKE_ABI
#define KINESCORE_FAKE_ABI KINESCORE_ABI_VERSION
#endif

namespace {

using Settings = std::map<std::string, std::string>;
using Facts = std::vector<std::pair<std::string, std::string>>;

struct Failure {
    kinescore_status status;
    std::string sentence;
};

thread_local std::string last_sentence;

/// Records a call; ends the process if the interface version should have prevented the call.
void note(const char *function) {
    if (const char *log = std::getenv("KINESCORE_FAKE_LOG")) {
        const std::string line = std::string(function) + "\n";
        const int file = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (file < 0 || ::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            std::perror(log);
        }
        ::close(file);
    }
    if (KINESCORE_FAKE_ABI != KINESCORE_ABI_VERSION && std::strcmp(function, "kinescore_abi_version") != 0) {
        std::fprintf(stderr, "%s was called in a library with another interface\n", function);
        std::abort();
    }
}

template <typename Work> kinescore_status call(const char *function, Work work) {
    note(function);
    try {
        work();
        return KINESCORE_OK;
    } catch (const Failure &failure) {
        last_sentence = failure.sentence;
        return failure.status;
    } catch (const std::exception &fault) {
        last_sentence = std::string(function) + ": " + fault.what();
        return KINESCORE_PANIC;
    }
}

template <typename Pointer> Pointer &given(Pointer *pointer, const char *name) {
    if (pointer == nullptr) {
        throw Failure{KINESCORE_NULL_POINTER, std::string(name) + " is NULL"};
    }
    return *pointer;
}

template <typename Struct> const Struct &sized(const Struct *pointer, const char *name) {
    if (given(pointer, name).struct_size < sizeof(Struct)) {
        throw Failure{KINESCORE_BAD_STRUCT_SIZE, std::string(name) + ": struct_size is " + std::to_string(pointer->struct_size) +
                                                     "; at least " + std::to_string(sizeof(Struct)) + " is needed"};
    }
    return *pointer;
}

void copy_text(const std::string &text, char *buffer, std::size_t capacity, std::size_t *size) {
    const std::size_t needed = text.size() + 1;
    given(size, "size");
    if (buffer != nullptr || capacity != 0) {
        if (capacity < needed) {
            throw Failure{KINESCORE_BUFFER_TOO_SMALL, "the buffer has " + std::to_string(capacity) + " bytes; needed are " +
                                                          std::to_string(needed)};
        }
        std::memcpy(&given(buffer, "buffer"), text.c_str(), needed);
    }
    *size = needed;
}

constexpr std::uint64_t fnv_start = 0xcbf29ce484222325;

std::uint64_t fnv(const void *data, std::size_t size, std::uint64_t hash = fnv_start) {
    const auto *bytes = static_cast<const unsigned char *>(data);
    for (std::size_t index = 0; index < size; ++index) {
        hash = (hash ^ bytes[index]) * 0x100000001b3;
    }
    return hash;
}

std::string hex(std::uint64_t number) {
    char text[17];
    std::snprintf(text, sizeof text, "%016" PRIx64, number);
    return text;
}

std::string decimal(double number) {
    char text[64];
    std::snprintf(text, sizeof text, "%.6f", number);
    return text;
}

/// The size of a frame, or the announced size of frames.
template <typename Sized> std::string size_text(const Sized &frame) {
    return std::to_string(frame.width) + "x" + std::to_string(frame.height);
}

unsigned environment(const char *name, unsigned otherwise) {
    const char *text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

struct Cut {
    std::int64_t start = KINESCORE_MEDIA_START;
    std::int64_t end = KINESCORE_MEDIA_END;
    std::uint32_t numerator = 1;
    std::uint32_t denominator = 1;

    bool operator==(const Cut &other) const {
        return start == other.start && end == other.end && numerator == other.numerator && denominator == other.denominator;
    }

    std::string text() const {
        return (start == KINESCORE_MEDIA_START ? "start" : std::to_string(start)) + " to " +
               (end == KINESCORE_MEDIA_END ? "end" : std::to_string(end)) + " at " + std::to_string(numerator) + "/" +
               std::to_string(denominator);
    }
};

Cut checked_cut(std::int64_t start, std::int64_t end, std::uint32_t numerator, std::uint32_t denominator) {
    const double speed = denominator == 0 ? 0.0 : static_cast<double>(numerator) / denominator;
    if (speed < 0.25 || speed > 4.0) {
        throw Failure{KINESCORE_BAD_ARGUMENT, "the speed is " + std::to_string(numerator) + "/" + std::to_string(denominator) +
                                                  "; expected 1/4 to 4"};
    }
    const bool begins = start != KINESCORE_MEDIA_START;
    const bool ends = end != KINESCORE_MEDIA_END;
    if ((begins && start < 0) || (ends && end <= (begins ? start : 0))) {
        throw Failure{KINESCORE_CUT_OUTSIDE, "the cut goes from " + std::to_string(start) + " to " + std::to_string(end) + " flicks"};
    }
    const double seconds = static_cast<double>(end - (begins ? start : 0)) / static_cast<double>(KINESCORE_FLICKS_PER_SECOND) / speed;
    if (ends && seconds < 2.0) {
        throw Failure{KINESCORE_CLIP_TOO_SHORT, "the cut is " + decimal(seconds) + " s long; at least 2 s are needed"};
    }
    return {start, end, numerator, denominator};
}

/// The properties of the file that represent its content.
std::string media_state(const std::string &path) {
    struct stat state {};
    if (::stat(path.c_str(), &state) != 0) {
        throw Failure{KINESCORE_INPUT, path + ": cannot be read: " + std::strerror(errno)};
    }
    return path + "\n" + std::to_string(state.st_size) + "\n" + std::to_string(state.st_mtim.tv_sec) + "." +
           std::to_string(state.st_mtim.tv_nsec);
}

std::string key_of(const std::string &media, const Cut &cut, const Settings &settings) {
    std::string text = media_state(media) + "\n" + cut.text();
    for (const auto &[key, value] : settings) {
        text += "\n" + key + "=" + value;
    }
    std::string key;
    for (char part = '0'; part < '4'; ++part) {
        key += hex(fnv(text.data(), text.size(), fnv(&part, 1)));
    }
    return key;
}

struct PushedFrame {
    kinescore_frame form; ///< Without pixels.
    std::uint64_t checksum;

    std::string text() const {
        const char *layouts[] = {"rgb", "bgr", "rgba", "bgra"};
        const char *depths[] = {"u8", "u16", "f32"};
        return size_text(form) + " " + layouts[form.layout - 1] + " " +
               depths[form.depth - 1] + " at " + decimal(form.time) + " checksum " + hex(checksum);
    }
};

std::size_t row_bytes(const kinescore_frame &frame) {
    const std::size_t channels = frame.layout >= KINESCORE_LAYOUT_RGBA ? 4 : 3;
    const std::size_t bytes = frame.depth == KINESCORE_DEPTH_U8 ? 1 : frame.depth == KINESCORE_DEPTH_U16 ? 2 : 4;
    return frame.width * channels * bytes;
}

/// Over the pixels from the top row down, without the bytes between rows.
std::uint64_t checksum(const kinescore_frame &frame) {
    std::uint64_t hash = fnv_start;
    for (std::int64_t row = 0; row < frame.height; ++row) {
        hash = fnv(static_cast<const unsigned char *>(frame.pixels) + row * frame.stride, row_bytes(frame), hash);
    }
    return hash;
}

std::string quoted(const std::string &text) {
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            quoted += '\\';
        }
        if (static_cast<unsigned char>(character) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(character));
            quoted += escape;
        } else {
            quoted += character;
        }
    }
    return quoted + "\"";
}

/// Each fact on a line "name: value".
std::string as_lines(const Facts &facts) {
    std::string text;
    for (const auto &[name, value] : facts) {
        text += name + ": " + value + "\n";
    }
    return text;
}

/// The same as an object of strings; all names are different.
std::string as_json(const Facts &facts) {
    std::string text = "{";
    for (const auto &[name, value] : facts) {
        text += (text.size() == 1 ? "\n  " : ",\n  ") + quoted(name) + ": " + quoted(value);
    }
    return text + "\n}\n";
}

void write_file(const std::string &path, const std::string &content) {
    const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
    std::ofstream file(temporary, std::ios::binary);
    file << content;
    file.close();
    if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
        const std::string reason = std::strerror(errno);
        std::remove(temporary.c_str());
        throw Failure{KINESCORE_OUTPUT, path + ": cannot be written: " + reason};
    }
}

} // namespace

struct kinescore_settings {
    Settings values;
};

struct kinescore_engine {
    Facts resources;
};

struct kinescore_job {
    enum class Media { none, video, frames, all_frames };

    Facts resources;
    Settings settings;
    Media media = Media::none;
    std::string name; ///< Of the file or the clip.
    kinescore_frames_info info{};
    std::vector<PushedFrame> frames;
    Cut cut;
    bool done = false;

    std::atomic<bool> in_use{false};

    void be_new() {
        media = Media::none;
        name.clear();
        frames.clear();
        done = false;
    }

    void check_done() const {
        if (!done) {
            throw Failure{KINESCORE_WRONG_STATE, "the job has not run"};
        }
    }

};

namespace {

/// A call on a job: one at a time.
class Use {
public:
    explicit Use(const kinescore_job *job) : job_(const_cast<kinescore_job &>(given(job, "job"))) {
        if (job_.in_use.exchange(true)) {
            throw Failure{KINESCORE_BUSY, "another call on this job is in progress"};
        }
    }
    ~Use() { job_.in_use = false; }
    Use(const Use &) = delete;
    Use &operator=(const Use &) = delete;

    kinescore_job *operator->() const { return &job_; }
    kinescore_job &operator*() const { return job_; }

private:
    kinescore_job &job_;
};

void check_new(const kinescore_job &job) {
    if (job.media != kinescore_job::Media::none) {
        throw Failure{KINESCORE_WRONG_STATE, "the job has a video or frames already"};
    }
}

void check_frame(const kinescore_job &job, const kinescore_frame &frame) {
    const std::string name = job.name + ": frame " + std::to_string(job.frames.size());
    if (frame.width != job.info.width || frame.height != job.info.height) {
        throw Failure{KINESCORE_FRAME, name + " is " + size_text(frame) + "; announced were " + size_text(job.info)};
    }
    if (frame.layout < KINESCORE_LAYOUT_RGB || frame.layout > KINESCORE_LAYOUT_BGRA) {
        throw Failure{KINESCORE_FRAME, name + " has the layout " + std::to_string(frame.layout) + "; expected 1 to 4"};
    }
    if (frame.depth < KINESCORE_DEPTH_U8 || frame.depth > KINESCORE_DEPTH_F32) {
        throw Failure{KINESCORE_FRAME, name + " has the depth " + std::to_string(frame.depth) + "; expected 1 to 3"};
    }
    if (static_cast<std::uint64_t>(std::llabs(frame.stride)) < row_bytes(frame)) {
        throw Failure{KINESCORE_FRAME, name + " has rows of " + std::to_string(row_bytes(frame)) + " bytes and a stride of " +
                                           std::to_string(frame.stride)};
    }
    const double before = job.frames.empty() ? -1.0 : job.frames.back().form.time;
    if (!(frame.time >= 0.0 && frame.time > before)) {
        throw Failure{KINESCORE_FRAME, name + " is shown at " + decimal(frame.time) + " s, after one at " + decimal(before) + " s"};
    }
}

/// The work of a run, in a separate thread, like the real one's may be.
kinescore_status work(kinescore_progress_fn progress, void *user) {
    const unsigned steps = environment("KINESCORE_FAKE_STEPS", 10);
    const std::chrono::milliseconds pause(environment("KINESCORE_FAKE_STEP_MS", 1));
    for (unsigned step = 1; step <= steps; ++step) {
        std::this_thread::sleep_for(pause);
        const double share = static_cast<double>(step) / steps;
        const auto stage = std::min<std::int32_t>(KINESCORE_STAGE_POSE + static_cast<std::int32_t>(share * 6.0), KINESCORE_STAGE_AUDIO);
        if (progress != nullptr && progress(user, stage, share, share) == 0) {
            return KINESCORE_CANCELLED;
        }
    }
    return KINESCORE_OK;
}

Facts facts(const kinescore_job &job, const std::string &format) {
    Facts facts{{"format", format}};
    if (job.media == kinescore_job::Media::video) {
        facts.emplace_back("media", job.name);
    } else {
        facts.emplace_back("frames", std::to_string(job.frames.size()));
        facts.emplace_back("clip", job.name + " " + size_text(job.info) + " pixel aspect " + decimal(job.info.pixel_aspect) + " rate " +
                                       decimal(job.info.frame_rate) + " duration " + decimal(job.info.duration));
    }
    facts.emplace_back("cut", job.cut.text());
    facts.insert(facts.end(), job.resources.begin(), job.resources.end());
    for (const auto &[key, value] : job.settings) {
        facts.emplace_back("setting " + key, value);
    }
    for (std::size_t index = 0; index < job.frames.size(); ++index) {
        facts.emplace_back("frame " + std::to_string(index), job.frames[index].text());
    }
    return facts;
}

} // namespace

uint32_t kinescore_abi_version(void) {
    note("kinescore_abi_version");
    return KINESCORE_FAKE_ABI;
}

const char *kinescore_last_error(void) {
    note("kinescore_last_error");
    return last_sentence.c_str();
}

kinescore_status kinescore_settings_new(kinescore_settings **settings) {
    return call("kinescore_settings_new", [&] { given(settings, "settings") = new kinescore_settings; });
}

kinescore_status kinescore_settings_set(kinescore_settings *settings, const char *key, const char *value) {
    return call("kinescore_settings_set", [&] {
        Settings &values = given(settings, "settings").values;
        const std::string name = &given(key, "key");
        const std::string text = &given(value, "value");
        if (name == "no.such") {
            throw Failure{KINESCORE_UNKNOWN_SETTING, "there is no setting " + name};
        }
        if (text == "impossible") {
            throw Failure{KINESCORE_SETTING_VALUE, "the setting " + name + " does not allow \"" + text + "\""};
        }
        values[name] = text;
    });
}

void kinescore_settings_free(kinescore_settings *settings) {
    note("kinescore_settings_free");
    delete settings;
}

kinescore_status kinescore_engine_new(const kinescore_resources *resources, kinescore_engine **engine) {
    return call("kinescore_engine_new", [&] {
        given(engine, "engine");
        Facts given_info;
        if (resources != nullptr) {
            sized(resources, "resources");
            const auto note = [&](const char *name, const char *value) {
                if (value != nullptr && *value != '\0') {
                    given_info.emplace_back(name, value);
                }
            };
            note("models", resources->models);
            note("onnxruntime", resources->onnxruntime);
            note("soundfont", resources->soundfont);
            note("cache", resources->cache);
        }
        *engine = new kinescore_engine{given_info};
    });
}

kinescore_status kinescore_engine_key(const kinescore_engine *engine, const kinescore_settings *settings, const char *media, int64_t start,
                                      int64_t end, uint32_t speed_numerator, uint32_t speed_denominator, char *buffer, size_t capacity,
                                      size_t *size) {
    return call("kinescore_engine_key", [&] {
        given(engine, "engine");
        const Cut cut = checked_cut(start, end, speed_numerator, speed_denominator);
        const std::string key = key_of(&given(media, "media"), cut, settings == nullptr ? Settings() : settings->values);
        copy_text(key, buffer, capacity, size);
    });
}

void kinescore_engine_free(kinescore_engine *engine) {
    note("kinescore_engine_free");
    delete engine;
}

kinescore_status kinescore_job_new(const kinescore_engine *engine, const kinescore_settings *settings, kinescore_job **job) {
    return call("kinescore_job_new", [&] {
        const Facts &resources = given(engine, "engine").resources;
        given(job, "job") = new kinescore_job;
        (*job)->resources = resources;
        if (settings != nullptr) {
            (*job)->settings = settings->values;
        }
    });
}

kinescore_status kinescore_job_open_video(kinescore_job *job, const char *path) {
    return call("kinescore_job_open_video", [&] {
        const Use used(job);
        const std::string name = &given(path, "path");
        check_new(*used);
        media_state(name);
        used->media = kinescore_job::Media::video;
        used->name = name;
    });
}

kinescore_status kinescore_job_set_cut(kinescore_job *job, int64_t start, int64_t end, uint32_t speed_numerator,
                                       uint32_t speed_denominator) {
    return call("kinescore_job_set_cut", [&] {
        const Use used(job);
        const Cut cut = checked_cut(start, end, speed_numerator, speed_denominator);
        used->done = used->done && cut == used->cut;
        used->cut = cut;
    });
}

kinescore_status kinescore_job_run(kinescore_job *job, kinescore_progress_fn progress, void *user) {
    return call("kinescore_job_run", [&] {
        const Use used(job);
        if (used->media != kinescore_job::Media::video && used->media != kinescore_job::Media::all_frames) {
            throw Failure{KINESCORE_WRONG_STATE, "the job has no video and no frames"};
        }
        if (used->done) {
            return;
        }
        if (used->name.find("nobody") != std::string::npos) {
            throw Failure{KINESCORE_NO_PERSON, used->name + ": there is nobody in the clip"};
        }
        kinescore_status status = KINESCORE_OK;
        std::thread([&] { status = work(progress, user); }).join();
        if (status != KINESCORE_OK) {
            throw Failure{status, "cancelled"};
        }
        used->done = true;
    });
}

void kinescore_job_free(kinescore_job *job) {
    note("kinescore_job_free");
    delete job;
}

kinescore_status kinescore_job_begin_frames(kinescore_job *job, const kinescore_frames_info *info) {
    return call("kinescore_job_begin_frames", [&] {
        const Use used(job);
        const kinescore_frames_info &given_info = sized(info, "info");
        check_new(*used);
        if (std::min(given_info.width, given_info.height) < 16 || std::max(given_info.width, given_info.height) > 16384) {
            throw Failure{KINESCORE_FRAME_SIZE, "the frames are " + size_text(given_info) + "; expected 16 to 16384"};
        }
        if (given_info.duration != 0.0 && !(given_info.duration >= 2.0 && given_info.duration <= 86400.0)) {
            throw Failure{KINESCORE_CLIP_TOO_SHORT, "the clip is " + decimal(given_info.duration) + " s long; expected 2 s to 86400 s"};
        }
        if (given_info.pixel_aspect != 0.0 && !(given_info.pixel_aspect >= 0.1 && given_info.pixel_aspect <= 10.0)) {
            throw Failure{KINESCORE_FRAME, "the pixel aspect is " + decimal(given_info.pixel_aspect) + "; expected 0.1 to 10"};
        }
        used->media = kinescore_job::Media::frames;
        used->name = given_info.name == nullptr ? "pushed frames" : given_info.name;
        used->info = given_info;
        used->info.name = nullptr; // borrowed for the call
    });
}

kinescore_status kinescore_job_push_frame(kinescore_job *job, const kinescore_frame *frame) {
    return call("kinescore_job_push_frame", [&] {
        const Use used(job);
        const kinescore_frame &pushed = sized(frame, "frame");
        if (used->media != kinescore_job::Media::frames) {
            throw Failure{KINESCORE_WRONG_STATE, "no frames were begun"};
        }
        given(static_cast<const unsigned char *>(pushed.pixels), "pixels");
        check_frame(*used, pushed);
        used->frames.push_back({pushed, checksum(pushed)});
        used->frames.back().form.pixels = nullptr;
    });
}

kinescore_status kinescore_job_end_frames(kinescore_job *job) {
    return call("kinescore_job_end_frames", [&] {
        const Use used(job);
        if (used->media != kinescore_job::Media::frames) {
            throw Failure{KINESCORE_WRONG_STATE, "no frames were begun"};
        }
        if (used->frames.empty()) {
            used->be_new();
            throw Failure{KINESCORE_NO_FRAMES, "no frame was pushed"};
        }
        used->media = kinescore_job::Media::all_frames;
    });
}

kinescore_status kinescore_job_write(kinescore_job *job, const char *format, const char *path) {
    return call("kinescore_job_write", [&] {
        const Use used(job);
        const std::string kind = &given(format, "format");
        const std::string name = &given(path, "path");
        used->check_done();
        if (kind == "json") {
            write_file(name, as_json(facts(*used, kind)));
        } else if (kind == "wav" || kind == "mid") {
            write_file(name, as_lines(facts(*used, kind)));
        } else {
            throw Failure{KINESCORE_BAD_ARGUMENT, "the format is \"" + kind + "\"; this stand-in has wav, mid and json"};
        }
    });
}
