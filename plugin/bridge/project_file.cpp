#include "project_file.hpp"

#include "folder_lock.hpp"
#include "timeline.hpp"
#include "url.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

/// Projects of editors are far smaller; a larger file is a media file given by mistake.
constexpr std::uintmax_t largest_project = 512u << 20;

/// The beginning of the name of a project that is being written; six letters follow.
constexpr const char *unfinished_name = ".soundtrack-";
constexpr std::chrono::hours long_ago(1);

std::string reason(int error) { return std::strerror(error); }

/// A file descriptor that is closed when it goes out of scope.
class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    ~Descriptor() { close(); }

    int number() const noexcept { return number_; }
    bool close() noexcept {
        const int number = number_;
        number_ = -1;
        return number < 0 || ::close(number) == 0;
    }

private:
    int number_;
};

/// A file that is removed at the end of the scope, unless it is kept.
class Unfinished {
public:
    explicit Unfinished(std::string path) : path_(std::move(path)) {}
    Unfinished(const Unfinished &) = delete;
    Unfinished &operator=(const Unfinished &) = delete;
    ~Unfinished() {
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

    const std::string &path() const noexcept { return path_; }
    void keep() noexcept { path_.clear(); }

private:
    std::string path_;
};

std::string read_whole(const std::string &path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
        throw Problem(Problem::Kind::input, path + ": there is no such file");
    }
    if (!fs::is_regular_file(status)) {
        throw Problem(Problem::Kind::input, path + ": is not a regular file, as a project has to be");
    }
    const std::uintmax_t size = fs::file_size(path, error);
    if (!error && size > largest_project) {
        throw Problem(Problem::Kind::input, path + ": has " + std::to_string(size) + " bytes, and a project has " +
                                                std::to_string(largest_project) + " at most");
    }
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    if (file && size > 0) {
        bytes << file.rdbuf();
    }
    if (!file || !bytes) {
        throw Problem(Problem::Kind::input, path + ": cannot be read: " + reason(errno));
    }
    return bytes.str();
}

/// The content of a file; nothing if it cannot be read.
std::optional<std::string> read_if_there(const std::string &path) {
    try {
        return read_whole(path);
    } catch (const Problem &) {
        return std::nullopt;
    }
}

[[noreturn]] void cannot_write(const std::string &path, int error) {
    throw Problem(Problem::Kind::output, path + ": cannot be written: " + reason(error));
}

void write_all(const Descriptor &file, const std::string &bytes, const std::string &path) {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t count = ::write(file.number(), bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno != EINTR) {
            cannot_write(path, errno);
        }
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

/// Replaces a file, or creates it, in one step. The file gets the mode and owner of `like`.
void replace_file(const std::string &path, const std::string &bytes, const struct stat &like) {
    std::string pattern = (fs::path(path).parent_path() / (std::string(unfinished_name) + "XXXXXX")).string();
    Descriptor file(::mkostemp(pattern.data(), O_CLOEXEC));
    if (file.number() < 0) {
        cannot_write(path, errno);
    }
    Unfinished unfinished(pattern);
    write_all(file, bytes, path);
    // The owner first: changing it clears bits of the mode. A user who is not the owner may not
    // restore the owner; the group may be possible.
    if (::fchown(file.number(), like.st_uid, like.st_gid) != 0 &&
        ::fchown(file.number(), static_cast<uid_t>(-1), like.st_gid) != 0 && errno != EPERM) {
        cannot_write(path, errno);
    }
    if (::fchmod(file.number(), like.st_mode & 07777) != 0 || ::fsync(file.number()) != 0 || !file.close()) {
        cannot_write(path, errno);
    }
    if (::rename(unfinished.path().c_str(), path.c_str()) != 0) {
        cannot_write(path, errno);
    }
    unfinished.keep();
    // A file system that cannot do this for a folder still has the file.
    const Descriptor folder(::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.number() >= 0) {
        ::fsync(folder.number());
    }
}

/// Removes the files that runs killed while writing a project have left in its folder.
void clear_unfinished(const std::string &folder) {
    const std::string_view begin(unfinished_name);
    const auto now = std::chrono::system_clock::now();
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        const bool is_ours = name.size() == begin.size() + 6 && name.compare(0, begin.size(), begin) == 0 &&
                             std::all_of(name.begin() + static_cast<std::ptrdiff_t>(begin.size()), name.end(),
                                         [](unsigned char letter) { return std::isalnum(letter) != 0; });
        struct stat there {};
        if (is_ours && ::lstat(at->path().c_str(), &there) == 0 && S_ISREG(there.st_mode) &&
            there.st_uid == ::geteuid() &&
            now - std::chrono::system_clock::from_time_t(there.st_mtime) > long_ago) {
            ::unlink(at->path().c_str()); // a file that cannot be removed does no harm
        }
    }
}

/// Maximum number of backups beside a project. The first ones are the most valuable, so beyond this
/// number the last one is replaced.
constexpr int most_backups = 20;

/// Where to keep the bytes of a project: the first free name, or none if they are kept already.
std::optional<std::string> free_backup(const std::string &path, const std::string &bytes) {
    for (int number = 1;; ++number) {
        const std::string backup = path + ".bak" + (number == 1 ? "" : std::to_string(number));
        struct stat there {};
        if (::lstat(backup.c_str(), &there) != 0) {
            return backup;
        }
        if (number == most_backups) {
            return backup; // a project watched for days must not fill its folder
        }
        if (read_if_there(backup) == bytes) {
            return std::nullopt;
        }
    }
}

bool is_number(const std::string &text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char digit) { return digit >= '0' && digit <= '9'; });
}

/// A process of the same user.
struct Process {
    std::string number;
    std::string folder;                 ///< Its working directory; "" if it cannot be read.
    std::string name;                   ///< As the system reports it: at most 15 bytes.
    std::vector<std::string> arguments; ///< The first is the program's path as called.
};

std::vector<std::string> split(const std::string &text, char mark) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, mark);) {
        parts.push_back(part);
    }
    return parts;
}

std::string slurp(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

std::vector<Process> processes_of_this_user() {
    std::vector<Process> found;
    std::error_code error;
    for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
        const std::string folder = at->path().string();
        struct stat owner {};
        if (!is_number(at->path().filename().string()) || ::stat(folder.c_str(), &owner) != 0 ||
            owner.st_uid != ::geteuid()) {
            continue;
        }
        Process process;
        process.number = at->path().filename().string();
        process.name = slurp(folder + "/comm");
        process.name = process.name.substr(0, process.name.find('\n'));
        process.arguments = split(slurp(folder + "/cmdline"), '\0');
        if (process.arguments.empty()) {
            continue; // it has ended, and its parent has not yet asked how
        }
        std::error_code hidden;
        process.folder = fs::read_symlink(folder + "/cwd", hidden).string();
        found.push_back(std::move(process));
    }
    return found;
}

/// The name of the editor that a process runs, or "".
std::string editor_of(const Process &process, const std::vector<std::string> &editors) {
    const std::string called = process.arguments.empty() ? "" : fs::path(process.arguments.front()).filename().string();
    for (const std::string &editor : editors) {
        if (called == editor || (!process.name.empty() && process.name == editor.substr(0, 15))) {
            return editor;
        }
    }
    return "";
}

std::string path_of_argument(const Process &process, const std::string &argument) {
    const bool is_url = scheme_of(argument) == "file"; // as file managers name it
    const std::string path = is_url ? percent_decoded(local_part(argument).value_or("")) : argument;
    return path.empty() || path.front() == '/' ? path : process.folder + "/" + path;
}

bool is_same_file(const std::string &one, const std::string &other) {
    std::error_code error;
    return one == other || (fs::equivalent(one, other, error) && !error);
}

bool has_as_argument(const Process &process, const std::string &path) {
    return std::any_of(
        process.arguments.begin() + (process.arguments.empty() ? 0 : 1), process.arguments.end(),
        [&](const std::string &argument) { return is_same_file(path_of_argument(process, argument), path); });
}

/// Whether a process was started with a file to open. Values of options (a platform, a style) are
/// not files.
bool has_a_project(const Process &process) {
    return std::any_of(process.arguments.begin() + (process.arguments.empty() ? 0 : 1), process.arguments.end(),
                       [&](const std::string &argument) {
                           std::error_code error;
                           return !argument.empty() && argument.front() != '-' &&
                                  fs::is_regular_file(path_of_argument(process, argument), error);
                       });
}

/// The number that Kdenlive gives a document when it creates it, and writes into each of its files;
/// "" if there is none.
std::string document_id(const std::string &bytes) {
    const std::string mark = "documentid\">";
    const std::size_t begin = bytes.find(mark);
    const std::size_t end = begin == std::string::npos ? begin : bytes.find('<', begin);
    return end == std::string::npos ? "" : bytes.substr(begin + mark.size(), end - begin - mark.size());
}

/// Whether text begins with as many hexadecimal digits as an MD5 has.
bool begins_with_hash(const std::string &text) {
    constexpr std::size_t digits = 32;
    return text.size() >= digits && std::all_of(text.begin(), text.begin() + digits, [](unsigned char digit) {
               return std::isxdigit(digit) != 0;
           });
}

/// How an autosave of an editor relates to a project.
enum class Autosave { of_another, of_this_perhaps, of_this };

/// The name of a KDE autosave is that of the project, 3 characters, "file_", the folder (cut off if
/// the whole would be too long for a name) and 8 characters. Kdenlive writes a hash in place of the
/// project's name, and the suffix: then the document's id identifies the project, once anything has
/// been saved.
Autosave autosave_of(const std::string &file, const std::string &path) {
    constexpr std::size_t mark = 3, junk = 8, hash = 32;
    const std::string name = fs::path(file).filename().string();
    const std::string suffix = fs::path(path).extension().string();
    const std::string named = percent_encoded(fs::path(path).filename().string());
    const bool is_named = name.compare(0, named.size(), named) == 0;
    const bool is_hashed = begins_with_hash(name) && name.compare(hash, suffix.size(), suffix) == 0;
    const std::size_t known = is_named ? named.size() : hash + suffix.size();
    const std::size_t begin = known + mark + std::strlen("file_");
    if ((!is_named && !is_hashed) || name.size() <= begin + junk || name.compare(known + mark, 5, "file_") != 0) {
        return Autosave::of_another;
    }
    const std::string kept = name.substr(begin, name.size() - begin - junk);
    if (percent_encoded(fs::path(path).parent_path().string()).compare(0, kept.size(), kept) != 0) {
        return Autosave::of_another;
    }
    if (is_named) {
        return Autosave::of_this;
    }
    const std::string id = document_id(slurp(file));
    if (id.empty()) {
        return Autosave::of_this_perhaps;
    }
    return id == document_id(slurp(path)) ? Autosave::of_this : Autosave::of_another;
}

/// The autosave that a process keeps of a project, as KDE's programs do while there are unsaved
/// changes. Beside it is a lock that begins with the process' number; without the lock, the
/// autosave is left over from a crash. Shotcut has autosave files too, but without such a lock, and
/// in a folder that depends on its settings and packaging.
Autosave autosave(const std::string &editor, const Process &process, const std::string &path) {
    const char *data = std::getenv("XDG_DATA_HOME");
    const char *home = std::getenv("HOME");
    const std::string base = data && *data ? data : std::string(home ? home : "") + "/.local/share";
    Autosave best = Autosave::of_another;
    std::error_code error;
    for (fs::directory_iterator at(base + "/stalefiles/" + editor, error), end; !error && at != end;
         at.increment(error)) {
        const std::string file = at->path().string();
        const std::string lock = slurp(file + ".lock");
        if (at->path().extension() != ".lock" && lock.substr(0, lock.find('\n')) == process.number) {
            best = std::max(best, autosave_of(file, path));
        }
    }
    return best;
}

std::string for_people(const std::string &editor, const Process &process) {
    std::string name = editor;
    name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
    return name + " (process " + process.number + ")";
}

/// A process that has a project open, and whether that is certain.
struct Opener {
    std::string who;
    bool certain = false;
};

Opener opener(const std::string &path, const std::vector<std::string> &editors) {
    Opener found;
    for (const Process &process : processes_of_this_user()) {
        const std::string editor = editor_of(process, editors);
        if (editor.empty() || process.number == std::to_string(::getpid())) {
            continue;
        }
        const Autosave kept = autosave(editor, process, path);
        if (has_as_argument(process, path) || kept == Autosave::of_this) {
            return {for_people(editor, process), true};
        }
        if (!has_a_project(process) || kept == Autosave::of_this_perhaps) {
            found = {for_people(editor, process), false};
        }
    }
    return found;
}

/// The absolute path of an existing file, with links resolved.
std::string canonical(const std::string &path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) {
        throw Problem(Problem::Kind::input, path + ": cannot be read: " + error.message());
    }
    return real.string();
}

} // namespace

ProjectFile::ProjectFile(const std::string &path) : path_(canonical(path)), bytes_(read_whole(path_)) {}

ProjectFile::ProjectFile(const std::string &bundle, std::string bytes)
    : path_(canonical(bundle)), bytes_(std::move(bytes)), is_bundle_(true) {}

std::string ProjectFile::folder() const { return is_bundle_ ? path_ : fs::path(path_).parent_path().string(); }

std::string ProjectFile::stem() const { return fs::path(path_).stem().string(); }

std::string ProjectFile::sound_folder() const { return (fs::path(folder()) / (stem() + ".soundtracks")).string(); }

std::string ProjectFile::absolute(const std::string &path, const std::string &root) {
    if (path.empty()) {
        return path;
    }
    std::error_code error;
    fs::path base(root);
    if (!base.is_absolute()) {
        base = fs::current_path(error) / base;
    }
    return (base / path).lexically_normal().string();
}

void ProjectFile::write(const std::string &bytes, const std::vector<std::string> &editors) {
    if (bytes == bytes_) {
        return;
    }
    refuse_bundle();
    // If two runs write at once, the second sees the changes of the first.
    const FolderLock lock(folder());
    check_writable(editors);
    clear_unfinished(folder());
    struct stat there {};
    if (::stat(path_.c_str(), &there) != 0) {
        cannot_write(path_, errno);
    }
    const std::optional<std::string> backup = free_backup(path_, bytes_);
    if (backup) {
        replace_file(*backup, bytes_, there);
    }
    Unfinished kept(backup.value_or(""));
    replace_file(path_, bytes, there);
    kept.keep();
    bytes_ = bytes;
}

void ProjectFile::refuse_bundle() const {
    if (is_bundle_) {
        throw Problem(Problem::Kind::input, path_ + ": is a bundle (.otioz), which is only read: unpack it, and put the "
                                                    "soundtracks into the content.otio in it");
    }
}

void ProjectFile::check_writable(const std::vector<std::string> &editors) const {
    refuse_bundle();
    if (const Opener open = opener(path_, editors); !open.who.empty()) {
        throw Problem(Problem::Kind::changed,
                      path_ + ": " + open.who + (open.certain ? " has" : " may have") +
                          " it open and would overwrite these changes; close it there first");
    }
    if (read_if_there(path_) != bytes_) {
        throw Problem(Problem::Kind::changed,
                      path_ + ": was changed by another program since it was read, and is left as it is; please try again");
    }
    const std::string parent = folder();
    if (::faccessat(AT_FDCWD, parent.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        throw Problem(Problem::Kind::output, path_ + ": its folder cannot be written to: " + reason(errno));
    }
    if (::faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) != 0) {
        throw Problem(Problem::Kind::output, path_ + ": cannot be written: " + reason(errno));
    }
}

std::string ProjectFile::open_in(const std::string &path, const std::vector<std::string> &editors) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error);
    return opener(error ? path : real.string(), editors).who;
}

} // namespace kinescore::bridge
