/*
 * The file of a project: read once, and written back completely or not at all.
 */
#ifndef KINESCORE_BRIDGE_PROJECT_FILE_HPP
#define KINESCORE_BRIDGE_PROJECT_FILE_HPP

#include <string>
#include <vector>

namespace kinescore::bridge {

/// A project's file with its content at the time of reading.
class ProjectFile {
public:
    /// Reads a file. Throws Problem (input) if that is not possible.
    explicit ProjectFile(const std::string &path);

    /// The project in a bundle that is one file (.otioz), which is only read. Throws Problem
    /// (input) if there is no such file.
    ProjectFile(const std::string &bundle, std::string bytes);

    /// Absolute path, with links resolved: the file is replaced, not a link to it.
    const std::string &path() const noexcept { return path_; }

    /// The bytes that were read, or last written.
    const std::string &bytes() const noexcept { return bytes_; }

    /// Whether it is in a bundle that is one file.
    bool is_bundle() const noexcept { return is_bundle_; }

    /// Folder of the project, absolute; for a bundle, the bundle.
    std::string folder() const;

    /// Name of the file without folder and suffix.
    std::string stem() const;

    /// Folder for the sound of the project's timeline, beside the project; absolute.
    std::string sound_folder() const;

    /// The absolute form of a path in a project, which may be relative to `root` (the project's
    /// folder, or the root that the project names).
    static std::string absolute(const std::string &path, const std::string &root);

    /// Replaces the file's bytes in one step; the previous file is kept beside it as `NAME.bak`
    /// (numbered if a different one already exists; of more than 20 the last is replaced). The file
    /// keeps its mode and owner. Nothing is written if the bytes are unchanged.
    ///
    /// Throws Problem: `changed` if the file is no longer the one that was read, or a running
    /// program with a name in `editors` seems to have it open (the sentence then names the
    /// process); `output` if it cannot be written. Nothing is changed in these cases.
    void write(const std::string &bytes, const std::vector<std::string> &editors);

    /// Throws the exception that `write` would certainly throw now, so that nobody waits for sound
    /// that cannot be placed.
    void check_writable(const std::vector<std::string> &editors) const;

    /// The process that seems to have a project open, such as "Kdenlive (process 4711)"; "" if
    /// there is none. `editors` are names of programs in the system's spelling ("kdenlive").
    static std::string open_in(const std::string &path, const std::vector<std::string> &editors);

private:
    void refuse_bundle() const;

    std::string path_;
    std::string bytes_;
    bool is_bundle_ = false;
};

} // namespace kinescore::bridge

#endif
