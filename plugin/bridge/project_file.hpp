/*
 * The file of a project: read once, and written back whole or not at all.
 */
#ifndef KINESCORE_BRIDGE_PROJECT_FILE_HPP
#define KINESCORE_BRIDGE_PROJECT_FILE_HPP

#include <string>
#include <vector>

namespace kinescore::bridge {

/// A project's file as it was when it was read.
class ProjectFile {
public:
    /// Reads a file. Throws Problem (input) when that is not possible.
    explicit ProjectFile(const std::string &path);

    /// The project in a bundle that is one file (.otioz), which is only read. Throws Problem (input) where there is no such file.
    ProjectFile(const std::string &bundle, std::string bytes);

    /// Absolute path, with links resolved: what is replaced is the file, not a link to it.
    const std::string &path() const noexcept { return path_; }

    /// What was read, or last written.
    const std::string &bytes() const noexcept { return bytes_; }

    /// Whether it is in a bundle that is one file.
    bool is_bundle() const noexcept { return is_bundle_; }

    /// Folder that the project lies in, absolute; of a bundle, the bundle.
    std::string folder() const;

    /// Name of the file without folder and suffix.
    std::string stem() const;

    /// Folder for the sound of the project's timeline, beside it; absolute.
    std::string sound_folder() const;

    /// An absolute path of one that a project names, which may be relative to `root` (the project's folder, or what the project says).
    static std::string absolute(const std::string &path, const std::string &root);

    /// Puts other bytes in the file's place, as one step; the file as it was is kept beside it as `NAME.bak` (numbered where there
    /// is one already that differs; of more than 20 the last is replaced). The file keeps its mode and owner. Nothing is written
    /// where the bytes are those that are there.
    ///
    /// Throws Problem: `changed` where the file is no longer the one that was read, or a running program of the names in `editors`
    /// seems to have it open (then the sentence says which process); `output` where it cannot be written. Then everything is as it was.
    void write(const std::string &bytes, const std::vector<std::string> &editors);

    /// Throws what `write` would throw where it surely would, for now: so that nobody waits for sound that cannot be placed.
    void check_writable(const std::vector<std::string> &editors) const;

    /// The process that seems to have a project open, as "Kdenlive (process 4711)"; "" where there is none. `editors` are names of
    /// programs as the system knows them ("kdenlive").
    static std::string open_in(const std::string &path, const std::vector<std::string> &editors);

private:
    void refuse_bundle() const;

    std::string path_;
    std::string bytes_;
    bool is_bundle_ = false;
};

} // namespace kinescore::bridge

#endif
