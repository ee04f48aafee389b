#include "soundtrack.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace kinescore::ofx {

namespace fs = std::filesystem;
using bridge::Problem;

namespace {

constexpr const char *suffix = ".soundtrack";
/// Key of the plugin's addition to the core's analysis.
constexpr const char *mark = "soundtrack";

std::string with_extension(const std::string &wav, const char *extension) {
    return fs::path(wav).replace_extension(extension).string();
}

std::optional<nlohmann::ordered_json> read_json(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    nlohmann::ordered_json found = nlohmann::ordered_json::parse(file, nullptr, false);
    if (!found.is_object()) {
        return std::nullopt;
    }
    return found;
}

/// End of the name of an analysis that is being written.
constexpr const char *unfinished_end = ".soundtrack.json.unfinished";

/// Age at which a file being written is considered left over from a killed host.
constexpr std::chrono::hours long_ago{1};

bool ends_with(const std::string &text, const std::string &end) {
    return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Removes from a folder the analyses of soundtracks whose writing was interrupted long ago.
void clear_unfinished(const fs::path &folder) {
    const auto now = std::chrono::system_clock::now();
    std::error_code ignored;
    for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
        const std::string name = at->path().filename().string();
        struct stat there {};
        const bool ours = ends_with(name, unfinished_end) && ::lstat(at->path().c_str(), &there) == 0 &&
                          S_ISREG(there.st_mode) && there.st_uid == ::geteuid();
        if (ours && now - std::chrono::system_clock::from_time_t(there.st_mtime) >= long_ago) {
            ::unlink(at->path().c_str()); // a file that cannot be removed does no harm
        }
    }
}

/// Writes a file in one step.
void write(const std::string &path, const std::string &text) {
    clear_unfinished(fs::path(path).parent_path());
    const std::string unfinished = path + ".unfinished";
    {
        std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
        file << text;
        file.close();
        if (!file) {
            std::error_code ignored;
            fs::remove(unfinished, ignored);
            throw Problem(Problem::Kind::output, path + ": cannot be written");
        }
    }
    std::error_code error;
    fs::rename(unfinished, path, error);
    if (error) {
        throw Problem(Problem::Kind::output, path + ": cannot be written: " + error.message());
    }
}

/// Paths need not be UTF-8; JSON must be.
std::string dump(const nlohmann::json &json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Whether two sources are the same clip, perhaps with another end or other settings.
bool same_clip(const std::string &one, const Source &other) {
    const nlohmann::json source = nlohmann::json::parse(one, nullptr, false);
    return source.is_object() && !other.media.empty() && source.value("media", "") == other.media &&
           source.value("in", bridge::Flicks{-1}) == other.in;
}

/// Whether a path is one of those that `choose_wav` tries.
bool is_choice(const fs::path &path, const std::string &folder, const std::string &stem) {
    const std::string name = path.filename().string();
    const std::string end = std::string(suffix) + ".wav";
    if (path.parent_path() != fs::path(folder) || name.rfind(stem, 0) != 0 || name.size() < stem.size() + end.size() ||
        name.compare(name.size() - end.size(), end.size(), end) != 0) {
        return false;
    }
    const std::string number = name.substr(stem.size(), name.size() - stem.size() - end.size());
    return number.empty() || (number.size() > 1 && number[0] == '-' && number.find_first_not_of("0123456789", 1) == std::string::npos);
}

} // namespace

long FrameRange::count() const { return std::lround(last - first) + 1; }

bridge::Flicks FrameRange::duration() const {
    return count() * bridge::flicks_per_second / rate.numerator * rate.denominator;
}

bridge::Ratio frame_rate(double rate) {
    if (!(rate > 0.1 && rate <= 1000.0)) {
        throw Problem(Problem::Kind::input, "the editor reports a frame rate of " + std::to_string(rate) +
                                                " for the clip; expected 0.1 to 1000 frames a second");
    }
    const double whole = std::round(rate);
    if (std::abs(rate - whole) < 1e-3) {
        return {static_cast<std::int64_t>(whole), 1};
    }
    const double film = std::round(rate * 1.001);
    if (std::abs(rate - film / 1.001) < 5e-3) {
        return {static_cast<std::int64_t>(film) * 1000, 1001};
    }
    return {std::llround(rate * 1000.0), 1000};
}

std::string Source::text() const {
    nlohmann::json json = {{"settings", settings}};
    if (media.empty()) {
        json["frames"] = {{"first", frames.first},
                          {"last", frames.last},
                          {"rate", {frames.rate.numerator, frames.rate.denominator}}};
    } else {
        json["media"] = media;
        json["size"] = size;
        json["modified"] = modified;
        json["in"] = in;
        if (out != KINESCORE_MEDIA_END) {
            json["out"] = out;
        }
    }
    return dump(json);
}

std::string Soundtrack::text() const {
    return dump({{"wav", wav}, {"key", key}, {"source", nlohmann::json::parse(source)}});
}

std::optional<Soundtrack> Soundtrack::read(const std::string &text) {
    const nlohmann::json found = nlohmann::json::parse(text, nullptr, false);
    if (!found.is_object()) {
        return std::nullopt;
    }
    try {
        return Soundtrack{found.at("wav").get<std::string>(), found.at("key").get<std::string>(),
                          dump(found.at("source"))};
    } catch (const nlohmann::json::exception &) {
        return std::nullopt; // not written by this plugin
    }
}

std::optional<Soundtrack> Soundtrack::beside(const std::string &wav) {
    const std::optional<nlohmann::ordered_json> analysis = read_json(with_extension(wav, ".json"));
    if (!analysis || !analysis->contains(mark)) {
        return std::nullopt;
    }
    std::optional<Soundtrack> found = read(analysis->at(mark).dump());
    if (found) {
        found->wav = wav; // the folder may have been moved
    }
    return found;
}

void Soundtrack::note() const {
    const std::string path = with_extension(wav, ".json");
    std::optional<nlohmann::ordered_json> analysis = read_json(path);
    if (!analysis) {
        throw Problem(Problem::Kind::output, path + ": another program has changed this analysis; please press Update");
    }
    (*analysis)[mark] = nlohmann::ordered_json::parse(text());
    write(path, analysis->dump(2) + "\n");
}

bool Soundtrack::exists() const {
    for (const auto &[format, path] : files_beside(wav)) {
        std::error_code ignored;
        if (!fs::exists(path, ignored)) {
            return false;
        }
    }
    return true;
}

bridge::Files files_beside(const std::string &wav) {
    return {{"mid", with_extension(wav, ".mid")}, {"json", with_extension(wav, ".json")}, {"wav", wav}};
}

std::string choose_wav(const std::string &folder, const std::string &stem, const Source &source, const std::string &before,
                       const std::function<bool(const std::string &)> &taken) {
    if (!before.empty() && is_choice(before, folder, stem) && !taken(before)) {
        return before;
    }
    for (int number = 1;; ++number) {
        const std::string name = stem + (number == 1 ? "" : "-" + std::to_string(number)) + suffix + ".wav";
        const std::string path = (fs::path(folder) / name).string();
        if (taken(path)) {
            continue;
        }
        bool free = true;
        for (const auto &[format, file] : files_beside(path)) {
            std::error_code ignored;
            free = free && !fs::exists(file, ignored);
        }
        const std::optional<Soundtrack> there = Soundtrack::beside(path);
        if (free || (there && same_clip(there->source, source))) {
            return path;
        }
    }
}

} // namespace kinescore::ofx
