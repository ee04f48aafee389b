#include "effect.hpp"

#include "watched.hpp"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

extern char **environ;

namespace kinescore::ofx {

namespace fs = std::filesystem;
using bridge::Problem;

namespace {

/// Names of WAVs that existing instances use, so that a copied instance gets its own files when it
/// is changed.
class Names {
public:
    void hold(const Effect *effect, const std::string &wav) {
        const std::lock_guard lock(mutex_);
        held_.erase(std::remove_if(held_.begin(), held_.end(), [&](const auto &held) { return held.first == effect; }),
                    held_.end());
        if (!wav.empty()) {
            held_.emplace_back(effect, wav);
        }
    }

    bool held_by_another(const Effect *effect, const std::string &wav) {
        const std::lock_guard lock(mutex_);
        return std::any_of(held_.begin(), held_.end(),
                           [&](const auto &held) { return held.first != effect && held.second == wav; });
    }

private:
    std::mutex mutex_;
    std::vector<std::pair<const Effect *, std::string>> held_;
};

Names names;

/// Converts to flicks; a part of the media may begin and end at any time.
bridge::Flicks flicks(double seconds) {
    return std::llround(seconds * static_cast<double>(bridge::flicks_per_second));
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits, in hexadecimal digits: enough to distinguish sources.
std::string hash_of(const std::string &text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char character : text) {
        hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3U;
    }
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4) {
        digits += "0123456789abcdef"[(hash >> shift) & 0xf];
    }
    return digits;
}

/// The clip's name in the core's errors and the analysis if the host does not name a file.
constexpr const char *frames_name = "the editor's clip";

/// Share of the progress bar for fetching frames: the poses are found at the same time, which is
/// most of the work.
constexpr double fetching = 0.9;

/// Opens a folder in the desktop's file manager, without waiting for it.
bool open_folder(const std::string &folder) {
    // The shell ends at once, so no process is left behind.
    const std::string command = "xdg-open \"$0\" >/dev/null 2>&1 </dev/null &";
    std::vector<std::string> words = {"sh", "-c", "command -v xdg-open >/dev/null || exit 1; " + command, folder};
    std::vector<char *> arguments;
    for (std::string &word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    pid_t process = 0;
    int status = 0;
    return ::posix_spawn(&process, "/bin/sh", nullptr, nullptr, arguments.data(), environ) == 0 &&
           ::waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

Effect::Effect(Studio &studio, OfxImageEffectHandle handle)
    : studio_(studio), handle_(handle), parameters_(studio.suites(), [&] {
          OfxParamSetHandle set = nullptr;
          studio.suites().effects->getParamSet(handle, &set);
          return set;
      }()) {
    const OfxImageEffectSuiteV1 &effects = *studio_.suites().effects;
    effects.clipGetHandle(handle_, kOfxImageEffectSimpleSourceClipName, &clip_, nullptr);
    effects.clipGetHandle(handle_, kOfxImageEffectOutputClipName, &output_, nullptr);
    if (const std::optional<Soundtrack> made = soundtrack()) {
        names.hold(this, made->wav);
    }
    parameters_.place_choices();
    parameters_.show_what_counts();
    publish();
}

Effect::~Effect() { names.hold(this, ""); }

std::optional<FrameRange> Effect::range() const {
    OfxPropertySetHandle handle = nullptr;
    if (clip_ == nullptr || studio_.suites().effects->clipGetPropertySet(clip_, &handle) != kOfxStatOK) {
        return std::nullopt;
    }
    const Properties clip(studio_.suites(), handle);
    const std::optional<double> first = clip.number(kOfxImageEffectPropFrameRange, 0);
    const std::optional<double> last = clip.number(kOfxImageEffectPropFrameRange, 1);
    const std::optional<double> rate = clip.number(kOfxImageEffectPropFrameRate);
    // A still picture or a generator may be endless.
    const double longest = 1e7;
    if (!first || !last || !rate || !(*first <= *last) || !(*last - *first < longest)) {
        return std::nullopt;
    }
    return FrameRange{*first, *last, frame_rate(*rate)};
}

Source Effect::source() const {
    Source source;
    source.settings = parameters_.settings();
    source.media = parameters_.text(name::media);
    const std::optional<FrameRange> frames = range();
    if (source.media.empty()) {
        if (!frames) {
            throw Problem(Problem::Kind::usage, "This editor does not report which frames the clip has. Please name its video file "
                                                "under \"Media file\"");
        }
        source.frames = *frames;
        return source;
    }
    if (!fs::path(source.media).is_absolute()) {
        throw Problem(Problem::Kind::usage, source.media + ": is not an absolute path; \"Media file\" takes one that begins with /");
    }
    struct stat found {};
    if (::stat(source.media.c_str(), &found) != 0) {
        throw Problem(Problem::Kind::input, source.media + ": cannot be read: " + std::strerror(errno));
    }
    source.size = static_cast<std::uintmax_t>(found.st_size);
    source.modified = std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec;
    const double end = parameters_.number(name::media_end, 0.0);
    source.in = flicks(parameters_.number(name::media_start, 0.0));
    if (end > 0.0) {
        source.out = flicks(end);
    } else if (frames) {
        source.out = source.in + frames->duration();
    }
    return source;
}

std::string Effect::source_text() const {
    try {
        return source().text();
    } catch (const Problem &) {
        return "";
    }
}

std::optional<Soundtrack> Effect::soundtrack() const {
    {
        const std::lock_guard lock(mutex_);
        if (unsaved_) {
            return unsaved_;
        }
    }
    return Soundtrack::read(parameters_.text(name::result));
}

std::string Effect::folder(const Source &source) const {
    fs::path folder = parameters_.text(name::folder);
    if (folder.empty() && !source.media.empty()) {
        folder = fs::path(source.media).parent_path();
    }
    // OpenFX does not report the project's folder.
    const char *home = std::getenv("HOME");
    if (folder.empty() && home != nullptr) {
        folder = fs::path(home) / "Kinescore";
    }
    if (!folder.is_absolute()) {
        throw Problem(Problem::Kind::usage, "\"" + folder.string() + "\" is not an absolute path; \"Output folder\" takes one that begins with /");
    }
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        throw Problem(Problem::Kind::output, folder.string() + ": cannot be created: " + error.message());
    }
    return folder.string();
}

std::string Effect::choose(const Source &source) const {
    std::string stem = parameters_.text(name::file_name);
    if (stem.find('/') != std::string::npos) {
        throw Problem(Problem::Kind::usage, "\"" + stem + "\" is not a file name; \"File name\" takes one without /");
    }
    if (stem.empty()) {
        stem = source.media.empty() ? "clip" : fs::path(source.media).stem().string();
    }
    const std::optional<Soundtrack> before = soundtrack();
    return choose_wav(folder(source), stem, source, before ? before->wav : "",
                      [this](const std::string &wav) { return names.held_by_another(this, wav); });
}

void Effect::changed(const std::string &parameter) {
    if (parameter == name::generate) {
        make(Occasion::user);
    } else if (parameter == name::update) {
        update();
    } else if (parameter == name::show) {
        show_file();
    } else if (parameter != name::status && parameter != name::result) {
        edited_ = true;
        parameters_.keep_words();
        parameters_.show_what_counts();
    }
    publish();
}

void Effect::end_changes() {
    const bool follows = edited_ && parameters_.flag(name::follow, false);
    edited_ = false;
    if (follows && soundtrack()) {
        update();
    }
    publish();
}

void Effect::sync() {
    if (!gone_) {
        parameters_.keep_words();
    }
    publish();
}

void Effect::begin_render() {
    if (!parameters_.flag(name::follow, false) || parameters_.text(name::media).empty()) {
        return; // this action must not request pictures at other times
    }
    const std::optional<Soundtrack> made = soundtrack();
    if (!made && !studio_.in_background()) {
        return; // there is a user who can press the button
    }
    const std::string now = source_text();
    {
        const std::lock_guard lock(mutex_);
        if (!failure_.empty() && failed_source_ == now) {
            return;
        }
    }
    if (!made || !made->is_of(now)) {
        make(Occasion::render);
    }
}

void Effect::update() {
    const std::optional<Soundtrack> made = soundtrack();
    if (!made || !made->is_of(source_text())) {
        make(Occasion::user);
    }
}

void Effect::show_file() {
    const std::optional<Soundtrack> made = soundtrack();
    if (!made || !made->exists()) {
        show_message(kOfxMessageMessage, "There is no soundtrack to show yet: press \"Generate soundtrack\"");
    } else if (!open_folder(fs::path(made->wav).parent_path().string())) {
        show_message(kOfxMessageMessage, "The soundtrack is " + made->wav);
    }
}

void Effect::make(Occasion occasion) {
    const Studio::Claim claim(studio_);
    if (!claim) {
        if (occasion == Occasion::user) {
            show_message(kOfxMessageMessage, "A soundtrack is already being made");
        }
        return;
    }
    std::string of_what;
    try {
        const Source source = this->source();
        of_what = source.text();
        const Soundtrack made = made_of(source, choose(source), occasion);
        keep(made);
    } catch (const Problem &problem) {
        if (problem.kind() == Problem::Kind::core) {
            studio_.forget_core();
        }
        const bool cancelled = problem.kind() == Problem::Kind::cancelled;
        if (cancelled && occasion == Occasion::render) {
            return; // the host will render again
        }
        fail(of_what, cancelled ? "Cancelled" : problem.what());
        if (!cancelled) {
            show_message(kOfxMessageError, problem.what());
        }
    }
}

Soundtrack Effect::made_of(const Source &source, const std::string &wav, Occasion occasion) {
    Soundtrack made{wav, "", source.text()};
    // If a host stores nothing for the plugin, the existing soundtrack is found by its name.
    const std::optional<Soundtrack> there = Soundtrack::beside(wav);
    if (occasion == Occasion::render && there && there->is_of(made.source)) {
        return *there;
    }
    made.key = source.media.empty() ? make_of_frames(source, wav) : make_of_media(source, wav, occasion);
    made.note();
    return made;
}

std::string Effect::make_of_media(const Source &source, const std::string &wav, Occasion occasion) {
    bridge::Core &core = studio_.core();
    const bridge::SoundOrder order{source.media, source.in, source.out, {}, source.settings};
    const auto work = [&](const bridge::Progress &progress) { core.make_files(order, files_beside(wav), progress); };
    if (occasion == Occasion::render) {
        run_watched(work, [this](double) { return go_on_in_render(); });
    } else {
        ProgressBar bar(studio_.suites(), handle_, "Kinescore: making the soundtrack", gone_);
        run_watched(work, [&bar](double done) { return bar.update(done); });
    }
    return core.key(order);
}

std::string Effect::make_of_frames(const Source &source, const std::string &wav) {
    const FrameRange &frames = source.frames;
    const Suites &suites = studio_.suites();
    ProgressBar bar(suites, handle_, "Kinescore: watching the clip", gone_);
    std::unique_ptr<bridge::PushedClip> clip;
    std::vector<float> converted;
    for (long index = 0; index < frames.count(); ++index) {
        if (!bar.update(fetching * static_cast<double>(index) / static_cast<double>(frames.count()))) {
            throw Problem(Problem::Kind::cancelled, "Cancelled");
        }
        const double at = frames.first + static_cast<double>(index);
        const std::optional<Picture> picture = Picture::fetch(suites, clip_, at);
        if (!picture) {
            continue; // there is no picture
        }
        const double seconds = static_cast<double>(index) * static_cast<double>(frames.rate.denominator) /
                               static_cast<double>(frames.rate.numerator);
        const kinescore_frame frame = picture->frame(seconds, frames_name, converted);
        if (!clip) {
            OfxPropertySetHandle handle = nullptr;
            suites.effects->clipGetPropertySet(clip_, &handle);
            kinescore_frames_info info{};
            info.struct_size = static_cast<std::uint32_t>(sizeof info);
            info.width = frame.width;
            info.height = frame.height;
            info.pixel_aspect = Properties(suites, handle).number(kOfxImagePropPixelAspectRatio).value_or(0.0);
            info.frame_rate = static_cast<double>(frames.rate.numerator) / static_cast<double>(frames.rate.denominator);
            info.duration = static_cast<double>(frames.duration()) / static_cast<double>(bridge::flicks_per_second);
            info.name = frames_name;
            clip = studio_.core().begin_frames(info, source.settings);
        }
        clip->push(frame);
    }
    if (!clip) {
        throw Problem(Problem::Kind::input, "The editor gives no pictures of the clip. Please name its video file under \"Media file\"");
    }
    const auto work = [&](const bridge::Progress &progress) { clip->finish(files_beside(wav), progress); };
    run_watched(work, [&bar](double done) { return bar.update(fetching + (1.0 - fetching) * done); });
    return "frames-" + hash_of(source.text());
}

bool Effect::go_on_in_render() const { return studio_.suites().effects->abort(handle_) == 0; }

void Effect::keep(const Soundtrack &made) {
    names.hold(this, made.wav);
    const std::lock_guard lock(mutex_);
    unsaved_ = made;
    failed_source_.clear();
    failure_.clear();
}

void Effect::fail(const std::string &source, const std::string &failure) {
    const std::lock_guard lock(mutex_);
    failed_source_ = source;
    failure_ = failure;
}

void Effect::publish() {
    if (gone_) {
        return;
    }
    std::optional<Soundtrack> made;
    {
        const std::lock_guard lock(mutex_);
        made.swap(unsaved_);
    }
    if (made) {
        parameters_.set_text(name::result, made->text());
    }
    parameters_.set_text(name::status, status());
}

std::string Effect::status() const {
    std::string now;
    std::string unknown;
    try {
        now = source().text();
    } catch (const Problem &problem) {
        unknown = problem.what();
    }
    {
        const std::lock_guard lock(mutex_);
        if (!failure_.empty() && failed_source_ == now) {
            return failure_;
        }
    }
    const std::optional<Soundtrack> made = soundtrack();
    if (!made) {
        return unknown.empty() ? "No soundtrack yet" : unknown;
    }
    if (!unknown.empty()) {
        return unknown;
    }
    if (!made->exists()) {
        return "Out of date: " + made->wav + " is gone";
    }
    return (made->source == now ? "Up to date: " : "Out of date, press Update: ") + made->wav;
}

void Effect::show_message(const char *type, const std::string &sentence) const {
    if (const OfxMessageSuiteV1 *messages = studio_.suites().messages; messages != nullptr && !gone_) {
        messages->message(handle_, type, "", "%s", sentence.c_str());
    }
}

OfxStatus Effect::identity(Properties in, Properties out) const {
    const std::optional<double> time = in.number(kOfxPropTime);
    if (!time) {
        return kOfxStatReplyDefault;
    }
    out.set(kOfxPropName, kOfxImageEffectSimpleSourceClipName);
    out.set(kOfxPropTime, *time);
    return kOfxStatOK;
}

OfxStatus Effect::render(Properties in) const {
    const Suites &suites = studio_.suites();
    const double time = in.number(kOfxPropTime).value_or(0.0);
    const std::optional<Picture> to = Picture::fetch(suites, output_, time);
    if (!to) {
        return kOfxStatFailed;
    }
    OfxRectI window = to->bounds();
    if (in.whole(kOfxImageEffectPropRenderWindow, 3)) {
        window = {*in.whole(kOfxImageEffectPropRenderWindow, 0), *in.whole(kOfxImageEffectPropRenderWindow, 1),
                  *in.whole(kOfxImageEffectPropRenderWindow, 2), *in.whole(kOfxImageEffectPropRenderWindow, 3)};
    }
    const std::optional<Picture> from = Picture::fetch(suites, clip_, time);
    if (!from) {
        to->clear(window); // transparent where the clip shows nothing, as OpenFX requires
        return kOfxStatOK;
    }
    return to->copy(*from, window) ? kOfxStatOK : kOfxStatErrImageFormat;
}

} // namespace kinescore::ofx
