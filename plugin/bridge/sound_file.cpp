#include "sound_file.hpp"

#include "timeline.hpp"
#include "url.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

constexpr const char *mark_id = "kscr";
/// First line of a mark; the checksum and the key follow, on a line each.
constexpr const char *mark_version = "kinescore 1";
constexpr std::uint32_t longest_mark = 4096;
/// Our files have three chunks; no file has this many.
constexpr int most_chunks = 1000;

constexpr const char *infix = ".soundtrack";
constexpr const char *suffix = ".wav";
constexpr std::size_t longest_name = 255; // of most file systems, in bytes
constexpr int most_names = 100'000;
/// Larger files beside a project are not read: they are media.
constexpr off_t largest_project = 64'000'000;
constexpr std::chrono::hours long_ago(1);

std::uint32_t little_endian(const char *bytes) {
    std::uint32_t value = 0;
    for (int byte = 3; byte >= 0; --byte) {
        value = value << 8 | static_cast<unsigned char>(bytes[byte]);
    }
    return value;
}

std::string little_endian(std::uint32_t value) {
    std::string bytes;
    for (int byte = 0; byte < 4; ++byte) {
        bytes += static_cast<char>(value >> (8 * byte) & 0xFF);
    }
    return bytes;
}

struct RiffChunk {
    std::uint64_t begin = 0; ///< Of the content.
    std::uint32_t size = 0;
};

/// Positions of the samples and the mark in a WAV file.
struct Wav {
    std::optional<RiffChunk> samples, mark;
};

/// Reads the chunks' headers; none if it is not a WAV file.
std::optional<Wav> chunks_of(std::ifstream &file) {
    std::array<char, 12> head{};
    if (!file.read(head.data(), head.size()) || std::memcmp(head.data(), "RIFF", 4) != 0 ||
        std::memcmp(head.data() + 8, "WAVE", 4) != 0) {
        return std::nullopt;
    }
    Wav wav;
    std::uint64_t at = head.size();
    for (int count = 0; count < most_chunks; ++count) {
        std::array<char, 8> chunk{};
        file.seekg(static_cast<std::streamoff>(at));
        if (!file.read(chunk.data(), chunk.size())) {
            break;
        }
        const RiffChunk found{at + chunk.size(), little_endian(chunk.data() + 4)};
        if (std::memcmp(chunk.data(), "data", 4) == 0) {
            wav.samples = found;
        } else if (std::memcmp(chunk.data(), mark_id, 4) == 0) {
            wav.mark = found;
        }
        at = found.begin + found.size + found.size % 2; // chunks begin at even positions
    }
    file.clear();
    return wav;
}

/// FNV-1a of 64 bits over the samples; none if they cannot be read completely.
std::optional<std::uint64_t> checksum(std::ifstream &file, const RiffChunk &samples) {
    std::uint64_t sum = 0xCBF29CE484222325u;
    std::vector<char> buffer(1 << 16);
    file.seekg(static_cast<std::streamoff>(samples.begin));
    for (std::uint64_t left = samples.size; left > 0;) {
        const auto count = static_cast<std::streamsize>(std::min<std::uint64_t>(left, buffer.size()));
        if (!file.read(buffer.data(), count)) {
            return std::nullopt;
        }
        for (std::streamsize at = 0; at < count; ++at) {
            sum = (sum ^ static_cast<unsigned char>(buffer[static_cast<std::size_t>(at)])) * 0x100000001B3u;
        }
        left -= static_cast<std::uint64_t>(count);
    }
    return sum;
}

std::string digits_of(std::uint64_t number) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
    return text.data();
}

/// The content of a mark.
struct Mark {
    std::string checksum;
    std::string key;
};

std::optional<Mark> mark_in(std::ifstream &file, const Wav &wav) {
    if (!wav.mark || wav.mark->size > longest_mark) {
        return std::nullopt;
    }
    std::string text(wav.mark->size, '\0');
    file.seekg(static_cast<std::streamoff>(wav.mark->begin));
    if (!file.read(&text[0], static_cast<std::streamsize>(text.size()))) {
        return std::nullopt;
    }
    const std::size_t version = text.find('\n');
    const std::size_t sum = version == std::string::npos ? version : text.find('\n', version + 1);
    if (sum == std::string::npos || text.substr(0, version) != mark_version) {
        return std::nullopt;
    }
    Mark mark{text.substr(version + 1, sum - version - 1), text.substr(sum + 1)};
    return mark.key.empty() ? std::nullopt : std::optional(mark);
}

[[noreturn]] void cannot_write(const std::string &path, const std::string &reason) {
    throw Problem(Problem::Kind::output, path + ": cannot be written: " + reason);
}

bool ends_with(const std::string &text, const std::string &end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Whether a name is `NAME.soundtrack.wav` or, with a number of 2 or more, `NAME.soundtrack-2.wav`.
bool is_name_of_sound(const std::string &name) {
    if (name.empty() || name.front() == '.' || !ends_with(name, suffix)) {
        return false;
    }
    std::string stem = name.substr(0, name.size() - std::strlen(suffix));
    const std::size_t last = stem.find_last_not_of("0123456789");
    if (last != std::string::npos && last + 1 < stem.size() && stem[last] == '-') {
        stem.resize(last);
    }
    return ends_with(stem, infix) && stem.size() > std::strlen(infix);
}

/// Whether a name is that of unfinished sound: ours, or the core's, which writes beside it.
bool is_unfinished_name(const std::string &name) {
    return !name.empty() && name.front() == '.' && name.find(infix) != std::string::npos &&
           name.find(".part.") != std::string::npos && ends_with(name, suffix);
}

bool is_regular(const std::string &path, struct stat &there) {
    return ::lstat(path.c_str(), &there) == 0 && S_ISREG(there.st_mode);
}

/// The beginning of a name, cut between UTF-8 characters if it is too long.
std::string fitting(std::string stem, std::size_t most) {
    if (stem.size() > most) {
        while (most > 0 && (static_cast<unsigned char>(stem[most]) & 0xC0U) == 0x80U) {
            --most;
        }
        stem.resize(most);
    }
    return stem;
}

std::vector<std::string> names_in(const std::string &folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        names.push_back(at->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

void put_mark(const std::string &wav, const std::string &key) {
    std::ifstream file(wav, std::ios::binary);
    const auto chunks = chunks_of(file);
    const auto sum = chunks && chunks->samples ? checksum(file, *chunks->samples) : std::nullopt;
    if (!sum) {
        cannot_write(wav, "the new sound is not a complete WAV file");
    }
    const std::string text = std::string(mark_version) + "\n" + digits_of(*sum) + "\n" + key;
    if (text.size() > longest_mark) {
        cannot_write(wav, "the key has " + std::to_string(key.size()) + " bytes; it may have " +
                              std::to_string(longest_mark - 64));
    }
    std::error_code error;
    const std::uintmax_t size = fs::file_size(wav, error);
    std::string chunk = size % 2 == 0 ? "" : std::string(1, '\0');
    chunk += mark_id + little_endian(static_cast<std::uint32_t>(text.size())) + text;
    chunk += text.size() % 2 == 0 ? "" : std::string(1, '\0');
    if (error || size + chunk.size() - 8 > UINT32_MAX) {
        cannot_write(wav, error ? error.message() : "a WAV file holds 4 GiB at most");
    }
    std::fstream marked(wav, std::ios::binary | std::ios::in | std::ios::out);
    marked.seekp(0, std::ios::end);
    marked << chunk;
    marked.seekp(4);
    marked << little_endian(static_cast<std::uint32_t>(size + chunk.size() - 8));
    marked.close();
    if (!marked) {
        cannot_write(wav, std::strerror(errno));
    }
}

std::optional<std::string> marked_key(const std::string &wav) {
    std::ifstream file(wav, std::ios::binary);
    const auto chunks = chunks_of(file);
    const auto mark = chunks ? mark_in(file, *chunks) : std::nullopt;
    return mark ? std::optional(mark->key) : std::nullopt;
}

bool is_as_made(const std::string &wav) {
    std::ifstream file(wav, std::ios::binary);
    const auto chunks = chunks_of(file);
    const auto mark = chunks && chunks->samples ? mark_in(file, *chunks) : std::nullopt;
    const auto sum = mark ? checksum(file, *chunks->samples) : std::nullopt;
    return sum && digits_of(*sum) == mark->checksum;
}

bool SoundFolder::is_place(const std::string &file) const {
    std::error_code error, other;
    const fs::path path(file);
    return is_name_of_sound(path.filename().string()) &&
           fs::weakly_canonical(path.parent_path(), error) == fs::weakly_canonical(path_, other) && !error && !other;
}

std::string SoundFolder::why_not_ours(const std::string &file) const {
    struct stat there {};
    if (!is_place(file)) {
        return "is not one of the sound files in " + path_;
    }
    if (!is_regular(file, there)) {
        return "is a link or not a file";
    }
    if (!marked_key(file)) {
        return "was not made by Kinescore, or has lost its mark";
    }
    if (!is_as_made(file)) {
        return "was changed since Kinescore made it";
    }
    const std::string other = other_project(file);
    return other.empty() ? "" : "is also played by " + other;
}

/// A project beside this one that has the same name but for its ending, so that its sound is in this
/// folder too, and that names a file; "" if there is none.
std::string SoundFolder::other_project(const std::string &file) const {
    const fs::path folder(path_);
    const std::string name = fs::path(file).filename().string();
    std::error_code error;
    for (const std::string &beside : names_in(folder.parent_path().string())) {
        const fs::path path = folder.parent_path() / beside;
        struct stat there {};
        if (fs::path(beside).stem() != folder.stem() || beside == name || !is_regular(path.string(), there) ||
            there.st_size > largest_project || (!project_.empty() && fs::equivalent(path, project_, error))) {
            continue;
        }
        std::ifstream stream(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(stream), {}};
        if (text.find("/" + name) != std::string::npos || text.find("/" + percent_encoded(name)) != std::string::npos) {
            return beside;
        }
    }
    return "";
}

void SoundFolder::make() const {
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) {
        throw Problem(Problem::Kind::output, path_ + ": the folder cannot be created:  " + error.message());
    }
}

std::string SoundFolder::unfinished() const {
    std::random_device random;
    for (;;) {
        std::array<char, 64> name{};
        std::snprintf(name.data(), name.size(), "%s-%ld-%08x.part%s", infix, static_cast<long>(::getpid()),
                      static_cast<unsigned>(random()), suffix);
        const std::string path = (fs::path(path_) / name.data()).string();
        struct stat there {};
        if (::lstat(path.c_str(), &there) != 0) {
            return path;
        }
    }
}

bool SoundFolder::reserve(const std::string &file) const {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
        ::close(descriptor);
        return true;
    }
    if (errno != EEXIST) {
        cannot_write(file, std::strerror(errno));
    }
    return false;
}

std::string SoundFolder::reserve_for(const std::string &media, const IsNamed &is_named) const {
    const std::size_t rest = std::strlen(infix) + std::strlen("-100000") + std::strlen(suffix);
    const std::string stem = fitting(fs::path(media).stem().string(), longest_name - rest);
    for (int number = 1; number <= most_names; ++number) {
        const std::string tail = number == 1 ? "" : "-" + std::to_string(number);
        // A name that begins with a dot is hidden.
        const std::string name = (stem.empty() || stem.front() == '.' ? "clip" : "") + stem + infix + tail + suffix;
        const std::string path = (fs::path(path_) / name).string();
        if (!is_named(path) && reserve(path)) {
            return path;
        }
    }
    cannot_write(path_, "it holds " + std::to_string(most_names) + " sounds of " + stem + " already");
}

std::optional<std::string> SoundFolder::orphan(const std::string &key, const IsNamed &is_named) const {
    for (const std::string &name : names_in(path_)) {
        const std::string path = (fs::path(path_) / name).string();
        if (is_name_of_sound(name) && !is_named(path) && marked_key(path) == key && why_not_ours(path).empty()) {
            return path;
        }
    }
    return std::nullopt;
}

void SoundFolder::clear(const IsNamed &is_named) const {
    const auto now = std::chrono::system_clock::now();
    for (const std::string &name : names_in(path_)) {
        const std::string path = (fs::path(path_) / name).string();
        struct stat there {};
        if (!is_regular(path, there) || there.st_uid != ::geteuid() ||
            now - std::chrono::system_clock::from_time_t(there.st_mtime) < long_ago) {
            continue;
        }
        if (is_unfinished_name(name) || (is_name_of_sound(name) && there.st_size == 0 && !is_named(path))) {
            ::unlink(path.c_str()); // a file that cannot be removed does no harm
        }
    }
}

} // namespace kinescore::bridge
